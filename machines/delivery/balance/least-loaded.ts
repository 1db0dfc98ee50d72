/**
 * The seat where one more message waits least. Seats that are about as good take turns by weight: a line at rest would otherwise
 * begin every conversation from its one quickest number, and a number that begins too many is banned.
 */
import { NOBODY, type Policy, type Seats, type Strategy } from "./strategy.ts";
import type { Millis } from "../../ports/ids.ts";
import { placesOf, Turns } from "./turns.ts";

/** About as good: so much of the shortest wait, and so many milliseconds on top. */
const ABOUT = 1.25;
const ABOUT_MS: Millis = 25;

export const leastWaiting = (seats: Seats): Policy => {
  const turns = new Turns(placesOf(seats));
  const waits = new Float64Array(seats.size);
  const about = new Uint8Array(seats.size);
  return (_, __, at) => {
    const least = seats.waits(at, waits);
    if (least === Number.POSITIVE_INFINITY) return NOBODY;
    const heaviest = mark(about, waits, least * ABOUT + ABOUT_MS, seats.weights);
    return turns.next(about, seats.weights, heaviest);
  };
};

/** Marks who waits no longer than `most`, and returns the largest weight among them. */
const mark = (about: Uint8Array, waits: Float64Array, most: Millis, weights: Float64Array): number => {
  let heaviest = 0;
  for (let place = 0; place < waits.length; place++) {
    if ((waits[place] as number) > most) about[place] = 0;
    else {
      about[place] = 1;
      if ((weights[place] as number) > heaviest) heaviest = weights[place] as number;
    }
  }
  return heaviest;
};

export const leastLoaded: Strategy = { name: "least-loaded", begin: (_, seats) => leastWaiting(seats) };
