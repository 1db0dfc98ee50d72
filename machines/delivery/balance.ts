/** Which seat of a line takes a new conversation. A known conversation keeps its seat: that is the caller's business. */
import type { SeatId } from "../ports/ids.ts";
import type { Standing } from "../ports/store.ts";

export type BalanceStrategy = "round-robin";
export interface SeatChoiceView {
  readonly id: SeatId;
  /** Its holder's device is up and well. */
  readonly isServing: boolean;
  /** Of the holder's account. */
  readonly standing: Standing;
}

/** A restricted account may not begin conversations, a banned one may do nothing. */
export const isEligible = (seat: SeatChoiceView): boolean => seat.isServing && seat.standing === "good";

/**
 * The next eligible seat after the one that had the last turn; undefined if there is none, and then the cursor stays.
 * `seats` in a stable order; `cursor` is what the last choice returned, 0 at first.
 */
export const chooseSeat = (
  _strategy: BalanceStrategy,
  seats: readonly SeatChoiceView[],
  cursor: number,
): { readonly seat: SeatId | undefined; readonly cursor: number } => {
  for (let step = 0; step < seats.length; step++) {
    const place = (cursor + step) % seats.length;
    const seat = seats[place];
    if (seat && isEligible(seat)) return { seat: seat.id, cursor: place + 1 };
  }
  return { seat: undefined, cursor };
};
