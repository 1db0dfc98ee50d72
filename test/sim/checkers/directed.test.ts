/** Directed plans: each takes the rare transitions that are booked on it under one of a few seeds, and breaks nothing under any. */
import { describe, expect, it } from "vitest";
import { judge } from "../../../sim/chaos/judge.ts";
import { allTransitions, Coverage } from "../../../sim/checkers/coverage.ts";
import { isExcused } from "../../../sim/checkers/excused.ts";
import { planThatTakes, RARE } from "../../../sim/checkers/rare.ts";
import { CHAOS_DEFAULTS } from "../../../sim/chaos.ts";
import { faultKinds } from "../../../sim/faults/catalogue.ts";
import { drawSwarmPlan } from "../../../sim/plan/draw.ts";
import { checkPlan } from "../../../sim/plan/parse.ts";
import type { Plan } from "../../../sim/plan/plan.ts";
import { runPlan } from "../../../sim/plan/run.ts";
import { DIRECTED } from "../../../sim/scenarios/directed.ts";

/** Where two things have to fall into the same instant, a seed in ten does it. */
const SEEDS = 150;

const lived = (plan: Plan, takes: readonly string[]) => {
  const coverage = new Coverage();
  const broken: string[] = [];
  const left = (): string[] => takes.filter((name) => !coverage.taken.has(name));
  for (let seed = 1; seed <= SEEDS && left().length > 0; seed++) {
    const { violations } = judge({ ...plan, seed: String(seed) }, { coverage });
    broken.push(...violations.map(({ property, text }) => `seed ${seed}: ${property}: ${text}`));
  }
  return { left: left(), broken };
};

describe("a directed plan", () => {
  it.each(Object.keys(DIRECTED) as (keyof typeof DIRECTED)[])("%s", { timeout: 120_000 }, (name) => {
    const takes = RARE[name];
    expect(takes.length).toBeGreaterThan(0);
    expect(checkPlan(JSON.parse(JSON.stringify(DIRECTED[name])))).toEqual(DIRECTED[name]);
    expect(lived(DIRECTED[name], takes)).toEqual({ left: [], broken: [] });
  });
});

/** A run of `greenroom chaos` has a hundred seeds, and watches one in four. */
const WATCHED = 25;

describe("what is neither taken by seeds, nor rare, nor excused", () => {
  it("is nothing, with as many seeds as a run watches unless told otherwise", { timeout: 240_000 }, () => {
    const { taken, observe } = new Coverage();
    for (let seed = 1; seed <= WATCHED; seed++) {
      runPlan(drawSwarmPlan(seed, { fleet: null, for: CHAOS_DEFAULTS.for, kinds: faultKinds }), { observe });
    }
    const known = (name: string): boolean => taken.has(name) || planThatTakes(name) !== undefined || isExcused(name);
    expect(allTransitions.filter((name) => !known(name))).toEqual([]);
    expect([...taken.keys()].filter(isExcused)).toEqual([]);
  });
});

describe("the rare transitions", () => {
  const names = Object.values(RARE).flat();

  it("are transitions that there are, each booked on one plan, and none is excused", () => {
    expect(names.filter((name) => !allTransitions.includes(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter(isExcused)).toEqual([]);
  });

  it("are found by name", () => {
    expect(planThatTakes("seat: stranded + failover.demand → moving")).toBe("demands-at-bad-moments");
    expect(planThatTakes("seat: serving + holder.failed if isHolder → asking")).toBeUndefined();
  });
});
