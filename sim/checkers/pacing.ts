/** Always: no account sends faster than its pace. */
import { accountOf, type AccountId, type Millis } from "../../machines/ports/ids.ts";
import { eventsOf, type Property } from "./life.ts";

/**
 * What leaves is counted at the gate, what is paced at the handing over: up to a burst may wait for a slow answer, and pass together
 * with the next burst when it comes. One more for what two of its seats prepare at once. A restart begins with an empty bucket.
 */
const atOnce = (burst: number): number => 2 * burst + 1;

export const paceIsKept: Property = {
  name: "pace-is-kept",
  says: "an account that is paced sends at most its burst and its rate in any span of time",
  *broken(life) {
    const { pacing } = life.plan.fleet.settings;
    if (!pacing) return;
    const buckets = new Map<AccountId, { tokens: number; at: Millis }>();
    for (const { at, device, message } of eventsOf(life, "gate")) {
      const account = accountOf(device);
      const pace = pacing[account];
      if (!pace) continue;
      const full = atOnce(pace.burst);
      const bucket = buckets.get(account) ?? { tokens: full, at };
      const tokens = Math.min(full, bucket.tokens + ((at - bucket.at) * pace.perSecond) / 1000) - 1;
      buckets.set(account, { tokens, at });
      if (tokens < -1e-6) {
        yield {
          at,
          text: `${account} sent ${message} too early: it may send ${pace.burst} at once and ${pace.perSecond} a second`,
        };
        return;
      }
    }
  },
};
