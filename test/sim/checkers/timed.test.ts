import { describe, expect, it } from "vitest";
import { Coverage, allTransitions } from "../../../sim/checkers/coverage.ts";
import { judge } from "../../../sim/chaos/judge.ts";
import { Totals } from "../../../sim/chaos/totals.ts";
import { EXCUSED } from "../../../sim/checkers/excused.ts";
import { eventsOf } from "../../../sim/checkers/life.ts";
import { serviceOf } from "../../../sim/checkers/service.ts";
import { measure } from "../../../sim/checkers/timed.ts";
import { Timeline } from "../../../sim/checkers/timeline.ts";
import { runPlan } from "../../../sim/plan/run.ts";
import { honest, plan, withEvents, without } from "./doctored.ts";

const measured = (life = honest()) => measure(new Timeline(life));

describe("timed checks", () => {
  it("measure what the fault led to, by class and rung", () => {
    const { timings, violations, excluded } = measured();
    expect(violations).toEqual([]);
    expect(excluded).toEqual([]);
    expect(timings.map((timing) => timing.measure).sort()).toEqual(["choice", "detection", "firstAck", "inService"]);
    expect(new Set(timings.map((timing) => timing.class))).toEqual(new Set(["logged-out, twin"]));
    expect(Math.max(...timings.map(({ ms }) => ms))).toBeLessThan(2_000);
  });

  it("notice a failure that nobody saw", () => {
    const life = honest();
    const seen = eventsOf(life, "said").filter(({ type }) => type === "holder.failed");
    expect(measured(without(life, ...seen)).violations.map(({ property }) => property)).toEqual(["timed-detection"]);
  });

  it("notice acknowledgements that come too late", () => {
    const life = honest();
    const begun = eventsOf(life, "fault")[0]?.at ?? 0;
    const late = withEvents(life, (events) =>
      events.map((event) =>
        (event.kind === "ackTold" || event.kind === "proofTold") && event.at > begun
          ? { ...event, at: event.at + 12_000 }
          : event,
      ),
    );
    expect(measured(late).violations.map(({ property }) => property)).toEqual(["timed-firstAck"]);
  });

  it("take a receipt or a twin's copy for an acknowledgement: they prove as much", () => {
    const life = honest();
    const begun = eventsOf(life, "fault")[0]?.at ?? 0;
    const acks = eventsOf(life, "ackTold").filter(({ at }) => at > begun);
    expect(measured(without(life, ...acks)).violations).toEqual([]);
    const proofs = eventsOf(life, "proofTold").filter(({ at }) => at > begun);
    expect(measured(without(life, ...acks, ...proofs)).violations.map(({ property }) => property)).toEqual(["timed-firstAck"]);
  });

  it("notice a seat that moved and did not come into service", () => {
    const life = honest();
    const stuck = eventsOf(life, "seat").filter(({ term, phase }) => term > 1 && phase === "serving");
    expect(measured(without(life, ...stuck)).violations.map(({ property }) => property)).toContain("timed-inService");
  });

  it("excuse what a reason explains, and count it by that reason", () => {
    const life = honest();
    const fault = eventsOf(life, "fault")[0];
    const slow = { ...(fault as NonNullable<typeof fault>), index: 1, fault: "store-slow", devices: [] };
    const seen = eventsOf(life, "said").filter(({ type }) => type === "holder.failed");
    const doctored = withEvents(without(life, ...seen), (events) =>
      events.flatMap((event) => (event === fault ? [event, slow] : [event])),
    );
    const faults = [...life.faults, { kind: "store-slow" as const, target: { all: true as const }, at: 0, for: 1_000, mean: 1 }];
    const { violations, excluded } = measured({ ...doctored, faults });
    expect(violations).toEqual([]);
    expect(excluded).toEqual(["the store was out of reach"]);
  });
});

describe("service", () => {
  it("counts nothing against a fleet whose changes have their faults", () => {
    const { downMs, falseNumberChanges, falseTwinHandovers } = serviceOf(new Timeline(honest()));
    expect({ falseNumberChanges, falseTwinHandovers }).toEqual({ falseNumberChanges: 0, falseTwinHandovers: 0 });
    expect(downMs).toBe(0);
  });

  it("counts a handover that no fault explains, and a seat as down while its messages wait", () => {
    const life = honest();
    const unexplained = without(life, ...eventsOf(life, "fault"));
    expect(serviceOf(new Timeline(unexplained)).falseTwinHandovers).toBe(1);
    const mute = without(life, ...eventsOf(life, "accepted"));
    expect(serviceOf(new Timeline(mute)).downMs).toBeGreaterThan(60_000);
  });
});

describe("what is excluded", () => {
  const ran = judge({ ...plan, for: 20_000, liveness: null, faults: [] });
  const timing = { measure: "detection", class: "close, twin", ms: 50 } as const;
  const shareOf = (isOwn: boolean, excluded: readonly string[]): number => {
    const totals = new Totals([], isOwn);
    totals.add({ ...ran, timings: Array.from({ length: 180 }, () => timing), excluded }, []);
    return totals.excludedShare;
  };

  it("is a gap in the proof, but for a fleet of one's own that has nobody left: that is how it is", () => {
    const nobody = Array.from({ length: 20 }, () => "no eligible candidate stayed healthy");
    expect(shareOf(false, nobody)).toBe(0.1);
    expect(shareOf(true, nobody)).toBe(0);
    const late = Array.from({ length: 20 }, () => "our own event loop was late");
    expect(shareOf(true, [...nobody, ...late])).toBe(0.1);
  });
});

describe("coverage", () => {
  it("excuses only transitions that there are, each once and with a reason", () => {
    const names = EXCUSED.flatMap(({ transitions }) => transitions);
    expect(names.filter((name) => !allTransitions.includes(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
    expect(EXCUSED.every(({ because }) => because.length > 40)).toBe(true);
  });

  it("reports what is neither taken nor excused, and what is excused and taken all the same", () => {
    const excused = EXCUSED[0]?.transitions[0] ?? "";
    const totals = new Totals([], false);
    totals.add(judge({ ...plan, for: 20_000, liveness: null, faults: [] }), [excused, ...allTransitions.slice(0, 1)]);
    const { transitions } = totals.document(1, []).coverage;
    expect(transitions.wronglyExcused).toEqual([excused]);
    expect(transitions.missing).not.toContain(EXCUSED[1]?.transitions[0]);
    expect(transitions.rare["orchestrator: outage + resume.request → automatic"]).toBe("orders-in-an-outage");
    const { missing, rare } = transitions;
    expect(missing.length + Object.keys(rare).length + transitions.excused + transitions.taken).toBe(transitions.total);
  });

  it("names every transition that charts have, and counts those that a run takes", () => {
    const coverage = new Coverage();
    runPlan({ ...plan, for: 110_000, liveness: null }, { observe: coverage.observe });
    expect(new Set(allTransitions).size).toBe(allTransitions.length);
    for (const name of coverage.taken.keys()) expect(allTransitions).toContain(name);
    expect(coverage.taken.size).toBeGreaterThanOrEqual(40);
    expect([...coverage.taken.keys()]).toContain("seat: serving + holder.failed if isHolder → asking");
  });
});
