/**
 * Which conversations would go to another seat so that what waits is shared out by weight again: when a seat is overloaded, or a
 * master has joined. A plan, and pure: nothing is moved here (machines/fleet/moves.ts does that).
 *
 * Laws (test/delivery/rebalance.test.ts): at most `most` conversations; only such of which nothing is under way, unanswered or
 * held, and that have not begun: a contact who has heard from one number does not hear from another because of a queue; only
 * to eligible seats to which they may go; each move makes the two seats' loads more alike, so the heaviest load never grows; when the plan has fewer
 * moves than it may, no further single one would.
 */
import { type AccountId, type ConversationId, type Millis, type SeatId, seatId } from "../../ports/ids.ts";
import { geo } from "./geo.ts";
import { priority } from "./priority.ts";
import type { LineBalance } from "./strategy.ts";

export interface SeatLoad {
  readonly seat: SeatId;
  /** Above 0. */
  readonly weight: number;
  readonly isEligible: boolean;
}
export interface WaitingConversation {
  readonly conversation: ConversationId;
  readonly seat: SeatId;
  /** Messages that wait: at least 1. */
  readonly waiting: number;
  /** An attempt is under way or unanswered, or a message is held. */
  readonly isBusy: boolean;
  /** The contact has heard from or written to a number of the line. */
  readonly hasBegun: boolean;
}
export interface Move {
  readonly conversation: ConversationId;
  readonly from: SeatId;
  readonly to: SeatId;
  readonly waiting: number;
}
export interface Rebalance {
  readonly moves: readonly Move[];
  /** Messages that wait, by seat, for each unit of weight. */
  readonly before: ReadonlyMap<SeatId, number>;
  readonly after: ReadonlyMap<SeatId, number>;
}

/** Whether a conversation may go from the one seat to the other, so that less waits. */
export type MayGo = (from: SeatId, to: SeatId) => boolean;

/** What a strategy means for some stays there: within a region, and not on seats that are kept free. `undefined`: round-robin. */
export const mayGoOn = (balance: LineBalance | undefined): MayGo => {
  if (balance?.strategy === geo.name) {
    const regions = new Map(balance.geo.regions.flatMap(({ name, masters }) => masters.map((id) => [seatIn(balance, id), name])));
    return (from, to) => regions.get(from) === regions.get(to);
  }
  if (balance?.strategy === priority.name) {
    const kept = new Set(balance.masters.slice(0, balance.priority.reserved).map((id) => seatIn(balance, id)));
    return (from, to) => kept.has(from) || !kept.has(to);
  }
  return () => true;
};
const seatIn = ({ line }: LineBalance, account: AccountId): SeatId => seatId(line, account);

/** What a seat that is asked now would let a message wait. */
export interface SeatWait extends SeatLoad {
  readonly waiting: number;
  readonly expectedWait: Millis;
}
/** A wait that is worth a move, and how much longer than elsewhere it has to be: what is nearly even is left alone. */
const LONG: Millis = 5_000;
const LONGER = 2;

/** A seat lets messages wait long, and another, which may have just come, would not, and may have them. */
export const isLopsided = (seats: readonly SeatWait[], mayGo: MayGo): boolean => {
  const full = seats.filter(({ waiting, expectedWait }) => waiting > 0 && expectedWait >= LONG);
  return full.some(({ seat: from, expectedWait }) =>
    seats.some(
      ({ seat: to, isEligible, expectedWait: there }) => isEligible && expectedWait >= LONGER * there + LONG && mayGo(from, to),
    ),
  );
};

export const planRebalance = (
  seats: readonly SeatLoad[],
  conversations: readonly WaitingConversation[],
  most: number,
  mayGo: MayGo,
): Rebalance => {
  const weights = new Map(seats.map(({ seat, weight }) => [seat, weight]));
  const waiting = new Map(seats.map(({ seat }) => [seat, 0]));
  for (const { seat, waiting: count } of conversations) waiting.set(seat, (waiting.get(seat) ?? 0) + count);
  const loads = (): Map<SeatId, number> =>
    new Map([...weights].map(([seat, weight]) => [seat, (waiting.get(seat) ?? 0) / weight]));
  const before = loads();
  const movable = new Map(seats.map(({ seat }) => [seat, largestFirst(conversations.filter((each) => each.seat === seat))]));
  const moves: Move[] = [];
  while (moves.length < most) {
    const move = nextMove(seats, loads(), weights, movable, mayGo);
    if (!move) break;
    moves.push(move);
    waiting.set(move.from, (waiting.get(move.from) ?? 0) - move.waiting);
    waiting.set(move.to, (waiting.get(move.to) ?? 0) + move.waiting);
    movable.set(move.from, movable.get(move.from)?.filter(({ conversation }) => conversation !== move.conversation) ?? []);
  }
  return { moves, before, after: loads() };
};

const largestFirst = (conversations: readonly WaitingConversation[]): readonly WaitingConversation[] =>
  conversations
    .filter(({ isBusy, hasBegun }) => !isBusy && !hasBegun)
    .toSorted((one, other) => other.waiting - one.waiting || (one.conversation < other.conversation ? -1 : 1));

/** From the heaviest seat that can give to the lightest that may take: the largest conversation that leaves the taker lighter than the giver was. */
const nextMove = (
  seats: readonly SeatLoad[],
  loads: ReadonlyMap<SeatId, number>,
  weights: ReadonlyMap<SeatId, number>,
  movable: ReadonlyMap<SeatId, readonly WaitingConversation[]>,
  mayGo: MayGo,
): Move | undefined => {
  const loadOf = (seat: SeatId): number => loads.get(seat) ?? 0;
  const heaviestFirst = seats.map(({ seat }) => seat).toSorted((one, other) => loadOf(other) - loadOf(one));
  const takers = seats.filter(({ isEligible }) => isEligible).map(({ seat }) => seat);
  const lightestFirst = takers.toSorted((one, other) => loadOf(one) - loadOf(other));
  for (const from of heaviestFirst) {
    for (const to of lightestFirst) {
      if (loadOf(to) >= loadOf(from)) break;
      if (!mayGo(from, to)) continue;
      const fits = ({ waiting }: WaitingConversation): boolean => loadOf(to) + waiting / (weights.get(to) ?? 1) < loadOf(from);
      const found = movable.get(from)?.find(fits);
      if (found) return { conversation: found.conversation, from, to, waiting: found.waiting };
    }
  }
  return undefined;
};
