import { describe, expect, it } from "vitest";
import type { LineView, SeatPerformance } from "../../machines/delivery/balance/index.ts";
import { accountId, type ConversationId, lineId, seatId, type SeatId } from "../../machines/ports/ids.ts";
import { lineNamed, rebalanceOf } from "../../src/runtime/lines.ts";

const LINE = lineId("sales");
const [full, empty, kept] = [1, 2, 3].map((no) => seatId(LINE, accountId(`m${no}`))) as [SeatId, SeatId, SeatId];
const standing = (seat: SeatId): SeatPerformance => ({
  seat,
  isEligible: true,
  weight: 1,
  begun: 0,
  waiting: 0,
  underWay: 0,
  expectedWait: 250,
  handedOver: 0,
  answered: 0,
  failed: 0,
  p50: null,
  p99: null,
});
const view: LineView = {
  line: LINE,
  strategy: "round-robin",
  seats: [standing(full), standing(empty), standing(kept)],
  posts: [],
};
const conversation = (no: number): ConversationId => `sales|c:${no}` as ConversationId;

/** Four conversations wait on the first seat; the contact of the first has heard from its number, the second is busy. */
const parts = {
  supervisor: {
    node: {
      line: (line: string) => (line === LINE ? view : undefined),
      mayGo: () => (_: SeatId, to: SeatId) => to !== kept,
      backlog: (seat: SeatId) =>
        seat === full ? [0, 1, 2, 3].map((no) => ({ conversation: conversation(no), waiting: 2, isBusy: no === 1 })) : [],
    },
  },
  views: {
    roster: () => ({
      lines: new Map([
        [LINE, {}],
        ["later", {}],
      ]),
    }),
    ask: async (_: string, asked: { conversation: ConversationId }) => ({
      warm: asked.conversation === conversation(0) ? [accountId("m1")] : [],
    }),
  },
} as unknown as Parameters<typeof lineNamed>[0];

describe("a line, asked for over the socket", () => {
  it("is found by its name, once it is in service", () => {
    expect(lineNamed(parts, "sales")).toBe(view);
    expect(() => lineNamed(parts, "sale")).toThrow('there is no line sale. Did you mean "sales"?');
    expect(() => lineNamed(parts, "later")).toThrow("later is not in service yet");
  });

  it("would rebalance only conversations that the store knows nothing of, and that nothing happens to, and to where they may go", async () => {
    expect(await rebalanceOf(parts, view, 10)).toEqual({
      line: LINE,
      moves: [2, 3].map((no) => ({ conversation: conversation(no), from: full, to: empty, waiting: 2 })),
      seats: [
        { seat: full, before: 8, after: 4 },
        { seat: empty, before: 0, after: 4 },
        { seat: kept, before: 0, after: 0 },
      ],
    });
  });
});
