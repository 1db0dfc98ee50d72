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
  let last = 0;
  return (_, __, at) => {
    const least = seats.waits(at, waits);
    if (least === Number.POSITIVE_INFINITY) return NOBODY;
    const most = least * ABOUT + ABOUT_MS;
    last = turns.nextWithin(waits, most, seats.weights, heaviestWithin(waits, most, seats, last));
    return last;
  };
};

/**
 * The largest weight of those who wait no longer than `most`: looked for until one is found that nobody's exceeds, from a place on that
 * is likely to be one of them.
 */
const heaviestWithin = (waits: Float64Array, most: Millis, { weights, heaviest }: Seats, from: number): number => {
  let found = 0;
  for (let place = from, left = waits.length; left > 0 && found < heaviest; left--) {
    if ((weights[place] as number) > found && (waits[place] as number) <= most) found = weights[place] as number;
    place = place + 1 === waits.length ? 0 : place + 1;
  }
  return found;
};

export const leastLoaded: Strategy = { name: "least-loaded", begin: (_, seats) => leastWaiting(seats) };
