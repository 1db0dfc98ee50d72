/** Who is watched how closely. */
import type { DeviceId } from "../../ports/ids.ts";
import { type Effect, type Tell, tell } from "../../protocol.ts";
import { candidacyOf, candidatesOf, type DeviceView, isWell, type RosterState, type SeatView } from "./state.ts";

const isNeeded = (state: RosterState, device: DeviceView): boolean => {
  const isCandidate = candidacyOf(state, device);
  for (const seat of state.seats.values()) {
    const holder = seat.holder && state.devices.get(seat.holder);
    if (holder && isWell(holder.state) && !seat.asker) continue;
    if (isCandidate(seat)) return true;
  }
  return false;
};

export const watch = (state: RosterState, id: DeviceId): Tell[] => {
  const device = state.devices.get(id);
  if (!device) return [];
  const holds = state.holds.has(id);
  const role = state.accounts.get(device.account)?.role;
  const needed = !holds && role === "master" && isNeeded(state, device);
  return [
    tell(`detector:${id}`, {
      type: "watch",
      watch: holds ? "holder" : needed ? "candidate" : role === "servant" ? "servant" : "standby",
    }),
    tell("dialler", { type: "dial.rank", device: id, rank: holds ? 0 : role === "master" ? 1 : 2 }),
  ];
};

export const watchAll = (state: RosterState): Effect[] => [...state.devices.keys()].flatMap((id) => watch(state, id));

export const watchCandidates = (state: RosterState, seat: SeatView): Effect[] =>
  candidatesOf(state, seat)
    .filter(({ id }) => !state.holds.has(id))
    .map(({ id }) => tell(`detector:${id}`, { type: "watch", watch: "candidate" }));

export const calm = (state: RosterState, seat: SeatView): Effect[] =>
  candidatesOf(state, seat).flatMap(({ id }) => (state.holds.has(id) ? [] : watch(state, id)));
