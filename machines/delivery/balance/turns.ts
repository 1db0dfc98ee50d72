/**
 * Whose turn it is: a weighted round robin over some places of a line, without chance.
 *
 * Each visit gives a place its weight, as a share of the heaviest one that may take part; a full share is a turn. So with equal
 * weights every visit is a turn, and a place that comes back has saved nothing up. Law: between two places that could take part
 * all the while, turns per share differ by at most 1 + the sum of what one turn is in the shares of both.
 */
import { NOBODY } from "./strategy.ts";

/** Where the next round goes on. Several lines may walk on with the same one. */
export interface Cursor {
  place: number;
}

/** Light places begin at different points of their way to a turn, or all of them would get it in the same round. */
const GOLDEN = 0.618_033_988_749_894_9;
/** What adding up thirds may lose. */
const ROUNDING = 1e-9;

export class Turns {
  readonly #places: Int32Array;
  readonly #shares: Float64Array;
  readonly #cursor: Cursor;

  constructor(places: readonly number[], cursor: Cursor = { place: 0 }) {
    this.#places = Int32Array.from(places);
    this.#cursor = cursor;
    this.#shares = Float64Array.from(places, (_, index) => (index * GOLDEN) % 1);
  }

  /**
   * The next place of those that are `able`; NOBODY if there is none, and then the turn stays where it was. `heaviest`: their
   * largest weight, from who knows it.
   */
  next(able: Uint8Array, weights: Float64Array, heaviest = this.#heaviestOf(able, weights)): number {
    const places = this.#places;
    if (heaviest <= 0) return NOBODY;
    let index = this.#cursor.place % places.length;
    // The heaviest has a turn at every visit, so this ends within a round.
    for (;;) {
      const here = index;
      const place = places[here] as number;
      index = here + 1 === places.length ? 0 : here + 1;
      if (able[place] === 1 && this.#isTurn(here, (weights[place] as number) / heaviest)) return place;
    }
  }

  /** As `next`, of those whose `waits` are at most `most`. `heaviest` is above 0. */
  nextWithin(waits: Float64Array, most: number, weights: Float64Array, heaviest: number): number {
    const places = this.#places;
    let index = this.#cursor.place % places.length;
    for (;;) {
      const here = index;
      const place = places[here] as number;
      index = here + 1 === places.length ? 0 : here + 1;
      if ((waits[place] as number) <= most && this.#isTurn(here, (weights[place] as number) / heaviest)) return place;
    }
  }

  /** A place is visited: what it has now may be a turn. */
  #isTurn(index: number, more: number): boolean {
    const share = (this.#shares[index] as number) + more;
    if (share < 1 - ROUNDING) {
      this.#shares[index] = share;
      return false;
    }
    this.#shares[index] = Math.max(0, share - 1);
    this.#cursor.place = index + 1;
    return true;
  }

  #heaviestOf(able: Uint8Array, weights: Float64Array): number {
    const places = this.#places;
    let heaviest = 0;
    for (let index = 0; index < places.length; index++) {
      const place = places[index] as number;
      if (able[place] === 1 && (weights[place] as number) > heaviest) heaviest = weights[place] as number;
    }
    return heaviest;
  }
}

/** All places of a line. */
export const placesOf = ({ size }: { readonly size: number }): readonly number[] =>
  Array.from({ length: size }, (_, place) => place);
