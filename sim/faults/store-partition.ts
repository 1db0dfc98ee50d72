import type { FaultBase, FaultRule } from "./rule.ts";
import { forHow, inWords } from "./target.ts";

/** Nothing passes between the node and its store: questions wait unanswered until it is over. */
export interface StorePartition extends FaultBase {
  readonly kind: "store-partition";
}

export const storePartition: FaultRule<StorePartition> = {
  kind: "store-partition",
  aims: ["node", "all"],
  fields: {},
  describe: ({ target, for: span }) => `${inWords(target)} can't reach the store ${forHow(span)}`,
  begin({ target }, _world, _random, until) {
    return {
      store: ({ node }) => ("all" in target || ("node" in target && target.node === node) ? { kind: "hold", until } : null),
    };
  },
  draw: (random, target, at) => ({ kind: "store-partition", target, at, for: Math.round(random.lognormal(6_000, 0.8)) }),
};
