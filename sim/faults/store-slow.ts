import type { Millis } from "../../machines/ports/ids.ts";
import { millis } from "./fields.ts";
import type { FaultBase, FaultRule } from "./rule.ts";
import { forHow, inWords, seconds } from "./target.ts";

/** The store answers late (a slow disk, a vacuum). */
export interface StoreSlow extends FaultBase {
  readonly kind: "store-slow";
  readonly mean: Millis;
}

export const storeSlow: FaultRule<StoreSlow> = {
  kind: "store-slow",
  aims: ["node", "all"],
  fields: { mean: millis },
  describe: ({ target, for: span, mean }) =>
    `the store answers ${inWords(target)} ${seconds(mean)} late on average, ${forHow(span)}`,
  begin({ target, mean }, _world, random) {
    return {
      store: ({ node }) =>
        "all" in target || ("node" in target && target.node === node)
          ? { kind: "slow", by: Math.round(random.exponential(mean)) }
          : null,
    };
  },
  draw: (random, target, at) => ({
    kind: "store-slow",
    target,
    at,
    for: Math.round(random.lognormal(15_000, 0.8)),
    mean: random.pick([30, 200, 1_000]),
  }),
};
