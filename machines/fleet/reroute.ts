/** To which seat a conversation goes that the present account may not open (a restricted one, or one that has opened enough): pure. */
import { accountOf, type Millis } from "../ports/ids.ts";
import type { RosterState, SeatView } from "./roster/state.ts";

/**
 * Another seat of the line, spoken for by another account in good standing whose device is well: the first by the line's priority
 * whose account may begin a conversation now; failing that, unless there must be room, the first.
 */
export const chooseReroute = (state: RosterState, from: SeatView, at: Millis, mustHaveRoom: boolean): SeatView | undefined => {
  const able = [...state.seats.values()].filter((seat) => mayTake(state, from, seat));
  const { allowance } = state.config;
  const hasRoom = ({ holder }: SeatView): boolean =>
    holder === null || !allowance || allowance.nextAt(accountOf(holder), true, at) <= at;
  return able.find(hasRoom) ?? (mustHaveRoom ? undefined : able[0]);
};

const mayTake = (state: RosterState, from: SeatView, { id, line, holder }: SeatView): boolean => {
  const here = from.holder ? accountOf(from.holder) : from.account;
  if (line !== from.line || id === from.id || !holder) return false;
  const account = accountOf(holder);
  if (account === here || state.accounts.get(account)?.standing !== "good") return false;
  const health = state.devices.get(holder)?.state;
  return health === "healthy" || health === "recovering";
};
