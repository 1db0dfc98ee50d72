import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DeviceId } from "../../machines/ports/ids.ts";
import { BUSY, DEVICES, FREE, HOLDER, LAST, LONGEST_PAUSE, LONGEST_RUN, SEAT, Stage, TIMINGS, TWIN } from "./stage.ts";

const runs = process.env["GREENROOM_FULL"] ? 5000 : 150;

describe("a failover, told step by step", () => {
  it("moves the seat to the twin at once when the holder is gone for good, and is done when the twin shows life", () => {
    const stage = new Stage().well();
    stage.fail();
    stage.store("ok");
    expect(stage.row).toMatchObject({ holder: TWIN, term: 2, phase: "moving" });
    expect(stage.failover).toBe("verifying");
    stage.probe("seen");
    expect(stage.row).toMatchObject({ holder: TWIN, term: 2, phase: "serving" });
    expect([...stage.grants]).toEqual([[TWIN, 2]]);
    expect(stage.state).toBe("serving");
  });

  it("waits out the silence before it moves: a while for a twin, longer for another number", () => {
    const twin = new Stage().well();
    twin.fail("silent");
    keepSeen(twin, TIMINGS.twinAfter - 1);
    expect(twin.commits).toEqual([]);
    keepSeen(twin, 1);
    expect(twin.commits.map(({ holder }) => holder)).toEqual([TWIN]);
    const number = new Stage().well();
    number.health(TWIN, "failed", "silent");
    number.fail("silent");
    keepSeen(number, TIMINGS.numberAfter - 1);
    expect(number.commits).toEqual([]);
    keepSeen(number, 1);
    expect(number.commits.map(({ holder }) => holder)).toEqual([FREE]);
  });

  it("takes a ready twin at once when the link closed, and gives the re-dial its time before another number speaks", () => {
    const twin = new Stage().well();
    twin.fail("closed");
    expect(twin.commits.map(({ holder }) => holder)).toEqual([TWIN]);
    const alone = new Stage().well();
    alone.health(TWIN, "failed", "silent");
    alone.fail("closed");
    keepSeen(alone, TIMINGS.numberAfterClose - 1);
    expect(alone.commits).toEqual([]);
    keepSeen(alone, 1);
    expect(alone.commits.map(({ holder }) => holder)).toEqual([FREE]);
  });

  it("stops waiting when what looked passing turns out to be final", () => {
    const stage = new Stage().well();
    stage.health(TWIN, "failed", "silent");
    stage.fail("closed");
    keepSeen(stage, 500);
    expect(stage.commits).toEqual([]);
    stage.fail("loggedOut");
    expect(stage.commits.map(({ holder }) => holder)).toEqual([FREE]);
    // Nor for the twin, that waits longer while a holder is merely silent.
    const silent = new Stage().well();
    silent.fail("silent");
    keepSeen(silent, TIMINGS.twinAfter / 2);
    expect(silent.commits).toEqual([]);
    silent.fail("loggedOut");
    expect(silent.commits).toMatchObject([{ holder: TWIN, at: silent.host.now }]);
  });

  it("is called off by the holder's first sign of life before the commit, and changes nothing", () => {
    const stage = new Stage().well();
    const before = stage.row;
    stage.fail("silent");
    keepSeen(stage, 500);
    stage.health(HOLDER, "recovering");
    expect(stage.ended.map(({ outcome }) => outcome)).toEqual(["averted"]);
    stage.kind(10_000);
    expect(stage.row).toBe(before);
    expect(stage.commits).toEqual([]);
    expect([...stage.grants]).toEqual([[HOLDER, 1]]);
    expect(stage.writes("failover.record").map(({ failover }) => failover?.outcome)).toEqual(["running", "averted"]);
  });

  it("tries the next candidate when the first shows no sign in time", () => {
    const stage = new Stage().well();
    stage.fail();
    stage.store("ok");
    keepSeen(stage, TIMINGS.verify - 1);
    expect(stage.commits).toHaveLength(1);
    keepSeen(stage, 1);
    expect(stage.commits.map(({ holder }) => holder)).toEqual([TWIN, FREE]);
    stage.store("ok");
    expect(stage.row).toMatchObject({ holder: FREE, term: 3 });
    stage.probes.shift();
    stage.probe("seen");
    expect(stage.state).toBe("serving");
  });

  it("goes back to the old holder, under a higher term, if that one is well by then", () => {
    const stage = new Stage().well();
    stage.fail();
    stage.store("ok");
    stage.health(HOLDER, "recovering");
    stage.probe("missing");
    expect(stage.commits.at(-1)).toMatchObject({ holder: HOLDER, isRollback: true });
    stage.store("ok");
    expect(stage.row).toMatchObject({ holder: HOLDER, term: 3, phase: "serving" });
    expect([...stage.grants]).toEqual([[HOLDER, 3]]);
    expect(stage.ended.map(({ outcome }) => outcome)).toEqual(["rolledBack"]);
    expect(stage.state).toBe("serving");
    expect(stage.writes("failover.record").at(-1)?.failover?.outcome).toBe("rolledBack");
  });

  it("is done when the candidate shows life too late, while nobody else was found", () => {
    const stage = new Stage().well();
    for (const id of [BUSY, FREE, LAST]) stage.health(id, "failed", "closed");
    stage.fail();
    stage.store("ok");
    stage.health(TWIN, "suspect");
    keepSeen(stage, TIMINGS.verify + 100);
    expect(stage.failover).toBe("selecting");
    stage.health(HOLDER, "failed", "loggedOut", true);
    expect(stage.failover).toBe("selecting");
    stage.health(TWIN, "healthy");
    expect(stage.ended.map(({ outcome }) => outcome)).toEqual(["inService"]);
    expect([...stage.grants]).toEqual([[TWIN, 2]]);
    expect(stage.commits).toHaveLength(1);
  });

  it("is not called off any more once the seat has moved: the old holder comes back by a rollback only", () => {
    const stage = new Stage().well();
    for (const id of [BUSY, FREE, LAST]) stage.health(id, "failed", "closed");
    stage.fail("closed");
    stage.store("ok");
    stage.health(TWIN, "failed", "closed");
    stage.probe("missing");
    expect(stage.failover).toBe("selecting");
    stage.host.tell(`failover:${SEAT}`, { type: "holder.well", device: HOLDER });
    expect(stage.failover).toBe("selecting");
    stage.health(HOLDER, "recovering");
    stage.store("ok");
    expect(stage.ended.map(({ outcome }) => outcome)).toEqual(["rolledBack"]);
  });

  it("does not take whom it chose early if nothing was heard from it since", () => {
    const stage = new Stage().well();
    stage.health(TWIN, "failed", "silent");
    stage.fail("silent");
    expect(stage.failover).toBe("preparing");
    stage.host.advance(TIMINGS.numberAfter + 100);
    expect(stage.commits).toEqual([]);
    stage.seen(LAST);
    expect(stage.commits.map(({ holder }) => holder)).toEqual([LAST]);
    expect(stage.broken).toEqual([]);
  });

  it("goes back when a move that an operator wanted does not work out: nobody had failed", () => {
    const stage = new Stage().well();
    stage.host.tell(`seat:${SEAT}`, { type: "failover.demand", to: FREE, by: "operator:ada" });
    stage.store("ok");
    stage.probe("missing");
    stage.store("ok");
    expect(stage.row).toMatchObject({ holder: HOLDER, term: 3 });
    expect(stage.state).toBe("serving");
  });

  it("listens to a candidate's own probe only: what is missing of the first says nothing of the second", () => {
    const stage = new Stage().well();
    stage.fail();
    stage.store("ok");
    keepSeen(stage, TIMINGS.verify);
    stage.store("ok");
    stage.host.tell(`failover:${SEAT}`, { type: "probe.missing", device: TWIN });
    expect(stage.failover).toBe("verifying");
    stage.host.tell(`failover:${SEAT}`, { type: "probe.seen", device: TWIN });
    expect(stage.failover).toBe("verifying");
    stage.host.tell(`failover:${SEAT}`, { type: "probe.seen", device: FREE });
    expect(stage.failover).toBe("inService");
  });

  it("asks a store that does not answer again, and finds its own commit", () => {
    const stage = new Stage().well();
    stage.fail();
    stage.store("silent");
    keepSeen(stage, 1000);
    expect(stage.commits.map(({ holder }) => holder)).toEqual([TWIN, TWIN]);
    stage.row = { ...stage.row, holder: TWIN, term: 2 as never };
    stage.store("ok");
    expect(stage.failover).toBe("verifying");
    expect(stage.row.term).toBe(2);
  });

  it("takes its own commit as done when it is told so late, after it was told that it had failed", () => {
    const stage = new Stage().well();
    stage.fail();
    stage.host.tell(`failover:${SEAT}`, { type: "store.failed", answer: { op: "seat.change" } });
    expect(stage.failover).toBe("retrying");
    stage.store("ok");
    expect(stage.failover).toBe("verifying");
    stage.probe("seen");
    expect(stage.commits).toHaveLength(1);
    expect([...stage.grants]).toEqual([[TWIN, 2]]);
    expect(
      stage
        .records()
        .at(-1)
        ?.steps.map(({ text }) => text),
    ).toContain(`committed term 2 for ${TWIN}`);
  });

  it("gives up before somebody else's change, and takes that over", () => {
    const stage = new Stage().well();
    stage.fail();
    stage.row = { ...stage.row, holder: LAST, term: 7 as never };
    stage.store("ok");
    expect(stage.ended.map(({ outcome }) => outcome)).toEqual(["aborted"]);
    expect([...stage.grants]).toEqual([[LAST, 7]]);
    expect(stage.state).toBe("serving");
  });

  it("gives up when nobody can be found, and says so once", () => {
    const stage = new Stage().well();
    for (const id of [TWIN, BUSY, FREE, LAST]) stage.health(id, "failed", "closed");
    stage.fail();
    stage.host.advance(TIMINGS.patience);
    expect(stage.ended.map(({ outcome }) => outcome)).toEqual(["exhausted"]);
    expect(stage.state).toBe("stranded");
    expect(stage.host.of("raise").filter(({ rule }) => rule === "seat.stranded")).toHaveLength(1);
  });

  it("writes each step down with its evidence", () => {
    const stage = new Stage().well();
    stage.fail();
    stage.store("ok");
    keepSeen(stage, TIMINGS.verify);
    stage.store("ok");
    stage.probes.shift();
    stage.probe("seen");
    const steps = stage
      .writes("failover.record")
      .at(-1)
      ?.failover?.steps.map(({ text }) => text);
    expect(steps).toEqual([
      "m1/a gave out: loggedOut",
      expect.stringMatching(/^chose m1\/b \(twin: same number, heard \d+ ms ago\)/),
      "committed term 2 for m1/b",
      "m1/b showed no sign of service, 1200 ms after the commit",
      "chose m3/a (account: priority 3 of sales, heard 100 ms ago); not: m1/a: already tried",
      "committed term 3 for m3/a",
      "m3/a answered: in service",
      "m3/a is in service under term 3",
    ]);
  });
});

