/** What masters and servants keep of their seats. Pure. */
import type { DeviceId, SeatId, SeatTerm } from "../ports/ids.ts";

export interface HeldSeat {
  readonly seat: SeatId;
  readonly device: DeviceId;
  readonly term: SeatTerm;
}

/** One entry a seat, the newest grant; an older term than the one held changes nothing. */
export const granted = (seats: readonly HeldSeat[], { seat, device, term }: HeldSeat): readonly HeldSeat[] => {
  const held = seats.find((other) => other.seat === seat);
  if (held && held.term > term) return seats;
  return [...released(seats, seat), { seat, device, term }];
};

export const released = (seats: readonly HeldSeat[], seat: SeatId): readonly HeldSeat[] =>
  seats.filter((other) => other.seat !== seat);
