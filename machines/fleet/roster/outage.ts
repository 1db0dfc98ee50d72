/** When many links fall silent at once. */
import type { AccountId, Millis } from "../../ports/ids.ts";
import { type Effect, tell } from "../../protocol.ts";
import { type DeviceView, isWell, type RosterState } from "./state.ts";

const isQuiet = (device: DeviceView): boolean =>
  device.quietSince !== null &&
  (device.state === "suspect" || device.state === "repairing" || (device.state === "failed" && device.cause === "silent"));

/** Who can come back does so within this: the longest pause between two dials (60 s, account/ending.ts), a dial, and some room. */
export const LAGGARDS: Millis = 75_000;

/**
 * Many links quiet at once accuse the path, the node or the service. Counted over the masters' linked devices; at least three,
 * because two of two are no crowd, and of more than one number, because all links of one share what happens to it. Standbys that
 * are being probed answer within a round trip if it is not an outage. It is over when most are well again: a link that is down by
 * now does not speak either. `isBack`: a master's link is well that was not.
 */
export const judgeOutage = (state: RosterState, at: Millis, isBack: boolean): Effect[] => {
  const { of, quiet, down, well, together, isOfSeveral } = crowd(state, at);
  if (state.outage === null) {
    if (together < 3 || !isOfSeveral || quiet * 2 < of) return [];
    state.outage = { returnedAt: null };
    return [tell("orchestrator", { type: "outage.suspected", quiet, of })];
  }
  if (down * 2 < of) return endOutage(state);
  if (well === 0) state.outage = { returnedAt: null };
  else if (isBack && state.outage.returnedAt === null) state.outage = { returnedAt: at };
  return [];
};

/**
 * When it is over in any case: some came back, so neither the path nor the node nor the service is out, and whoever is not back by
 * then has a fault of its own. Null: that can't be said.
 */
export const outageEndsAt = ({ outage }: RosterState): Millis | null =>
  outage === null || outage.returnedAt === null ? null : outage.returnedAt + LAGGARDS;

export const outlasted = (state: RosterState, at: Millis): Effect[] => {
  const endsAt = outageEndsAt(state);
  return endsAt !== null && at >= endsAt ? endOutage(state) : [];
};

const endOutage = (state: RosterState): Effect[] => {
  state.outage = null;
  return [tell("orchestrator", { type: "outage.over" })];
};

/**
 * The masters' linked devices: how many, quiet, not well (but for those that no dial can heal), well, fallen silent just now, and
 * whether those are of several numbers.
 */
export const crowd = (state: RosterState, at: Millis) => {
  const counts = { of: 0, quiet: 0, down: 0, well: 0, together: 0, isOfSeveral: false };
  let first: AccountId | null = null;
  for (const device of state.devices.values()) {
    if (!device.linked || state.accounts.get(device.account)?.role !== "master") continue;
    counts.of++;
    if (isWell(device.state)) counts.well++;
    else if (!device.isFinal) counts.down++;
    if (!isQuiet(device)) continue;
    counts.quiet++;
    if (at - (device.quietSince as Millis) > state.config.togetherWithin) continue;
    counts.together++;
    first ??= device.account;
    counts.isOfSeveral ||= device.account !== first;
  }
  return counts;
};
