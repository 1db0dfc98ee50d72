/** A line's seats as a strategy of a user's own is shown them: what it writes into the columns changes nothing. */
import type { AccountId, Millis, SeatId } from "../../ports/ids.ts";
import type { Seats } from "./strategy.ts";

export class ShownSeats implements Seats {
  readonly #seats: Seats;

  constructor(seats: Seats) {
    this.#seats = seats;
  }
  get size(): number {
    return this.#seats.size;
  }
  get eligible(): number {
    return this.#seats.eligible;
  }
  get heaviest(): number {
    return this.#seats.heaviest;
  }
  get able(): Uint8Array {
    return this.#seats.able.slice();
  }
  get atHome(): Uint8Array {
    return this.#seats.atHome.slice();
  }
  get weights(): Float64Array {
    return this.#seats.weights.slice();
  }
  seat(place: number): SeatId {
    return this.#seats.seat(place);
  }
  account(place: number): AccountId {
    return this.#seats.account(place);
  }
  isEligible(place: number): boolean {
    return this.#seats.isEligible(place);
  }
  weight(place: number): number {
    return this.#seats.weight(place);
  }
  waits(at: Millis, into: Float64Array): Millis {
    return this.#seats.waits(at, into);
  }
  expectedWait(place: number, at: Millis): Millis {
    return this.#seats.expectedWait(place, at);
  }
}
