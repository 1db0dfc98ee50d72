/**
 * New conversations of one line: asks the line's strategy, and stands in for it when it errs.
 *
 * Whatever a strategy does, a seat that may not begin conversations is never chosen while another may: one that throws, or names
 * such a seat, has that turn taken by round-robin, and is reported.
 */
import type { Millis, SeatId } from "../../ports/ids.ts";
import { inTurn } from "./round-robin.ts";
import type { Seats, Newcomer, Policy } from "./strategy.ts";

export interface BalancerOptions {
  readonly seats: Seats;
  readonly policy: Policy;
  /** What the strategy did that it may not. */
  readonly onFault: (what: string) => void;
}

export class Balancer {
  readonly #options: BalancerOptions;
  readonly #standIn: Policy;

  constructor(options: BalancerOptions) {
    this.#options = options;
    this.#standIn = inTurn(options.seats);
  }

  /** The place that takes it; with nobody able the message waits on the first seat: accepted is kept, whoever speaks later. */
  choose(newcomer: Newcomer, at: Millis): number | undefined {
    const { seats } = this.#options;
    if (seats.size === 0) return undefined;
    if (seats.eligible === 0) return 0;
    return this.#ask(newcomer, at) ?? this.#standIn(seats, newcomer, at);
  }

  /** undefined: the strategy erred. */
  #ask(newcomer: Newcomer, at: Millis): number | undefined {
    const { seats, policy, onFault } = this.#options;
    try {
      const place = policy(seats, newcomer, at);
      if (seats.isEligible(place)) return place;
      onFault(faultOf(seats, place));
    } catch (error) {
      onFault(`it threw: ${error instanceof Error ? error.message : String(error)}`);
    }
    return undefined;
  }
}

const faultOf = (seats: Seats, place: number): string => {
  const isPlace = Number.isInteger(place) && place >= 0 && place < seats.size;
  const seat: SeatId | undefined = isPlace ? seats.seat(place) : undefined;
  return seat === undefined
    ? `it named place ${place}, and there are ${seats.size} seats, ${seats.eligible} of them able`
    : `it named ${seat}, which may not begin conversations at present`;
};
