/** Everything that can happen within the bounds, in every order; and machines with a mistake in them, so that it can fail. */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runExplore } from "../../../sim/explore.ts";
import { DEFAULT_BOUNDS, type Bounds } from "../../../sim/explorer/bounds.ts";
import { Search } from "../../../sim/explorer/search.ts";
import { parseTrace, replay, traceOf } from "../../../sim/explorer/trace.ts";
import { Cast } from "../../../sim/explorer/world.ts";
import { inChart, inEffects, inReducer } from "../../../sim/plants/plant.ts";
import type { Actors } from "../../../machines/driver/actors.ts";

const silent = () => {
  let text = "";
  return { write: (more: string) => void (text += more), text: () => text };
};
const one: Bounds = { ...DEFAULT_BOUNDS, faults: 1 };
const explore = (bounds: Bounds, actors?: Actors) => new Search(bounds, new Cast(actors)).run();

describe("the explored fleet", () => {
  it("is the same each time", () => {
    expect(explore(one)).toEqual(explore(one));
  });
});

describe("a mistake is found, by the shortest way", () => {
  it("candidates that were not heard of lately", () => {
    const actors = inReducer("roster", { input: (input) => ({ ...input, candidateFresh: 600_000 }) });
    const { counterexample } = explore(one, actors);
    expect(counterexample?.property).toMatch(/^a candidate is fresh/);
    expect(counterexample?.steps.map(({ name }) => name)).toMatchInlineSnapshot(`
      [
        "renew",
        "logout m1/a",
        "land closed m1/a dial 1",
      ]
    `);
  });

  it("a grant that is left behind", () => {
    const actors = inEffects("seat", "follow", (effect) =>
      effect.op === "connection" && effect.command.op === "revoke" ? [] : [effect],
    );
    const { counterexample } = explore(one, actors);
    expect(counterexample?.property).toMatch(/^one holder per seat and term/);
    expect(counterexample?.steps).toHaveLength(4);
  });

  it("a lease that is kept past its end", () => {
    const actors = inChart("lease", { delays: { fenceLeft: () => 60_000 } });
    expect(explore(one, actors).counterexample?.property).toMatch(/^no link without a lease/);
  });

  it("a stranded seat that nobody looks at again", () => {
    const actors = inChart("failover", { guards: { givenUp: () => true, mayCommitNow: () => false, mustWait: () => false } });
    expect(explore(one, actors).counterexample?.property).toMatch(/^every seat can be served again/);
  });

  it("an actor that throws", () => {
    const actors = inChart("health", {
      delays: {
        redialLeft: () => {
          throw new Error("no delay");
        },
      },
    });
    expect(explore(one, actors).counterexample?.property).toMatch(/^no actor in error: health:/);
  });

  it("and its trace finds it again, but not in sound machines", () => {
    const actors = inReducer("roster", { input: (input) => ({ ...input, candidateFresh: 600_000 }) });
    const { counterexample } = explore(one, actors);
    const trace = parseTrace(JSON.stringify(traceOf(one, null, counterexample ?? { property: "", steps: [] })));
    expect(replay(trace, new Cast(actors))).toBe(counterexample?.property);
    expect(replay(trace, new Cast())).toBeNull();
    const impossible = { ...trace, steps: [{ name: "land nothing", text: "" }] };
    expect(() => replay(impossible, new Cast())).toThrow(/can't happen with these machines/);
  });
});

describe("greenroom explore", () => {
  it("can be stopped within a level, of which there may be minutes", () => {
    const levels = new Search(DEFAULT_BOUNDS, new Cast()).levels();
    const depths: number[] = [];
    for (let step = levels.next(); !step.done && step.value.depth < 8; step = levels.next()) depths.push(step.value.depth);
    expect(new Set(depths).size).toBe(8);
    expect(depths.length).toBeGreaterThan(16);
  });

  it("interrupted, leaves a document that says so", async () => {
    const stdout = silent();
    const { exitCode } = await runExplore({ faults: 0, json: true, stdout, stderr: silent(), signal: AbortSignal.abort() });
    expect(exitCode).toBe(130);
    expect(JSON.parse(stdout.text())).toMatchObject({ interrupted: true, sweeps: [] });
  });

  it("explores no sound machines in place of a planted bug that nothing explored could have", async () => {
    const [stdout, stderr] = [silent(), silent()];
    const { exitCode } = await runExplore({ faults: 0, plant: "fifo-broken", json: true, stdout, stderr });
    expect(exitCode).toBe(2);
    expect(stderr.text()).toMatch(/^E_USAGE --plant fifo-broken .*stale-candidates/);
    expect(JSON.parse(stdout.text())).toMatchObject({ error: { code: "E_USAGE" } });
  });

  it("asks before the search whether its counterexample can be written", async () => {
    const stderr = silent();
    const out = join(import.meta.filename, "trace.json");
    expect((await runExplore({ faults: 0, out, json: false, stdout: silent(), stderr })).exitCode).toBe(2);
    expect(stderr.text()).toMatch(/^E_FILE /);
  });

  it("writes a counterexample that it can replay", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "explore-")), "trace.json");
    const out = silent();
    const found = await runExplore({
      faults: 1,
      plant: "stale-candidates",
      out: file,
      json: false,
      stdout: out,
      stderr: silent(),
    });
    expect(found.exitCode).toBe(1);
    expect(out.text()).toContain(`greenroom explore --replay ${file}`);
    expect(parseTrace(readFileSync(file, "utf8")).plant).toBe("stale-candidates");
    expect((await runExplore({ replay: file, json: true, stdout: silent(), stderr: silent() })).exitCode).toBe(1);
  });

  it.each([
    [{ faults: -1 }, /--faults must be/],
    [{ kinds: ["meteor"] }, /E_UNKNOWN_FAULT meteor/],
    [{ plant: "nonesuch" }, /E_UNKNOWN_PLANT nonesuch/],
    [{ masters: 2, seats: 3 }, /no more seats/],
  ])("refuses %j", async (args, why) => {
    const stderr = silent();
    expect((await runExplore({ ...args, json: false, stdout: silent(), stderr })).exitCode).toBe(2);
    expect(stderr.text()).toMatch(why);
  });

  it("refuses a file that is no trace, or of another version", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "explore-")), "trace.json");
    for (const text of ["{", "{}", JSON.stringify({ kind: "exploration", version: 99 })]) {
      writeFileSync(file, text);
      expect((await runExplore({ replay: file, json: false, stdout: silent(), stderr: silent() })).exitCode).toBe(2);
    }
  });
});
