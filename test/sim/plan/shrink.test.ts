import { describe, expect, it } from "vitest";
import { faultKinds } from "../../../sim/faults/catalogue.ts";
import { drawSwarmPlan } from "../../../sim/plan/draw.ts";
import { checkPlan } from "../../../sim/plan/parse.ts";
import type { Plan } from "../../../sim/plan/plan.ts";
import { shrink } from "../../../sim/plan/shrink.ts";
import { drawWorkPlan } from "../../../sim/plan/work.ts";

const crowded = (): Plan => {
  for (let seed = 1; ; seed++) {
    const plan = drawSwarmPlan(seed, { fleet: null, for: 600_000, kinds: faultKinds });
    if (plan.faults.length === 8) return plan;
  }
};

describe("shrinking", () => {
  it("leaves the two faults that it takes, and nothing that it does not", () => {
    const plan = crowded();
    const [one, , , other] = plan.faults;
    const fails = ({ faults }: Plan) => {
      const kinds = faults.map(({ kind, target }) => JSON.stringify({ kind, target }));
      const needs = [one, other].map((fault) => JSON.stringify({ kind: fault?.kind, target: fault?.target }));
      return needs.every((need) => kinds.includes(need)) ? 100_000 : false;
    };
    const { plan: least, tried } = shrink(plan, "any", { fails });
    expect(least.faults).toHaveLength(new Set([one, other].map((fault) => JSON.stringify([fault?.kind, fault?.target]))).size);
    expect(least.liveness).toBeNull();
    expect(least.for).toBeLessThan(plan.for);
    expect(least.fleet.accounts.length).toBeLessThan(plan.fleet.accounts.length);
    expect(least.fleet.settings).toEqual({});
    expect(tried).toBeLessThan(250);
    expect(checkPlan(JSON.parse(JSON.stringify(least)))).toEqual(least);
  });

  it("keeps the second phase if the property needs it", () => {
    const { plan: least } = shrink(crowded(), "any", { fails: ({ liveness }) => (liveness ? null : false) });
    expect(least.faults).toEqual([]);
    expect(least.liveness?.core.length).toBeGreaterThan(0);
    expect(checkPlan(JSON.parse(JSON.stringify(least)))).toEqual(least);
  });

  it("tries no plan that could not be read again", () => {
    const plan = drawWorkPlan(1, { fleet: null, for: 600_000, kinds: faultKinds });
    const tried: Plan[] = [];
    const { plan: least } = shrink(plan, "any", {
      fails: (each) => {
        tried.push(each);
        return each.fleet.settings.lines ? 100_000 : false;
      },
    });
    expect(least.fleet.accounts.length).toBeLessThan(plan.fleet.accounts.length);
    for (const each of tried) expect(checkPlan(JSON.parse(JSON.stringify(each)))).toEqual(each);
  });

  it("gives back what does not fail as it is", () => {
    const plan = crowded();
    expect(shrink(plan, "any", { fails: () => false }).plan).toEqual(plan);
  });
});
