/** Everyone in turn, as often as their weights say. */
import type { Policy, Seats, Strategy } from "./strategy.ts";
import { type Cursor, placesOf, Turns } from "./turns.ts";

/** `cursor`: shared with other lines, if they are to walk on where this one stopped. */
export const inTurn = (seats: Seats, cursor?: Cursor): Policy => {
  const turns = new Turns(placesOf(seats), cursor);
  return () => turns.next(seats.able, seats.weights, seats.heaviest);
};

export const roundRobin: Strategy = { name: "round-robin", begin: (_, seats) => inTurn(seats) };
