import { describe, expect, it } from "vitest";
import { STRATEGIES } from "../../../machines/delivery/balance/strategies.ts";
import { faultKinds } from "../../../sim/faults/catalogue.ts";
import { drawSwarmPlan } from "../../../sim/plan/draw.ts";
import { checkPlan, parsePlan, PlanError } from "../../../sim/plan/parse.ts";
import type { Plan } from "../../../sim/plan/plan.ts";
import { drawWorkPlan } from "../../../sim/plan/work.ts";
import { drawYearPlan, DAY } from "../../../sim/plan/year.ts";

const draw = (seed: number): Plan => drawSwarmPlan(seed, { fleet: null, for: 600_000, kinds: faultKinds });
/** A fault falls within a move. */
const hitWhile = ({ faults }: Plan, order: string): boolean =>
  faults.some(
    (move) =>
      move.kind === "operator" &&
      move.order === order &&
      faults.some(({ kind, at }) => kind !== "operator" && at > move.at - 500 && at < move.at + 3_000),
  );
/** The plan with one thing in it changed. */
const altered = (change: (plan: Record<string, unknown> & { faults: Record<string, unknown>[] }) => void): (() => Plan) => {
  const plan = JSON.parse(JSON.stringify(draw(1)));
  change(plan);
  return () => checkPlan(plan);
};

describe("a plan", () => {
  it("is a function of its seed, and survives JSON", () => {
    for (let seed = 0; seed < 200; seed++) {
      const plan = draw(seed);
      expect(draw(seed)).toEqual(plan);
      expect(parsePlan(JSON.stringify(plan))).toEqual(plan);
    }
  });

  it("leaves time for the core to converge, and has a core on each line", () => {
    for (let seed = 0; seed < 200; seed++) {
      const { faults, liveness, fleet } = draw(seed);
      expect(Math.max(...faults.map(({ at }) => at))).toBeLessThan(liveness?.at ?? 0);
      for (const { masters } of fleet.lines) {
        expect(masters.some((master) => liveness?.core.some((device) => device.startsWith(`${master}/`)))).toBe(true);
      }
    }
  });

  it("of a fleet at work has all that there is to do, and faults close to its planned moves", () => {
    const plans = Array.from({ length: 200 }, (_, i) => drawWorkPlan(i + 1, { fleet: null, for: 600_000, kinds: faultKinds }));
    for (const plan of plans) expect(parsePlan(JSON.stringify(plan))).toEqual(plan);
    expect(drawWorkPlan(7, { fleet: null, for: 600_000, kinds: faultKinds })).toEqual(plans[6]);
    const share = (has: (plan: Plan) => unknown): number => plans.filter((plan) => Boolean(has(plan))).length / plans.length;
    const balances = ({ fleet }: Plan) => Object.values(fleet.settings.lines ?? {}).map(({ balance }) => balance?.strategy);
    for (const strategy of STRATEGIES) expect(share((plan) => balances(plan).includes(strategy))).toBeGreaterThan(0.4);
    expect(share(({ workload }) => workload.bursts)).toBeGreaterThan(0.6);
    expect(share(({ workload }) => workload.bulk)).toBeGreaterThan(0.5);
    expect(share(({ workload }) => workload.vips)).toBeGreaterThan(0.4);
    expect(share(({ workload }) => workload.countries)).toBeGreaterThan(0.4);
    const servantsWork = ({ fleet }: Plan) =>
      Object.values(fleet.settings.lines ?? {}).some(({ work = [] }) => work.includes("bulk"));
    expect(share(servantsWork)).toBeGreaterThan(0.8);
    for (const order of ["switchover", "rebalance"] as const) expect(share((plan) => hitWhile(plan, order))).toBeGreaterThan(0.2);
  });

  it("of a year is a day with the faults of an ordinary fleet", () => {
    const days = Array.from({ length: 100 }, (_, i) => drawYearPlan(i + 1, { fleet: null, for: DAY, kinds: faultKinds }));
    for (const day of days) expect(parsePlan(JSON.stringify(day))).toEqual(day);
    const kinds = days.flatMap(({ faults }) => faults.map(({ kind }) => kind));
    // 24 devices, each closed every other day.
    expect(kinds.filter((kind) => kind === "close").length / days.length).toBeCloseTo(12, -1);
    expect(new Set(kinds).size).toBeGreaterThan(8);
  });
});

describe("refused, with its place and what was expected:", () => {
  it.each([
    ["no JSON", () => parsePlan("{"), "it is no JSON"],
    ["no object", () => parsePlan("[]"), "the plan must be an object"],
    ["another version", altered((plan) => (plan["version"] = 2)), "it is of version 2, and this program runs version 1"],
    ["an unknown field", altered((plan) => (plan["colour"] = "red")), 'the plan has no field "colour"'],
    ["a seed that is no text", altered((plan) => (plan["seed"] = 7)), "seed must be a text"],
    [
      "an unknown fault",
      altered((plan) => (plan.faults = [{ kind: "flood" }])),
      'faults[0].kind: "flood" is no fault. Known are close,',
    ],
    [
      "a field of another fault",
      altered((plan) => (plan.faults = [{ kind: "close", target: { all: true }, at: 1, for: 0, code: 428, mute: true }])),
      'faults[0] has no field "mute"',
    ],
    [
      "a code that WhatsApp does not have",
      altered((plan) => (plan.faults = [{ kind: "close", target: { all: true }, at: 1, for: 0, code: 999 }])),
      "faults[0].code must be one of 400,",
    ],
    [
      "a device that the fleet does not have",
      altered((plan) => (plan.faults = [{ kind: "half-open-link", target: { device: "nobody/a" }, at: 1, for: 1 }])),
      'faults[0].target: the fleet has no device "nobody/a"',
    ],
    [
      "a fault after the healing",
      altered((plan) => (plan.faults = [{ kind: "half-open-link", target: { all: true }, at: 590_000, for: 1 }])),
      "faults[0].at must be before 360000",
    ],
    ["a core without a line", altered((plan) => (plan["liveness"] = { at: 1, core: [] })), 'nobody of line "sales" is in it'],
    [
      "paces that are null",
      altered((plan) => (plan["fleet"] = { accounts: [], lines: [], settings: { pacing: null } })),
      "fleet.settings.pacing must be an object",
    ],
    ["a run without an end", altered((plan) => (plan["for"] = null)), "for must be a number"],
  ] as const)("%s", (_, parse, message) => {
    expect(parse).toThrow(PlanError);
    expect(parse).toThrow(message);
  });
});
