/** How devices are, and which seats have to hear of it. */
import type { DeviceId, Millis } from "../../ports/ids.ts";
import { type Effect, type RosterEvent, tell } from "../../protocol.ts";
import { duty } from "./duties.ts";
import { judgeOutage } from "./outage.ts";
import { answer } from "./ranking.ts";
import { candidacyOf, type DeviceView, isWell, type RosterState, type SeatView, stateOf } from "./state.ts";
import { calm, watchCandidates } from "./watching.ts";

export const onHealth = (state: RosterState, event: Extract<RosterEvent, { type: "device.health" }>): Effect[] => {
  const device = state.devices.get(event.device);
  if (!device) return [];
  const before = device.state;
  const wasWell = isWell(before);
  const wasHealthy = device.state === "healthy";
  device.state = event.state;
  device.cause = event.cause;
  device.isFinal = event.isFinal;
  if (isWell(event.state)) {
    device.quietSince = null;
    device.lastSeenAt = Math.max(device.lastSeenAt ?? 0, event.lastEvidenceAt ?? event.at);
    device.linked = true;
  } else if (event.state === "suspect") device.quietSince ??= event.at;
  else if (event.state === "failed" && event.cause === "unacknowledged") device.unansweredAt = event.at;
  const effects = tellSeats(state, device.id);
  if (isWell(event.state) && !wasWell) effects.push(...seenBy(state, device, event.at));
  if (event.state === "healthy" && !wasHealthy) effects.push(...availability(state, [device.id]));
  effects.push(...duty(state, device, before));
  const isMaster = state.accounts.get(device.account)?.role === "master";
  effects.push(...judgeOutage(state, event.at, isMaster && isWell(event.state) && !wasWell));
  return effects;
};

export const tellSeats = (state: RosterState, id: DeviceId): Effect[] => {
  const device = state.devices.get(id);
  if (!device) return [];
  return (state.holds.get(id) ?? []).flatMap((seat) => tellSeat(state, state.seats.get(seat) as SeatView, device));
};

export const tellSeat = (state: RosterState, seat: SeatView, device: DeviceView): Effect[] => {
  const to = `seat:${seat.id}` as const;
  const isBanned = state.accounts.get(device.account)?.standing === "banned";
  switch (stateOf(state, device)) {
    case "healthy":
    case "recovering":
      return [tell(to, { type: "holder.well", device: device.id }), ...calm(state, seat)];
    case "suspect":
      return [
        tell(to, { type: "holder.suspect", device: device.id, lastEvidenceAt: device.lastSeenAt }),
        ...watchCandidates(state, seat),
      ];
    case "failed":
      return [
        ...watchCandidates(state, seat),
        tell(to, {
          type: "holder.failed",
          device: device.id,
          cause: isBanned ? "banned" : (device.cause ?? "silent"),
          isFinal: isBanned || device.isFinal,
          lastEvidenceAt: device.lastSeenAt,
        }),
      ];
    default:
      return [];
  }
};

export const onSeen = (state: RosterState, event: Extract<RosterEvent, { type: "device.seen" }>): Effect[] => {
  const device = state.devices.get(event.device);
  if (!device) return [];
  device.lastSeenAt = Math.max(device.lastSeenAt ?? 0, event.lastEvidenceAt);
  return seenBy(state, device, event.at);
};

/** A candidate showed life: whoever waits for a ranking of its line gets a new one. */
const seenBy = (state: RosterState, device: DeviceView, at: Millis): Effect[] => {
  const effects: Effect[] = [];
  let isCandidate: ((seat: SeatView) => boolean) | undefined;
  for (const seat of state.seats.values()) {
    if (!seat.asker) continue;
    isCandidate ??= candidacyOf(state, device);
    if (isCandidate(seat)) effects.push(answer(state, seat, at));
  }
  return effects;
};

/** Seats in need hear of devices that have become able. */
export const availability = (state: RosterState, ids: readonly DeviceId[]): Effect[] => {
  const able = ids.flatMap((id) => {
    const device = state.devices.get(id);
    if (device?.state !== "healthy" || !device.linked || device.cordoned) return [];
    return [{ account: device.account, isCandidate: candidacyOf(state, device) }];
  });
  if (able.length === 0) return [];
  const masters = new Map([...state.lines.values()].map((line) => [line.id, new Set(line.masters)]));
  const effects: Effect[] = [];
  for (const seat of state.seats.values()) {
    const holder = seat.holder && state.devices.get(seat.holder);
    if (holder && isWell(stateOf(state, holder))) continue;
    // A seat that nobody held yet waits for its own account: the others' turn comes when that one fails, or is no longer there.
    const waitsForOwn = seat.holder === null && masters.get(seat.line)?.has(seat.account);
    const mayTake = able.some(({ account, isCandidate }) => isCandidate(seat) && (!waitsForOwn || account === seat.account));
    if (mayTake) effects.push(tell(`seat:${seat.id}`, { type: "candidate.available" }));
  }
  return effects;
};
