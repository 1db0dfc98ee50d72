import type { Millis } from "../../machines/ports/ids.ts";
import { millis } from "./fields.ts";
import type { FaultBase, FaultRule } from "./rule.ts";
import { forHow, inWords, linkMatcher, seconds } from "./target.ts";

/** Every frame takes longer. Below the detector's patience it must be borne, above it is an outage. */
export interface Slow extends FaultBase {
  readonly kind: "slow";
  /** Mean delay of a frame in each direction, exponentially distributed. */
  readonly mean: Millis;
}

export const slow: FaultRule<Slow> = {
  kind: "slow",
  aims: ["device", "account", "node", "region", "all"],
  fields: { mean: millis },
  describe: ({ target, for: span, mean }) => `the links of ${inWords(target)} are slow ${forHow(span)}, ${seconds(mean)} a frame`,
  begin({ target, mean }, world, random) {
    const hit = linkMatcher(target, world);
    return { frame: ({ link }) => (hit(link) ? { kind: "late", by: Math.round(random.exponential(mean)) } : null) };
  },
  draw: (random, target, at) => ({
    kind: "slow",
    target,
    at,
    for: Math.round(random.lognormal(30_000, 0.8)),
    mean: Math.round(Math.min(random.lognormal(400, 0.8), 3_000)),
  }),
};
