import { oneOf, share } from "./fields.ts";
import type { FaultBase, FaultRule } from "./rule.ts";
import { forHow, inWords } from "./target.ts";

/**
 * Operations fail, each with a probability. `full`: only writes do, none of them happened. `io`, `busy`: did not happen.
 * `lost`: the connection broke under way, and half of them did happen.
 */
export interface StoreFailing extends FaultBase {
  readonly kind: "store-failing";
  readonly cause: "full" | "busy" | "io" | "lost";
  readonly share: number;
}

export const storeFailing: FaultRule<StoreFailing> = {
  kind: "store-failing",
  aims: ["node", "all"],
  fields: { cause: oneOf("full", "busy", "io", "lost"), share },
  describe: ({ target, for: span, cause, share }) =>
    `${Math.round(share * 100)} % of store operations of ${inWords(target)} fail (${cause}) ${forHow(span)}`,
  begin({ target, cause, share }, _world, random) {
    return {
      store({ node, writes }) {
        const hit = "all" in target || ("node" in target && target.node === node);
        if (!hit || (cause === "full" && !writes) || !random.chance(share)) return null;
        return { kind: "fail", cause, applied: cause === "lost" && random.chance(0.5) };
      },
    };
  },
  draw: (random, target, at) => ({
    kind: "store-failing",
    target,
    at,
    for: Math.round(random.lognormal(8_000, 0.8)),
    cause: random.pick(["full", "busy", "io", "lost"] as const),
    share: random.pick([0.1, 0.5, 1]),
  }),
};
