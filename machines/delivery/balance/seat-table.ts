/** A line's seats as columns: what a strategy reads a thousand times a decision lies side by side, and is changed in place. */
import type { AccountId, Millis, SeatId } from "../../ports/ids.ts";
import type { Seats } from "./strategy.ts";

export interface SeatLine {
  readonly seat: SeatId;
  readonly account: AccountId;
  readonly weight: number;
}
/** What one more message has to wait for. */
export interface Wait {
  /** For those before it, and for its own ack. */
  readonly answer: Millis;
  /** For the account's pace: when its turn comes. */
  readonly freeAt: Millis;
  /** Since when the oldest attempt under way has no answer; infinite: there is none. */
  readonly unansweredSince: Millis;
}

export class SeatTable implements Seats {
  readonly size: number;
  eligible = 0;
  readonly #lines: readonly SeatLine[];
  readonly #places: ReadonlyMap<SeatId, number>;
  readonly able: Uint8Array;
  readonly atHome: Uint8Array;
  readonly weights: Float64Array;
  #heaviest: number | null = null;
  readonly #answers: Float64Array;
  readonly #freeAt: Float64Array;
  readonly #unansweredSince: Float64Array;

  constructor(lines: readonly SeatLine[]) {
    const { length } = lines;
    this.size = length;
    this.#lines = lines;
    this.#places = new Map(lines.map(({ seat }, place) => [seat, place]));
    this.able = new Uint8Array(length);
    this.atHome = new Uint8Array(length);
    this.weights = Float64Array.from(lines, ({ weight }) => weight);
    this.#answers = new Float64Array(length);
    this.#freeAt = new Float64Array(length);
    this.#unansweredSince = new Float64Array(length).fill(Number.POSITIVE_INFINITY);
  }

  placeOf(seat: SeatId): number | undefined {
    return this.#places.get(seat);
  }
  seat(place: number): SeatId {
    return (this.#lines[place] as SeatLine).seat;
  }
  account(place: number): AccountId {
    return (this.#lines[place] as SeatLine).account;
  }
  isEligible(place: number): boolean {
    return this.able[place] === 1;
  }
  weight(place: number): number {
    return this.weights[place] as number;
  }
  expectedWait(place: number, at: Millis): Millis {
    const since = this.#unansweredSince[place] as number;
    return waitOf(this.#answers[place] as number, (this.#freeAt[place] as number) - at, at - since);
  }

  get heaviest(): number {
    if (this.#heaviest === null) this.#heaviest = heaviestOf(this.able, this.weights);
    return this.#heaviest;
  }
  waits(at: Millis, into: Float64Array): Millis {
    const { able, size } = this;
    const [answers, freeAt, since] = [this.#answers, this.#freeAt, this.#unansweredSince];
    let least = Number.POSITIVE_INFINITY;
    for (let place = 0; place < size; place++) {
      const wait =
        able[place] === 1
          ? waitOf(answers[place] as number, (freeAt[place] as number) - at, at - (since[place] as number))
          : Number.POSITIVE_INFINITY;
      into[place] = wait;
      if (wait < least) least = wait;
    }
    return least;
  }

  setEligible(place: number, eligible: boolean, isAtHome = true): void {
    this.atHome[place] = eligible && isAtHome ? 1 : 0;
    if (this.isEligible(place) === eligible) return;
    this.able[place] = eligible ? 1 : 0;
    this.eligible += eligible ? 1 : -1;
    this.#heaviest = null;
  }
  /** What the seat's trend leaves of its weight, above 0 and at most 1. */
  setShare(place: number, share: number): void {
    const weight = (this.#lines[place] as SeatLine).weight * share;
    if (weight === this.weights[place]) return;
    this.weights[place] = weight;
    this.#heaviest = null;
  }
  setWait(place: number, { answer, freeAt, unansweredSince }: Wait): void {
    this.#answers[place] = answer;
    this.#freeAt[place] = freeAt;
    this.#unansweredSince[place] = unansweredSince;
  }
}

/** A seat that owes an answer answers no sooner than it has kept us waiting already. */
const waitOf = (answer: Millis, paced: Millis, owed: Millis): Millis => (owed > answer ? owed : answer) + (paced > 0 ? paced : 0);

const heaviestOf = (able: Uint8Array, weights: Float64Array): number => {
  let heaviest = 0;
  for (let place = 0; place < able.length; place++) {
    if (able[place] === 1) heaviest = Math.max(heaviest, weights[place] as number);
  }
  return heaviest;
};
