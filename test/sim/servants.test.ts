/** Servants that work, fail, come back and follow their seat, in the midst of all else. */
import { describe, expect, it } from "vitest";
import { isProved } from "../../machines/delivery/outbox-state.ts";
import { accountOf, seatOf, servantOf } from "../../machines/ports/ids.ts";
import { eventsOf } from "../../sim/checkers/life.ts";
import { lifeOf } from "../../sim/plan/life.ts";
import type { Plan } from "../../sim/plan/plan.ts";
import { runPlan } from "../../sim/plan/run.ts";
import { DIRECTED } from "../../sim/scenarios/directed.ts";

const PLAN: Plan = DIRECTED["servants-at-work"];

describe("servants at work", () => {
  it("carry the bulk, follow their seat into its next term, and leave their work to others when they are out", {
    timeout: 60_000,
  }, () => {
    const life = lifeOf(PLAN, runPlan(PLAN));
    const sent = eventsOf(life, "gate").filter(({ seat }) => servantOf(seat) !== null);
    expect(new Set(sent.map(({ device }) => accountOf(device)))).toEqual(
      new Set(["sales-s1", "sales-s2", "sales-s3", "sales-s4"]),
    );
    const moved = sent.filter(({ seat }) => seatOf(seat) === "sales/sales-2");
    expect(new Set(moved.map(({ term }) => term)).size).toBeGreaterThan(1);
    const heirs = eventsOf(life, "said").flatMap(({ type, data }) => (type === "servant.relieved" ? [data["to"]] : []));
    expect(heirs).toContain("sales/sales-1#sales-s3");
    expect(heirs).toContain("sales/sales-1#sales-s1");
    expect(life.tables.outbox.filter(({ state }) => !isProved(state))).toEqual([]);
  });

  it("have nothing to do where the line gives them nothing", { timeout: 60_000 }, () => {
    const idle: Plan = { ...PLAN, fleet: { ...PLAN.fleet, settings: {} } };
    const life = lifeOf(idle, runPlan(idle));
    expect(eventsOf(life, "gate").filter(({ seat }) => servantOf(seat) !== null)).toEqual([]);
  });
});
