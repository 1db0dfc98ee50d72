import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nameFault } from "../../machines/ports/ids.ts";
import { formatDuration, LONGEST, parseDuration } from "../../src/config/duration.ts";
import { loadFleetFile, renderFleet } from "../../src/config/index.ts";
import { fleetJsonSchema } from "../../src/config/json-schema.ts";
import { parseFleet } from "../../src/config/load.ts";
import { nearest } from "../../src/config/nearest.ts";

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

describe("examples/fleet.yaml", () => {
  it("loads", () => {
    expect(loadFleetFile(at("examples/fleet.yaml"), {})).toMatchObject({ ok: true, fleet: { fleet: "acme" } });
  });

  it("writes timers that are the defaults", () => {
    const loaded = loadFleetFile(at("examples/fleet.yaml"), {});
    const bare = parseFleet(
      at("examples/fleet.yaml"),
      readFileSync(at("examples/fleet.yaml"), "utf8").replace(/^timers:(\n {2}.*)+/m, ""),
      {},
    );
    expect(loaded.ok && bare.ok && loaded.fleet.timers).toEqual(bare.ok && bare.fleet.timers);
  });
});

describe("docs/fleet.schema.json", () => {
  it("is what the schema says (else run: node src/config/write-json-schema.ts && npm run format)", () => {
    expect(JSON.parse(readFileSync(at("docs/fleet.schema.json"), "utf8"))).toEqual(fleetJsonSchema());
  });

  it("allows the same names as the ids do", () => {
    const { pattern } = (fleetJsonSchema()["properties"] as { fleet: { pattern: string } }).fleet;
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 70 }), fc.stringMatching(/^[a-zA-Z0-9._-]{0,66}$/)), (text) => {
        expect(new RegExp(pattern).test(text)).toBe(nameFault(text) === undefined);
      }),
    );
  });
});

describe("a rendered fleet", () => {
  it("loads as the same fleet, whatever it is called", () => {
    const name = fc.stringMatching(/^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,8}[a-zA-Z0-9])?$/);
    fc.assert(
      fc.property(name, fc.uniqueArray(name, { minLength: 2, maxLength: 6 }), name, (fleet, [servant, ...masters], line) => {
        const text = JSON.stringify({
          fleet,
          store: { file: "../x/y.db", key: "${env:KEY}" },
          accounts: Object.fromEntries([
            [servant, { role: "servant", devices: ["a"] }],
            ...masters.map((id) => [id, { role: "master", devices: ["a", id], pacing: { perSecond: 0.1 } }]),
          ]),
          lines: { [line]: { masters, servants: [servant], failback: "automatic" } },
          timers: { deepCheck: "12.345s" },
        });
        const first = parseFleet("/etc/greenroom/fleet.yaml", text, { KEY: "k" });
        if (!first.ok) return; // a device may be called "a" twice
        const again = parseFleet("/etc/greenroom/fleet.yaml", renderFleet(first.fleet, { redacted: true }), { KEY: "k" });
        expect(again).toEqual(first);
      }),
    );
  });

  it("shows secrets only when asked to", () => {
    const text =
      "fleet: f\nstore: { key: '${env:KEY}' }\naccounts: { m: { role: master, devices: [a] } }\nlines: { l: { masters: [m] } }\n";
    const loaded = parseFleet("/tmp/fleet.yaml", text, { KEY: "hunter2" });
    if (!loaded.ok) throw new Error("the file is right");
    expect(renderFleet(loaded.fleet, { redacted: true })).not.toContain("hunter2");
    expect(renderFleet(loaded.fleet, { redacted: true })).toContain("key: ${env:KEY}");
    expect(renderFleet(loaded.fleet, { redacted: false })).toContain("key: hunter2");
  });
});

describe("durations", () => {
  it("are read back as they were written", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: LONGEST }), (millis) => {
        expect(parseDuration(formatDuration(millis))).toBe(millis);
      }),
    );
  });

  it.each(["", "1", "s", "-1s", "1 s", "1.2345s", "1d", "0s", "0.4ms", "25h", "1e3s"])("%j is none", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe("did you mean", () => {
  it.each([
    ["startegy", ["strategy", "masters"], "strategy"],
    ["sale-1", ["sales-1", "sales-2"], "sales-1"],
    ["FAILED", ["failed"], "failed"],
    ["ab", ["xy"], undefined],
    ["probe", ["servantProbe"], undefined],
  ])("%s among %j is %s", (wrong, known, expected) => {
    expect(nearest(wrong, known)).toBe(expected);
  });
});

describe("any text at all", () => {
  it("is loaded or refused, and never throws", () => {
    const line = fc.constantFrom(
      "fleet: a",
      "accounts:",
      "  m: { role: master, devices: [a] }",
      "lines:",
      "  l: { masters: [m] }",
      "- x",
      "? y",
      "*a",
      "&a b",
      "timers: 3",
      "\t",
      "store: {",
      "<<: *a",
      "null: null",
      "1: [2]",
      "{a: b}: c",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(line).map((lines) => lines.join("\n")),
        ),
        (text) => {
          const result = parseFleet("/tmp/fleet.yaml", text, {});
          expect(result.ok || result.errors.length > 0).toBe(true);
        },
      ),
    );
  });
});
