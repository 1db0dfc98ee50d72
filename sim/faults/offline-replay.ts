import type { Millis } from "../../machines/ports/ids.ts";
import { millis, orNull } from "./fields.ts";
import type { FaultBase, FaultRule } from "./rule.ts";
import { forHow, inWords, linkMatcher, seconds } from "./target.ts";

/** After a login the offline queue comes late, or (`late` null) never: open, yet not in service. */
export interface OfflineReplay extends FaultBase {
  readonly kind: "offline-replay";
  readonly late: Millis | null;
}

export const offlineReplay: FaultRule<OfflineReplay> = {
  kind: "offline-replay",
  aims: ["device", "account", "node", "all"],
  fields: { late: orNull(millis) },
  describe: ({ target, for: span, late }) =>
    `after a login the offline queue of ${inWords(target)} ${late === null ? "never comes" : `comes ${seconds(late)} late`}, ${forHow(span)}`,
  begin({ target, late }, world) {
    const hit = linkMatcher(target, world);
    return {
      frame: ({ link, kind }) =>
        kind === "offline" && hit(link) ? (late === null ? { kind: "drop" } : { kind: "late", by: late }) : null,
    };
  },
  draw: (random, target, at) => ({
    kind: "offline-replay",
    target,
    at,
    for: Math.round(random.lognormal(60_000, 0.8)),
    late: random.chance(0.3) ? null : Math.round(random.lognormal(3_000, 1)),
  }),
};
