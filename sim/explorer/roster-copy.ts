/** The roster's reducer owns its state and changes it in place; here every state stays what it was. */
import type { RosterState } from "../../machines/fleet/roster.ts";

const copied = <K, V extends object>(map: ReadonlyMap<K, V>): Map<K, V> => {
  const copy = new Map<K, V>();
  for (const [key, value] of map) copy.set(key, { ...value });
  return copy;
};

export const copyRoster = (state: RosterState): RosterState => ({
  ...state,
  devices: copied(state.devices),
  accounts: copied(state.accounts),
  seats: copied(state.seats),
  holds: new Map(state.holds),
  reroutes: [...state.reroutes],
  moves: { waiting: [...state.moves.waiting], underWay: new Map(state.moves.underWay) },
});
