/** What a seat's queue does when it is told that what it knew, or waited for, may be otherwise. */
import { describe, expect, it } from "vitest";
import type { OutboxRow } from "../../machines/ports/store.ts";
import { ACCOUNT, Pump, row } from "./pump.ts";

const asks = (pump: Pump): number => pump.told("roster").filter((type) => type === "reroute.request").length;
/** A message to somebody new, on an account that may begin nothing: its queue has asked the roster for another seat. */
const asking = (): Pump => {
  const pump = new Pump([]).open();
  pump.tell({ type: "account.restricted", account: ACCOUNT, restricted: true });
  pump.tell({ type: "queue.offer", rows: [row(1)] });
  return pump;
};
/** A conversation on its way here, of which nothing may be sent before it has come. */
const coming = (): Pump => {
  const pump = new Pump([]).open();
  pump.tell({ type: "conversation.coming", conversation: row(1).conversation });
  pump.tell({ type: "queue.offer", rows: [row(1)] });
  return pump;
};
const answer = (pump: Pump, op: "outbox.list" | "outbox.open", rows: readonly OutboxRow[] = []): void =>
  pump.tell({ type: "store.rows", answer: { op, rows, more: false } } as never);

describe("a queue whose roster was started again", () => {
  it("asks anew for what it had asked the one before, which answers no more", () => {
    const pump = asking();
    expect([pump.phase(1), asks(pump)]).toEqual(["rerouting", 1]);
    pump.tell({ type: "queue.reload" });
    expect(asks(pump)).toBe(1);
    pump.tell({ type: "queue.reload", isAnew: true });
    expect([pump.phase(1), asks(pump)]).toEqual(["rerouting", 2]);
  });

  it("leaves alone what it had not asked for", () => {
    const pump = new Pump([]).open();
    pump.tell({ type: "queue.offer", rows: [row(1)] });
    const [phase, sends] = [pump.phase(1), pump.sends.length];
    pump.tell({ type: "queue.reload", isAnew: true });
    expect([pump.phase(1), pump.sends.length]).toEqual([phase, sends]);
  });

  it("waits for no conversation any more that the one before had sent on its way here", () => {
    const pump = coming();
    expect(pump.sends).toEqual([]);
    pump.tell({ type: "queue.reload" });
    pump.tell({ type: "queue.offer", rows: [row(1)] });
    expect(pump.sends).toEqual([]);
    pump.tell({ type: "queue.reload", isAnew: true });
    pump.tell({ type: "queue.offer", rows: [row(1)] });
    expect(pump.sends).toEqual(["m1 1"]);
  });
});

describe("a queue that is told to look at its outbox again", () => {
  it("takes the conversation that has come, and that one only", () => {
    const pump = new Pump([row(1), row(2)], {}, true).open();
    for (const seq of [1, 2]) pump.tell({ type: "conversation.coming", conversation: row(seq).conversation });
    answer(pump, "outbox.list");
    answer(pump, "outbox.open");
    pump.isStoreSilent = false;
    pump.tell({ type: "queue.reload", conversation: row(2).conversation });
    expect(pump.sends).toEqual(["m2 1"]);
  });

  it("believes no answer to what it had asked before, where any conversation may have come", () => {
    for (const isAll of [false, true]) {
      const pump = new Pump([], {}, true).open();
      answer(pump, "outbox.list");
      expect(pump.reads).toEqual(["outbox.list", "outbox.open"]);
      pump.tell({ type: "queue.reload", from: 1, ...(isAll ? { isAll } : {}) });
      answer(pump, "outbox.open", [row(1)]);
      expect(pump.phase(1) === undefined).toBe(isAll);
      answer(pump, "outbox.open", [row(1)]);
      expect(pump.phase(1)).toBeDefined();
    }
  });

  it("lists what is held anew, unless only later messages are in question", () => {
    const pump = new Pump([]).open();
    const lists = () => pump.reads.filter((op) => op === "outbox.list").length;
    const before = lists();
    pump.tell({ type: "queue.reload", from: 5 });
    expect(lists()).toBe(before);
    pump.tell({ type: "queue.reload" });
    expect(lists()).toBe(before + 1);
  });
});
