/** Which devices may take a seat, the best first. */
import { accountOf, type DeviceId, type Millis, type SeatId } from "../../ports/ids.ts";
import { type Candidate, type Effect, tell } from "../../protocol.ts";
import { beginsNothing, candidatesOf, type DeviceView, isWell, type RosterState, type SeatView, stateOf } from "./state.ts";

/**
 * Who spoke before may speak again: it is well, and WhatsApp lets its account write. Also while it is drained: to go back is no further
 * seat, and better than a seat with a device that does not answer.
 */
const maySpeak = (state: RosterState, id: DeviceId): boolean => {
  const device = state.devices.get(id);
  return device !== undefined && device.linked && isWell(stateOf(state, device));
};

export const answer = (state: RosterState, seat: SeatView, at: Millis): Effect => {
  const { replyTo, former, exclude, named } = seat.asker as NonNullable<SeatView["asker"]>;
  const { ranked, rejected, twinPending } = rank(state, named ? { ...seat, left: null } : seat, exclude, at);
  const isFormerWell = former !== null && former !== seat.holder && maySpeak(state, former);
  return tell(replyTo as `failover:${SeatId}`, { type: "candidates.ranked", ranked, rejected, twinPending, isFormerWell });
};

/**
 * Whether sends are acknowledged shows only by sending: a device that failed so is well again when nobody knows better (detector.ts).
 * For so long those that did not fail so come before it, whichever their number. Two of one number, and it is the number's matter.
 */
const DISTRUSTED: Millis = 120_000;

const isDistrusted = (state: RosterState, device: DeviceView, at: Millis): boolean => {
  const wasUnanswered = ({ unansweredAt }: DeviceView): boolean => unansweredAt !== null && at - unansweredAt < DISTRUSTED;
  if (wasUnanswered(device)) return true;
  const { devices } = state.accounts.get(device.account) ?? { devices: [] };
  return devices.filter((id) => wasUnanswered(state.devices.get(id) as DeviceView)).length > 1;
};

export const rank = (
  state: RosterState,
  seat: SeatView,
  exclude: readonly DeviceId[],
  at: Millis,
): { ranked: Candidate[]; rejected: { device: DeviceId; why: string }[]; twinPending: boolean } => {
  const home = seat.holder ? accountOf(seat.holder) : seat.account;
  const masters = state.lines.get(seat.line)?.masters ?? [];
  const ranked: Candidate[] = [];
  const last = new Set<DeviceId>();
  const rejected: { device: DeviceId; why: string }[] = [];
  let twinPending = false;
  for (const device of candidatesOf(state, seat)) {
    const isTwin = device.account === home;
    const why = fault(state, seat, device, isTwin, exclude, at);
    if (why) {
      rejected.push({ device: device.id, why });
      continue;
    }
    const isLast = isDistrusted(state, device, at);
    const age = device.lastSeenAt === null ? Number.POSITIVE_INFINITY : at - device.lastSeenAt;
    if (age > state.config.candidateFresh) {
      twinPending ||= isTwin && !isLast;
      rejected.push({ device: device.id, why: device.lastSeenAt === null ? "never heard of" : `last heard of ${age} ms ago` });
      continue;
    }
    const place = isTwin ? "same number" : `priority ${masters.indexOf(device.account) + 1} of ${seat.line}`;
    if (isLast) last.add(device.id);
    ranked.push({
      device: device.id,
      ladder: isTwin ? "twin" : "account",
      lastSeenAt: device.lastSeenAt as Millis,
      why: `${place}, heard ${age} ms ago${isLast ? ", not acknowledged lately" : ""}`,
    });
  }
  const load = (candidate: Candidate): number => (state.holds.get(candidate.device)?.length ? 1 : 0);
  const order = ({ device, ladder }: Candidate): number => (last.has(device) ? 2 : 0) + (ladder === "twin" ? 0 : 1);
  // A stable sort: equals stay in the line's priority order.
  ranked.sort((one, other) => order(one) - order(other) || load(one) - load(other));
  return { ranked, rejected, twinPending };
};

/** Why a device can't take a seat whatever it says; nothing if it may. */
const fault = (
  state: RosterState,
  seat: SeatView,
  device: DeviceView,
  isTwin: boolean,
  exclude: readonly DeviceId[],
  at: Millis,
): string | undefined => {
  if (exclude.includes(device.id)) return "already tried";
  if (!device.linked) return "not linked";
  if (device.cordoned) return "cordoned";
  const standing = state.accounts.get(device.account)?.standing ?? "good";
  if (standing === "banned") return "account banned";
  if (beginsNothing(standing) && !isTwin) return `account ${standing}`;
  if (device.state !== "healthy") return `health: ${device.state}`;
  if (seat.left && seat.left.device === device.id && at < seat.left.until && !isGone(state, seat))
    return `left ${Math.round((state.config.cooldown - (seat.left.until - at)) / 1000)} s ago`;
  return undefined;
};

/** Its holder won't come back by itself: where the way back is the only one, a cool-down must not bar it. */
const isGone = (state: RosterState, seat: SeatView): boolean => {
  const holder = seat.holder ? state.devices.get(seat.holder) : undefined;
  return (
    holder !== undefined && stateOf(state, holder) === "failed" && (holder.isFinal || stateOf(state, holder) !== holder.state)
  );
};
