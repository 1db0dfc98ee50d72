import { describe, expect, it } from "vitest";
import type { Move } from "../../machines/delivery/balance/rebalance.ts";
import { accountId, type ConversationId, lineId, seatId } from "../../machines/ports/ids.ts";
import type { FleetEvent } from "../../machines/ports/records.ts";
import { carriedOut } from "../../src/runtime/rebalance.ts";

const LINE = lineId("sales");
const [from, to] = [seatId(LINE, accountId("m1")), seatId(LINE, accountId("m2"))];
const moves: Move[] = [1, 2, 3].map((no) => ({ conversation: `sales|c:${no}` as ConversationId, from, to, waiting: 1 }));
const plan = { line: LINE, moves, seats: [] };

/** A supervisor that says so much as soon as it is told to move them. */
const saying = (events: readonly Pick<FleetEvent, "type" | "subject" | "data">[]) => {
  const listeners = new Set<(event: FleetEvent) => void>();
  const ordered: [readonly Move[], string][] = [];
  return {
    ordered,
    listeners,
    onEvent: (listener: (event: FleetEvent) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    node: {
      moveConversations: (all: readonly Move[], by: string) => {
        ordered.push([all, by]);
        for (const event of events) for (const listener of listeners) listener({ at: 0, ...event });
      },
    },
  };
};

describe("a plan to share out again what waits, carried out", () => {
  it("is told each move's end, and stops listening then", async () => {
    const supervisor = saying([
      { type: "conversation.moved", subject: "support|c:1", data: {} },
      { type: "conversation.moved", subject: "sales|c:2", data: {} },
      { type: "conversation.stayed", subject: "sales|c:1", data: { why: "no turn" } },
      { type: "conversation.moved", subject: "sales|c:3", data: {} },
    ]);
    expect((await carriedOut(supervisor, plan, "operator:eve")).ends).toEqual([
      { conversation: "sales|c:1", kind: "stayed", why: "no turn" },
      { conversation: "sales|c:2", kind: "moved" },
      { conversation: "sales|c:3", kind: "moved" },
    ]);
    expect(supervisor.ordered).toEqual([[moves, "operator:eve"]]);
    expect(supervisor.listeners.size).toBe(0);
  });

  it("says which are still under way when that takes too long", async () => {
    const supervisor = saying([{ type: "conversation.moved", subject: "sales|c:2", data: {} }]);
    const { ends = [] } = await carriedOut(supervisor, plan, "operator:eve", 1);
    expect(ends.map(({ kind }) => kind)).toEqual(["underWay", "moved", "underWay"]);
    expect(supervisor.listeners.size).toBe(0);
  });

  it("orders nothing when there is nothing to move", async () => {
    const supervisor = saying([]);
    expect(await carriedOut(supervisor, { ...plan, moves: [] }, "operator:eve")).toMatchObject({ ends: [] });
    expect(supervisor.ordered).toEqual([]);
  });
});
