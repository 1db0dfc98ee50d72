/** Which device speaks for which seat. */
import { accountOf, type DeviceId, type SeatId } from "../../ports/ids.ts";
import { type Effect, type RosterEvent, tell } from "../../protocol.ts";
import { attachServants } from "./duties.ts";
import { tellSeat } from "./health.ts";
import type { RosterState } from "./state.ts";
import { watch } from "./watching.ts";

export const onHeld = (state: RosterState, event: Extract<RosterEvent, { type: "seat.held" }>): Effect[] => {
  const seat = state.seats.get(event.seat);
  if (!seat) return [];
  seat.left = event.left ? { device: event.left, until: event.at + state.config.cooldown } : null;
  seat.asker = null;
  return onStands(state, event);
};

export const onStands = (
  state: RosterState,
  event: Pick<Extract<RosterEvent, { type: "seat.held" }>, "seat" | "holder" | "term">,
): Effect[] => {
  const seat = state.seats.get(event.seat);
  if (!seat) return [];
  const before = seat.holder;
  seat.holder = event.holder;
  seat.term = event.term;
  const effects: Effect[] = [];
  if (before && before !== event.holder) {
    effects.push(tell(`master:${accountOf(before)}`, { type: "seat.released", seat: seat.id }));
    drop(state.holds, before, seat.id);
    effects.push(...watch(state, before));
  }
  if (event.holder) {
    if (!(state.holds.get(event.holder) ?? []).includes(seat.id))
      state.holds.set(event.holder, [...(state.holds.get(event.holder) ?? []), seat.id]);
    effects.push(...watch(state, event.holder));
    effects.push(
      tell(`master:${accountOf(event.holder)}`, { type: "seat.granted", seat: seat.id, device: event.holder, term: event.term }),
    );
    const device = state.devices.get(event.holder);
    if (device) effects.push(...tellSeat(state, seat, device));
  }
  effects.push(...attachServants(state, seat));
  return effects;
};

const drop = (holds: RosterState["holds"], device: DeviceId, seat: SeatId): void => {
  const rest = (holds.get(device) ?? []).filter((other) => other !== seat);
  if (rest.length > 0) holds.set(device, rest);
  else holds.delete(device);
};
