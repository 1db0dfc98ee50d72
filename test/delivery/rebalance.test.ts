import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isLopsided,
  type Move,
  planRebalance,
  type Rebalance,
  type SeatLoad,
  type WaitingConversation,
} from "../../machines/delivery/balance/rebalance.ts";
import { accountId, type ConversationId, lineId, seatId } from "../../machines/ports/ids.ts";

const seat = (no: number) => seatId(lineId("sales"), accountId(`m${no}`));
interface Story {
  readonly seats: readonly SeatLoad[];
  readonly conversations: readonly WaitingConversation[];
  readonly most: number;
}
const stories: fc.Arbitrary<Story> = fc.integer({ min: 1, max: 6 }).chain((size) =>
  fc.record({
    seats: fc
      .array(fc.record({ weight: fc.constantFrom(0.5, 1, 2, 5), isEligible: fc.boolean() }), { minLength: size, maxLength: size })
      .map((all) => all.map((each, no) => ({ seat: seat(no), ...each }))),
    conversations: fc
      .array(
        fc.record({
          no: fc.nat(size - 1),
          waiting: fc.integer({ min: 1, max: 20 }),
          isBusy: fc.boolean(),
          hasBegun: fc.boolean(),
        }),
        { maxLength: 60 },
      )
      .map((all) =>
        all.map(({ no, ...rest }, place) => ({ conversation: `sales|c:${place}` as ConversationId, seat: seat(no), ...rest })),
      ),
    most: fc.nat(40),
  }),
);
const planOf = ({ seats, conversations, most }: Story): Rebalance => planRebalance(seats, conversations, most);
const heaviest = (loads: Rebalance["before"]): number => Math.max(...loads.values());
const moved = (conversations: readonly WaitingConversation[], moves: readonly Move[]): WaitingConversation[] =>
  conversations.map((each) => {
    const move = moves.find(({ conversation }) => conversation === each.conversation);
    return move ? { ...each, seat: move.to } : each;
  });

describe("a rebalance", () => {
  it("moves a bounded number, each once, to where it may go, and nothing that is busy or has begun", () => {
    fc.assert(
      fc.property(stories, (story) => {
        const { moves } = planOf(story);
        expect(moves.length).toBeLessThanOrEqual(story.most);
        expect(new Set(moves.map(({ conversation }) => conversation)).size).toBe(moves.length);
        for (const { conversation, from, to, waiting } of moves) {
          expect(story.conversations.find((each) => each.conversation === conversation)).toEqual({
            conversation,
            seat: from,
            waiting,
            isBusy: false,
            hasBegun: false,
          });
          expect(story.seats.find((each) => each.seat === to)?.isEligible).toBe(true);
        }
      }),
    );
  });

  it("says what it leaves, and never makes the heaviest load heavier", () => {
    fc.assert(
      fc.property(stories, (story) => {
        const { moves, before, after } = planOf(story);
        const again = planRebalance(story.seats, moved(story.conversations, moves), 0);
        expect(again.before).toEqual(after);
        expect(heaviest(after)).toBeLessThanOrEqual(heaviest(before));
      }),
    );
  });

  it("goes on until no single move would help, if it may", () => {
    fc.assert(
      fc.property(stories, (story) => {
        const all = { ...story, most: 1000 };
        const { moves, after } = planOf(all);
        const left = moved(story.conversations, moves).filter(
          ({ isBusy, hasBegun, conversation }) =>
            !isBusy && !hasBegun && !moves.some((move) => move.conversation === conversation),
        );
        const helpful = left.flatMap((each) =>
          story.seats.filter(
            ({ seat: to, weight, isEligible }) =>
              isEligible && (after.get(to) ?? 0) + each.waiting / weight < (after.get(each.seat) ?? 0),
          ),
        );
        expect(helpful).toEqual([]);
      }),
    );
  });

  it("fills a master that has joined to its share, within the largest conversation", () => {
    const seats = [0, 1, 2].map((no) => ({ seat: seat(no), weight: 1, isEligible: true }));
    const conversations = Array.from({ length: 60 }, (_, no) => ({
      conversation: `sales|c:${no}` as ConversationId,
      seat: seat(no % 2),
      waiting: 1 + (no % 3),
      isBusy: false,
      hasBegun: false,
    }));
    const { after, moves } = planRebalance(seats, conversations, 100);
    for (const load of after.values()) expect(Math.abs(load - 40)).toBeLessThanOrEqual(3);
    expect(moves.length).toBeGreaterThan(10);
    expect(planRebalance(seats, conversations, 5).moves).toEqual(moves.slice(0, 5));
  });
});

describe("a line is looked at more closely", () => {
  const waits = (...seats: readonly (readonly [wait: number, isEligible?: boolean, waiting?: number])[]): boolean =>
    isLopsided(
      seats.map(([expectedWait, isEligible = true, waiting = 1], no) => ({
        seat: seat(no),
        weight: 1,
        isEligible,
        waiting,
        expectedWait,
      })),
    );

  it("when a message waits five seconds on one seat, and five seconds and twice longer than on another that may have it", () => {
    expect(waits([5_000], [0])).toBe(true);
    expect(waits([4_999], [0])).toBe(false);
    expect(waits([25_000], [10_000])).toBe(true);
    expect(waits([24_999], [10_000])).toBe(false);
    expect(waits([60_000], [0, false])).toBe(false);
    expect(waits([60_000, true, 0], [0])).toBe(false);
    expect(waits([60_000, false], [0])).toBe(true);
  });
});
