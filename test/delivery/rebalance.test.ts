import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isLopsided,
  mayGoOn,
  type Move,
  planRebalance,
  type Rebalance,
  type SeatLoad,
  type WaitingConversation,
} from "../../machines/delivery/balance/rebalance.ts";
import { balanceOf } from "../../machines/delivery/balance/settings.ts";
import type { LineBalance } from "../../machines/delivery/balance/strategy.ts";
import { type AccountId, accountId, type ConversationId, lineId, seatId, type SeatId } from "../../machines/ports/ids.ts";

const seat = (no: number) => seatId(lineId("sales"), accountId(`m${no}`));
interface Story {
  readonly seats: readonly SeatLoad[];
  readonly conversations: readonly WaitingConversation[];
  readonly most: number;
  /** Between whose seats conversations may go. */
  readonly regions: readonly number[];
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
    regions: fc.array(fc.nat(1), { minLength: size, maxLength: size }),
  }),
);
const mayGoIn =
  ({ seats, regions }: Story) =>
  (from: SeatId, to: SeatId): boolean =>
    regions[seats.findIndex((each) => each.seat === from)] === regions[seats.findIndex((each) => each.seat === to)];
const planOf = (story: Story): Rebalance => planRebalance(story.seats, story.conversations, story.most, mayGoIn(story));
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
          expect(mayGoIn(story)(from, to)).toBe(true);
        }
      }),
    );
  });

  it("says what it leaves, and never makes the heaviest load heavier", () => {
    fc.assert(
      fc.property(stories, (story) => {
        const { moves, before, after } = planOf(story);
        const again = planOf({ ...story, conversations: moved(story.conversations, moves), most: 0 });
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
              isEligible &&
              mayGoIn(all)(each.seat, to) &&
              (after.get(to) ?? 0) + each.waiting / weight < (after.get(each.seat) ?? 0),
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
    const { after, moves } = planRebalance(seats, conversations, 100, anywhere);
    for (const load of after.values()) expect(Math.abs(load - 40)).toBeLessThanOrEqual(3);
    expect(moves.length).toBeGreaterThan(10);
    expect(planRebalance(seats, conversations, 5, anywhere).moves).toEqual(moves.slice(0, 5));
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
      anywhere,
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

  it("and only where something of that seat may go to the other", () => {
    const seats = [60_000, 0, 4_000].map((expectedWait, no) => ({
      seat: seat(no),
      weight: 1,
      isEligible: true,
      waiting: 1,
      expectedWait,
    }));
    expect(isLopsided(seats, (_, to) => to === seat(2))).toBe(true);
    expect(isLopsided(seats.slice(0, 2), (_, to) => to === seat(2))).toBe(false);
    expect(isLopsided(seats, (from) => from === seat(2))).toBe(false);
  });
});

describe("what waits is shared out again", () => {
  const [one, two, three] = [0, 1, 2].map((no) => accountId(`m${no}`)) as [AccountId, AccountId, AccountId];
  const pairs = (given: Partial<LineBalance>): string[] => {
    const mayGo = mayGoOn(balanceOf(lineId("sales"), [one, two, three], given));
    const ids = [0, 1, 2];
    return ids.flatMap((from) => ids.flatMap((to) => (from !== to && mayGo(seat(from), seat(to)) ? [`${from}${to}`] : [])));
  };
  const regions = [
    { name: "eu", countries: ["DE"], masters: [one, two], distances: {} },
    { name: "us", countries: ["US"], masters: [three], distances: {} },
  ];

  it("over all seats, unless the strategy means some for some", () => {
    expect(pairs({})).toHaveLength(6);
    expect(pairs({ strategy: "least-loaded", geo: { regions, otherwise: null } })).toHaveLength(6);
    expect(mayGoOn(undefined)(seat(0), seat(2))).toBe(true);
  });

  it("within its region, where contacts belong to regions", () => {
    expect(pairs({ strategy: "geo", geo: { regions, otherwise: null } })).toEqual(["01", "10"]);
    expect(pairs({ strategy: "geo", geo: { regions: regions.slice(1), otherwise: null } })).toEqual(["01", "10"]);
  });

  it("to no seat that is kept for contacts of a tier, but from it", () => {
    expect(pairs({ strategy: "priority", priority: { tiers: ["vip"], reserved: 1 } })).toEqual(["01", "02", "12", "21"]);
    expect(pairs({ strategy: "priority", priority: { tiers: ["vip"], reserved: 2 } })).toEqual(["01", "02", "10", "12"]);
  });
});

const anywhere = (): boolean => true;
