/** What masters and servants are granted, and whether they are out. */
import { type AccountId, accountOf, postOf } from "../../ports/ids.ts";
import { type Effect, type HealthState, type Tell, tell } from "../../protocol.ts";
import { servantsOf } from "../posts.ts";
import { type DeviceView, isWell, type RosterState, type SeatView } from "./state.ts";

/** Servants are shared out over the seats of their line in order, and follow their seat's term wherever it goes. */
export const attachServants = (state: RosterState, seat: SeatView): Tell[] => {
  const line = state.lines.get(seat.line);
  if (!line) return [];
  const seats = [...state.seats.values()].filter((other) => other.line === seat.line).map(({ id }) => id);
  return servantsOf(line, seats, seat.id).flatMap((servant) => {
    // Where it works, it is granted a post, and only while somebody may speak there.
    if (state.posts.get(postOf(seat.id, servant))?.isKept) return [];
    const device = state.accounts.get(servant)?.devices[0];
    return device ? [tell(`servant:${servant}`, { type: "seat.granted", seat: seat.id, device, term: seat.term })] : [];
  });
};

/** All that a master or servant has been granted, for one that does not know it any more. */
export const dutiesOf = (state: RosterState, account: AccountId): Tell[] =>
  [...state.seats.values()].flatMap((seat) => {
    const { id, holder, term } = seat;
    if (holder && accountOf(holder) === account)
      return [tell(`master:${account}`, { type: "seat.granted", seat: id, device: holder, term })];
    const works = [...state.posts.values()].flatMap(({ id: post, seat: at, servant, open }) =>
      at === id && servant === account && open ? [tell(`servant:${account}`, { type: "seat.granted", seat: post, ...open })] : [],
    );
    return [...attachServants(state, seat).filter(({ to }) => to === `servant:${account}`), ...works];
  });

/** An account is out while its last device has failed, and on duty again as soon as one of them is well. */
export const duty = (state: RosterState, device: DeviceView, before: HealthState): Effect[] => {
  const account = state.accounts.get(device.account);
  const others = account?.devices.filter((id) => id !== device.id) ?? [];
  if (!account || others.some((id) => isWell(state.devices.get(id)?.state ?? "unknown"))) return [];
  const to = `${account.role}:${device.account}` as const;
  if (isWell(device.state)) return isWell(before) ? [] : [tell(to, { type: "account.well" })];
  return device.state === "failed" && before !== "failed"
    ? [tell(to, { type: "account.out", why: device.cause ?? "silent" })]
    : [];
};
