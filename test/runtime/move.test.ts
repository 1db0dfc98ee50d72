/** What whoever orders a move is told: what became of the seat, and not what became of somebody else's order. */
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { FailoverOutcome, FleetEvent } from "../../machines/ports/records.ts";
import { type ControlParts, controlHandlers } from "../../src/runtime/control.ts";

describe("a drain", () => {
  it("has moved what another account speaks for now", async () => {
    const { handlers } = fleetThat("inService");
    expect(await handlers.drain({ account: "sales-1", undo: false, keep: false })).toMatchObject({
      moved: [{ seat: "sales/sales-1", outcome: "inService" }],
      stays: [],
    });
  });

  it.each<[FailoverOutcome, RegExp]>([
    ["rolledBack", /did not come into service.*speaks again/],
    ["exhausted", /nobody was able/],
  ])("says which seat stays, and why, when its move ends as %s", async (outcome, why) => {
    const { handlers } = fleetThat(outcome);
    expect(await handlers.drain({ account: "sales-1", undo: false, keep: false })).toMatchObject({
      moved: [],
      stays: [{ seat: "sales/sales-1", why: expect.stringMatching(why) }],
    });
  });
});

describe("two orders for one seat in one breath", () => {
  it("are one move, and the second is told that it is under way", async () => {
    const { handlers, orders } = fleetThat("inService");
    const ends = await Promise.allSettled([0, 1].map(async () => handlers.switchover({ seat: "sales/sales-1" })));
    expect(ends).toMatchObject([
      { status: "fulfilled", value: { inTime: true, record: { outcome: "inService" } } },
      { status: "rejected", reason: { code: "E_REFUSED", message: expect.stringContaining("is switching at present") } },
    ]);
    expect(orders).toEqual(["sales/sales-1"]);
  });
});

describe("a move that does not end", () => {
  it("is waited for no longer because somebody set the machine's clock back", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "performance"] });
    onTestFinished(() => void vi.useRealTimers());
    const wall = vi.spyOn(Date, "now").mockReturnValue(0);
    onTestFinished(() => wall.mockRestore());
    const { handlers } = fleetThat("running");
    const told = Promise.resolve(handlers.switchover({ seat: "sales/sales-1" }));
    let answer: unknown;
    void told.then((known) => (answer = known));
    await vi.advanceTimersByTimeAsync(30_000);
    expect(answer).toEqual({ inTime: false, seat: "sales/sales-1" });
  });
});

/** One seat of `sales-1`, whose every move ends like that; `running`: never. */
function fleetThat(outcome: FailoverOutcome) {
  const seat = "sales/sales-1";
  const orders: string[] = [];
  const records: object[] = [];
  const listeners = new Set<(event: Pick<FleetEvent, "type" | "subject" | "data">) => void>();
  let state = "serving";
  const node = {
    cordon: () => undefined,
    seat: () => ({ row: { holder: "sales-1/a" }, state }),
    switchOver: () => {
      orders.push(seat);
      // As the seat's chart answers whoever comes too late.
      if (state !== "serving") {
        const data = { holder: "sales-1/a", why: "it is not in service at present" };
        for (const listener of listeners) listener({ type: "switchover.refused", subject: seat, data });
      }
      state = "switching";
      if (outcome === "running") return;
      setTimeout(() => {
        records.push({ id: String(records.length), seat, from: "sales-1/a", to: "sales-2/a", outcome, endedAt: 1 });
        state = "serving";
      }, 20);
    },
  };
  const answers: Readonly<Record<string, () => object>> = {
    "failover.list": () => ({ rows: records.toReversed() }),
    "audit.append": () => ({}),
  };
  const views = {
    now: () => 0,
    ask: async (op: string) => answers[op]?.(),
    roster: () => ({
      accounts: new Map([["sales-1", { devices: ["sales-1/a"] }]]),
      holds: new Map([["sales-1/a", [seat]]]),
      seats: new Map([[seat, {}]]),
    }),
  };
  const onEvent = (listener: (event: Pick<FleetEvent, "type" | "subject" | "data">) => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const parts = { views, supervisor: { node, onEvent }, webhooks: { names: [] }, by: "ann" } as unknown as ControlParts;
  return { handlers: controlHandlers(parts), orders };
}
