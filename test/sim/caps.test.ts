import { describe, expect, it } from "vitest";
import { judge } from "../../sim/chaos/judge.ts";
import { openingsOf } from "../../sim/checkers/caps.ts";
import { faultKinds } from "../../sim/faults/catalogue.ts";
import { drawSwarmPlan } from "../../sim/plan/draw.ts";
import { lifeOf } from "../../sim/plan/life.ts";
import type { Plan } from "../../sim/plan/plan.ts";
import { runPlan } from "../../sim/plan/run.ts";
import { plantNamed } from "../../sim/plants/index.ts";

/** A seed's plan, in which every master may begin three chats an hour. */
const planOf = (seed: number): Plan => {
  const drawn = drawSwarmPlan(seed, { fleet: null, for: 300_000, kinds: faultKinds });
  return { ...drawn, fleet: { ...drawn.fleet, settings: { ...drawn.fleet.settings, ...plantNamed("caps-ignored")?.settings } } };
};

describe("fleets whose accounts may begin few chats", () => {
  it("keep that through faults and crashes, lose nothing, and send what they may", { timeout: 120_000 }, () => {
    // At 90 the store answers out of order while contacts are asked about.
    for (const seed of [1, 2, 90]) expect(judge(planOf(seed)).violations).toEqual([]);
  });

  it("use what they have: new contacts go where there is room, and the rest waits", { timeout: 120_000 }, () => {
    const plan = { ...planOf(3), faults: [], workload: { ...planOf(3).workload, writes: 0 } };
    const life = lifeOf(plan, runPlan(plan));
    const counts = plan.fleet.lines.flatMap(({ masters }) => masters.map((id) => openingsOf(life).get(id)?.length));
    expect(counts).toEqual(counts.map(() => 3));
    expect(life.tables.outbox.filter(({ state }) => state === "accepted").length).toBeGreaterThan(20);
  });
});