// ---- laws ----

const pick = fc.constantFrom(...DEVICES);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("wait" as const), span: fc.integer({ min: 1, max: 1500 }) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("store" as const),
      fate: fc.constantFrom("ok", "ok", "ok", "refused", "answerLost", "neverAsked", "silent", "twice"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("late" as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("probe" as const), fate: fc.constantFrom("seen", "missing") }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("stray" as const), device: pick, fate: fc.constantFrom("seen", "missing") }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("seen" as const), device: pick }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("health" as const),
      device: pick,
      state: fc.constantFrom("healthy", "suspect", "repairing", "failed", "recovering"),
      cause: fc.constantFrom("silent", "closed", "loggedOut", "unacknowledged"),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("fail" as const), cause: fc.constantFrom("silent", "closed", "banned") }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("demand" as const), to: fc.option(pick) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("brake" as const), by: fc.constantFrom("pause.request", "resume.request") }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("other" as const), holder: pick }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
const schedule = fc.array(step, { minLength: 1, maxLength: 60 });

const take = (stage: Stage, taken: Step): void => {
  switch (taken.do) {
    case "wait":
      return stage.host.advance(taken.span);
    case "store":
      return stage.store(taken.fate);
    case "late":
      return stage.late();
    case "probe":
      return stage.probe(taken.fate);
    case "stray":
      return stage.host.tell(`failover:${SEAT}`, { type: `probe.${taken.fate}`, device: taken.device });
    case "seen":
      return stage.seen(taken.device);
    case "health":
      return stage.health(taken.device, taken.state, taken.cause, taken.cause === "loggedOut");
    case "fail":
      return stage.row.holder ? stage.fail(taken.cause) : undefined;
    case "demand":
      return stage.host.tell(`seat:${SEAT}`, { type: "failover.demand", to: taken.to, by: "operator:ada" });
    case "brake":
      return stage.host.tell("orchestrator", { type: taken.by, by: "operator:ada" });
    case "other":
      // Another supervisor changes the row: it must be believed, whatever was under way.
      stage.usurp(taken.holder);
  }
};
const lived = (steps: readonly Step[]): Stage => {
  const stage = new Stage().well();
  for (const taken of steps) take(stage, taken);
  return stage;
};

