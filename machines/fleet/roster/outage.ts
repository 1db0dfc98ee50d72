/** When many links fall silent at once. */
import type { Millis } from "../../ports/ids.ts";
import { type Effect, tell } from "../../protocol.ts";
import { type DeviceView, isWell, type RosterState } from "./state.ts";

const isQuiet = (device: DeviceView): boolean =>
  device.quietSince !== null &&
  (device.state === "suspect" || device.state === "repairing" || (device.state === "failed" && device.cause === "silent"));

/**
 * Many links quiet at once accuse the path, the node or the service. Counted over the masters' linked devices; at least three,
 * because two of two are no crowd. Standbys that are being probed answer within a round trip if it is not an outage. It is over
 * when most are well again: a link that is down by now does not speak either.
 */
export const judgeOutage = (state: RosterState, at: Millis): Effect[] => {
  const { of, quiet, down, together } = crowd(state, at);
  if (!state.outage && together >= 3 && quiet * 2 >= of) {
    state.outage = true;
    return [tell("orchestrator", { type: "outage.suspected", quiet, of })];
  }
  if (state.outage && down * 2 < of) {
    state.outage = false;
    return [tell("orchestrator", { type: "outage.over" })];
  }
  return [];
};

/** The masters' linked devices: how many, quiet, not well (but for those that no dial can heal), fallen silent just now. */
export const crowd = (state: RosterState, at: Millis): { of: number; quiet: number; down: number; together: number } => {
  const counts = { of: 0, quiet: 0, down: 0, together: 0 };
  for (const device of state.devices.values()) {
    if (!device.linked || state.accounts.get(device.account)?.role !== "master") continue;
    counts.of++;
    if (!isWell(device.state) && !device.isFinal) counts.down++;
    if (!isQuiet(device)) continue;
    counts.quiet++;
    if (at - (device.quietSince as Millis) <= state.config.togetherWithin) counts.together++;
  }
  return counts;
};
