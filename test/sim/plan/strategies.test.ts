/** A fleet that shares out new conversations by a strategy of its own, simulated. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { faultKinds } from "../../../sim/faults/catalogue.ts";
import { drawSwarmPlan } from "../../../sim/plan/draw.ts";
import { checkPlan, PlanError } from "../../../sim/plan/parse.ts";
import type { Plan } from "../../../sim/plan/plan.ts";
import { runPlan } from "../../../sim/plan/run.ts";
import { referenceFleet } from "../../../sim/world/reference.ts";

const file = join(mkdtempSync(join(tmpdir(), "greenroom-strategies-")), "plugins.ts");
writeFileSync(
  file,
  `const lastFirst = (seats: { size: number; isEligible(place: number): boolean }): number => {
  for (let place = seats.size - 1; place >= 0; place--) if (seats.isEligible(place)) return place;
  return -1;
};
export default { strategies: [{ name: "last-first", begin: () => lastFirst }] };
`,
);

const plan = (more: object): Plan => {
  const balance = {
    strategy: "last-first",
    weights: {},
    adaptive: false,
    priority: { tiers: [], reserved: 0 },
    geo: { regions: [], otherwise: null },
  };
  const line = { whenNumberChanges: "hold" as const, outboxLimit: 10_000, failback: "manual" as const, balance };
  const lines = Object.fromEntries(referenceFleet().lines.map(({ id }) => [id, line]));
  const drawn = drawSwarmPlan(1, {
    fleet: { ...referenceFleet(), settings: { lines, ...more } },
    for: 300_000,
    kinds: faultKinds,
  });
  return { ...drawn, faults: [], for: 60_000, liveness: null };
};

describe("a strategy of the fleet's own", () => {
  it("gives new conversations to the seats that it names", () => {
    const own = plan({ strategiesFrom: file });
    expect(checkPlan(JSON.parse(JSON.stringify(own)))).toEqual(own);
    const { accepted } = runPlan(own);
    expect(accepted.length).toBeGreaterThan(10);
    expect(new Set(accepted.map(({ seat }) => seat))).toEqual(new Set(["sales/sales-3", "support/support-3", "alerts/alerts-2"]));
  });

  it("is refused in a plan that says of no file that has it", () => {
    expect(() => checkPlan(plan({}))).toThrow(PlanError);
    expect(() => checkPlan(plan({}))).toThrow(/balance\.strategy must be one of round-robin/);
    expect(() => checkPlan(plan({ strategiesFrom: 7 }))).toThrow("fleet.settings.strategiesFrom must be a text");
  });
});
