import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadKey } from "../../src/adapters/sqlite/key-file.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { fleetText } from "../../src/cli/fleet-text.ts";
import { parseFleet } from "../../src/config/index.ts";
import { KeyRing } from "../../src/http/keys.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { inside } from "./inside.ts";
import { makeFolder } from "./process.ts";

describe("init", () => {
  it("writes a fleet file that is right, and the key of its store; and says what is next", async () => {
    const file = join(makeFolder(), "acme", "fleet.yaml");
    const { code, stdout } = await inside(
      ["init", file, "--masters", "sales-1, sales-2", "--servants", "bulk-1", "--line", "sales"],
      {},
    );
    expect(code).toBe(0);
    expect(stdout).toContain(`greenroom up ${file}`);
    const loaded = parseFleet(file, readFileSync(file, "utf8"), {});
    expect(loaded).toMatchObject({
      ok: true,
      fleet: {
        accounts: [
          { id: "sales-1", role: "master", devices: ["sales-1/a", "sales-1/b"] },
          { id: "sales-2", role: "master" },
          { id: "bulk-1", role: "servant", devices: ["bulk-1/a"] },
        ],
        lines: [{ id: "sales", masters: ["sales-1", "sales-2"], servants: ["bulk-1"] }],
      },
    });
    expect(statSync(join(file, "../greenroom.key")).mode & 0o777).toBe(0o600);
  });

  it("makes the first admin's key, which opens the API of the store that it made; and none where there is a store", async () => {
    const file = join(makeFolder(), "fleet.yaml");
    const { stdout } = await inside(["init", file, "--yes", "--json"], {});
    const { adminKey } = JSON.parse(stdout) as { adminKey: string };
    const loaded = parseFleet(file, readFileSync(file, "utf8"), {});
    if (!loaded.ok) throw new Error("the file is wrong");
    const { file: store, keyFile } = loaded.fleet.store;
    const { key } = loadKey({ env: {}, file: keyFile, store });
    const opened = openSqliteStore({ file: store, key, clock: systemClock });
    const ring = await KeyRing.open(opened.api, () => systemClock.now());
    expect(ring.authenticate(adminKey)).toMatchObject({ name: "admin", role: "admin", lines: null, createdBy: "init" });
    opened.close();
    rmSync(file);
    const again = await inside(["init", file, "--yes"], {});
    expect(again).toMatchObject({ code: 0, stdout: expect.not.stringContaining("gr_") });
  });

  it("never writes over a file", async () => {
    const file = join(makeFolder(), "fleet.yaml");
    await inside(["init", file, "--json"], {});
    const before = readFileSync(file, "utf8");
    const again = await inside(["init", file, "--json", "--name", "other"], {});
    expect(again.code).toBe(2);
    expect(JSON.parse(again.stdout)).toMatchObject({ error: { code: "E_FILE" } });
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  it("writes nothing that could not be loaded", async () => {
    const folder = makeFolder();
    const file = join(folder, "fleet.yaml");
    for (const masters of ["sales 1", "", "sales-1,sales-1"]) {
      expect(await inside(["init", file, "--masters", masters], {})).toMatchObject({ code: 2, stdout: "" });
    }
    expect(existsSync(file)).toBe(false);
  });

  it("finds words for every name that is one", () => {
    const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,10}[A-Za-z0-9]$/);
    const wishes = fc.record({
      name,
      line: name,
      masters: fc.uniqueArray(name, { minLength: 1, maxLength: 4, selector: (each) => each.toLowerCase() }),
      servants: fc.constant<string[]>([]),
      twins: fc.boolean(),
    });
    fc.assert(
      fc.property(wishes, (wish) => {
        const loaded = parseFleet("fleet.yaml", fleetText(wish), {});
        expect(loaded).toMatchObject({
          ok: true,
          fleet: { fleet: wish.name, lines: [{ id: wish.line, masters: wish.masters }] },
        });
      }),
    );
  });
});
