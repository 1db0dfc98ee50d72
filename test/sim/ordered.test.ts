/** What operators order of a device: whatever it speaks for goes on elsewhere, told as ordered, and nobody is alerted. */
import { expect, it } from "vitest";
import { judge } from "../../sim/chaos/judge.ts";
import { runPlan } from "../../sim/plan/run.ts";
import { DIRECTED } from "../../sim/scenarios/directed.ts";

const plan = { ...DIRECTED["links-that-end-by-order"], seed: "1" };

it("moves the seat of a device that is unlinked, says that it was ordered, and raises no alert", () => {
  const { tables } = runPlan(plan).store;
  const moves = [...tables.failovers.values()].filter(({ cause }) => cause !== "startup");
  expect(moves).toMatchObject([
    { seat: "sales/sales-1", cause: "operator", from: "sales-1/b", to: "sales-1/a", outcome: "inService" },
    { seat: "sales/sales-2", cause: "operator", from: "sales-2/a" },
  ]);
  expect(tables.alerts).toEqual([]);
  expect(tables.devices.get("sales-1/b" as never)).toMatchObject({ row: { link: "linked" } });
});

it("breaks nothing that holds otherwise", () => {
  expect(judge(plan).violations).toEqual([]);
});
