/**
 * Seats that may go home: a device of the seat's own account is well again while another account speaks for it.
 *
 * Only for lines that want it; once a cool-down at most, so that a home which fails each time is not tried all the time.
 */
import { accountOf, type DeviceId, type Millis } from "../ports/ids.ts";
import { type Effect, tell } from "../protocol.ts";
import type { RosterState, SeatView } from "./roster/state.ts";

export interface Homecomings {
  readonly offers: readonly Effect[];
  /** When a seat may go home that may not yet; null: nothing to wait for. */
  readonly wakeAt: Millis | null;
}
const NONE: Homecomings = { offers: [], wakeAt: null };

export const homecomings = (state: RosterState, at: Millis): Homecomings => {
  if (state.config.failback.length === 0) return NONE;
  const offers: Effect[] = [];
  let wakeAt: Millis | null = null;
  for (const seat of state.seats.values()) {
    const home = homeOf(state, seat);
    if (!home) continue;
    const left = seat.left?.device === home ? seat.left.until : 0;
    const from = Math.max(left, seat.homeNotBefore);
    if (at < from) {
      wakeAt = Math.min(wakeAt ?? from, from);
      continue;
    }
    seat.homeNotBefore = at + state.config.cooldown;
    wakeAt = Math.min(wakeAt ?? seat.homeNotBefore, seat.homeNotBefore);
    offers.push(tell("orchestrator", { type: "home.recovered", seat: seat.id, device: home }));
  }
  return { offers, wakeAt };
};

/** Healthy means past its probation. Nobody if the seat is at home, or is being moved right now. */
const homeOf = (state: RosterState, seat: SeatView): DeviceId | undefined => {
  if (!state.config.failback.includes(seat.line) || seat.holder === null || seat.asker) return undefined;
  if (accountOf(seat.holder) === seat.account || !state.lines.get(seat.line)?.masters.includes(seat.account)) return undefined;
  const account = state.accounts.get(seat.account);
  if (account?.standing !== "good") return undefined;
  return account.devices.find((id) => {
    const device = state.devices.get(id);
    return device?.state === "healthy" && device.linked && !device.cordoned;
  });
};