describe("whatever the store, the devices and the operator do", () => {
  it("one device holds the seat, terms grow one by one, a commit stands alone, who is taken is fresh, who failed is not asked", () => {
    fc.assert(
      fc.property(schedule, (steps) => {
        expect(lived(steps).broken).toEqual([]);
      }),
      { numRuns: runs },
    );
  });

  it("every failover ends, and once the world is kind the seat is in service with the row's holder under the row's term", () => {
    fc.assert(
      fc.property(schedule, (steps) => {
        const stage = lived(steps);
        stage.host.tell("orchestrator", { type: "resume.request", by: "operator:ada" });
        for (const id of DEVICES) stage.health(id, "healthy");
        stage.kind(LONGEST_RUN + LONGEST_PAUSE);
        // Of a change by somebody else the seat learns when it next wants to move.
        stage.host.tell(`seat:${SEAT}`, { type: "failover.demand", to: null, by: "operator:ada" });
        stage.kind(10_000);
        expect(stage.broken).toEqual([]);
        expect(stage.lasts).toBe(0);
        expect(stage.state).toBe("serving");
        expect(stage.row.phase).toBe("serving");
        expect([...stage.grants]).toEqual([[stage.row.holder as DeviceId, stage.row.term]]);
      }),
      { numRuns: runs },
    );
  });

  it("no failover outlasts its deadlines, even if nothing is ever answered again", () => {
    fc.assert(
      fc.property(schedule, (steps) => {
        const stage = lived(steps);
        const ended = stage.ended.length;
        const isRunning = stage.lasts > 0;
        stage.host.advance(LONGEST_RUN);
        expect(stage.ended.length).toBeGreaterThanOrEqual(isRunning ? ended + 1 : ended);
        expect(stage.lasts).toBeLessThanOrEqual(LONGEST_RUN);
      }),
      { numRuns: runs },
    );
  });

  it("an averted failover has committed nothing", () => {
    fc.assert(
      fc.property(schedule, (steps) => {
        const stage = lived(steps);
        const averted = stage.records().filter(({ outcome }) => outcome === "averted");
        expect(averted).toHaveLength(stage.ended.filter(({ outcome }) => outcome === "averted").length);
        const moved = averted.filter(
          ({ to, termAfter, committedAt }) => to !== null || termAfter !== null || committedAt !== null,
        );
        expect(moved).toEqual([]);
      }),
      { numRuns: runs },
    );
  });

  it("every failover that began is written down with an end, or is still under way", () => {
    fc.assert(
      fc.property(schedule, (steps) => {
        const stage = lived(steps);
        stage.host.advance(LONGEST_RUN);
        const records = stage.records();
        const open = records.filter(({ outcome }) => outcome === "running").length;
        expect(open).toBeLessThanOrEqual(stage.lasts > 0 ? 1 : 0);
        expect(records).toHaveLength(stage.failovers.length);
      }),
      { numRuns: runs },
    );
  });
});

/** Time passes, and everybody who is not failed is heard of. */
function keepSeen(stage: Stage, span: number): void {
  for (let left = span; left > 0; left -= 100) {
    for (const id of DEVICES) if (stage.stateOf(id) !== "failed") stage.seen(id);
    stage.host.advance(Math.min(100, left));
  }
}
