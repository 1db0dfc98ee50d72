import { describe, expect, it } from "vitest";
import type { DeviceId, SeatId } from "../../../machines/ports/ids.ts";
import { check } from "../../../sim/checkers/index.ts";
import type { Life } from "../../../sim/checkers/life.ts";
import { switchoversGoUnseen } from "../../../sim/checkers/switchovers.ts";
import { lifeOf } from "../../../sim/plan/life.ts";
import type { Plan } from "../../../sim/plan/plan.ts";
import { runPlan } from "../../../sim/plan/run.ts";
import type { Fault } from "../../../sim/faults/catalogue.ts";
import { brokenIn, first, plan as doctored, withEvents, withTables } from "./doctored.ts";

const seat = "support/support-1" as SeatId;
const AT = 60_000;
const order: Fault = { kind: "operator", order: "switchover", target: { seat }, at: AT, for: 0, twice: false };
const lived = (faults: readonly Fault[]): Life => {
  const { fleet } = doctored;
  const plan: Plan = { ...doctored, fleet: { ...fleet, settings: {} }, faults, liveness: null, for: 200_000 };
  return lifeOf(plan, runPlan(plan));
};

describe("a switchover while nothing is broken", () => {
  const life = lived([order]);
  const at = life.from + AT;
  const meanwhile = life.tables.outbox.find((row) => row.seat === seat && row.acceptedAt > at - 1_000);

  it("breaks nothing, and the seat has moved", () => {
    expect(check(life)).toEqual([]);
    const moves = [...life.tables.failovers.values()].filter((record) => record.seat === seat && record.cause === "operator");
    expect(moves.map(({ outcome }) => outcome)).toEqual(["inService"]);
  });

  it("is seen when it leaves an attempt unanswered", () => {
    const unsure = {
      number: 1,
      device: "support-1/a" as DeviceId,
      seatTerm: 1,
      at: at + 100,
      outcome: "unanswered",
      detail: null,
    };
    const outbox = life.tables.outbox.map((row) => (row === meanwhile ? { ...row, attempts: [unsure] } : row));
    expect(brokenIn(switchoversGoUnseen, withTables(life, { outbox } as never))).toHaveLength(1);
  });

  it("is seen when something was under way when the seat moved", () => {
    const move = first(life, "seat", (row) => row.seat === seat && row.phase === "moving" && row.at > at);
    const gate = first(life, "gate", (event) => event.seat === seat && event.at > at - 10_000 && event.at < move.at);
    const later = withEvents(life, (events) =>
      events.map((event) =>
        "waId" in event && event.waId === gate.waId && event.kind !== "gate" ? { ...event, at: move.at + 50 } : event,
      ),
    );
    expect(brokenIn(switchoversGoUnseen, later)).toEqual([`${gate.message} was under way when ${seat} was switched over`]);
  });

  it("is seen when a message waits for it", () => {
    const never = withEvents(life, (events) =>
      events.filter((event) => event.kind !== "accepted" || event.message !== meanwhile?.id),
    );
    expect(brokenIn(switchoversGoUnseen, never)).toHaveLength(1);
  });

  it("is nobody's fault while something else is broken", () => {
    const outage: Fault = { kind: "store-slow", target: { all: true }, at: AT - 5_000, for: 10_000, mean: 10 };
    const other = lived([order, outage]);
    const never = withEvents(other, (events) => events.filter((event) => event.kind !== "accepted"));
    expect(brokenIn(switchoversGoUnseen, never)).toEqual([]);
  });
});
