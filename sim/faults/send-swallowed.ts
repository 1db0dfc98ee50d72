import { share } from "./fields.ts";
import type { FaultBase, FaultRule } from "./rule.ts";
import { forHow, inWords, linkMatcher } from "./target.ts";

/** What is sent vanishes: not acknowledged, not delivered, while everything else on the link goes well. */
export interface SendSwallowed extends FaultBase {
  readonly kind: "send-swallowed";
  /** Probability that one message vanishes. */
  readonly share: number;
}

export const sendSwallowed: FaultRule<SendSwallowed> = {
  kind: "send-swallowed",
  aims: ["device", "account", "seat", "node"],
  fields: { share },
  describe: ({ target, for: span, share }) =>
    `${share < 1 ? `${Math.round(share * 100)} % of the` : "all"} messages of ${inWords(target)} vanish ${forHow(span)}`,
  begin({ target, share }, world, random) {
    const hit = linkMatcher(target, world);
    return {
      frame: ({ link, kind }) => (kind === "message" && hit(link) && random.chance(share) ? { kind: "drop" } : null),
    };
  },
  draw: (random, target, at) => ({
    kind: "send-swallowed",
    target,
    at,
    for: Math.round(random.lognormal(20_000, 0.8)),
    share: random.pick([1, 1, 0.3]),
  }),
};
