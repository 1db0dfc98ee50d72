/** To which seat a conversation goes that the present account may not open (a restricted one): pure. */
import { accountOf } from "../ports/ids.ts";
import type { RosterState, SeatView } from "./roster.ts";

/** Another seat of the line, spoken for by another account in good standing whose device is well; the line's priority decides. */
export const chooseReroute = (state: RosterState, from: SeatView): SeatView | undefined => {
  const here = from.holder ? accountOf(from.holder) : from.account;
  for (const seat of state.seats.values()) {
    if (seat.line !== from.line || seat.id === from.id || !seat.holder) continue;
    const account = accountOf(seat.holder);
    if (account === here || state.accounts.get(account)?.standing !== "good") continue;
    const health = state.devices.get(seat.holder)?.state;
    if (health === "healthy" || health === "recovering") return seat;
  }
  return undefined;
};
