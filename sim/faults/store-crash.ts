import { flag } from "./fields.ts";
import type { FaultBase, FaultRule } from "./rule.ts";
import { forHow, inWords } from "./target.ts";

/**
 * The store's process dies in the middle of a transaction and is back after a while: what was asked and not yet answered is
 * undecided (all of a batch happened or none of it), what is asked meanwhile did not happen.
 */
export interface StoreCrash extends FaultBase {
  readonly kind: "store-crash";
  /** Whether the transaction under way had reached the disk. */
  readonly applied: boolean;
}

export const storeCrash: FaultRule<StoreCrash> = {
  kind: "store-crash",
  aims: ["all", "node"],
  fields: { applied: flag },
  describe: ({ for: span, target, applied }) =>
    `the store of ${inWords(target)} dies ${applied ? "just after" : "just before"} a commit and is away ${forHow(span)}`,
  begin({ target, applied }, world) {
    world.crashStore(applied);
    return {
      store: ({ node }) =>
        "all" in target || ("node" in target && target.node === node) ? { kind: "fail", cause: "lost", applied: false } : null,
    };
  },
  draw: (random, target, at) => ({
    kind: "store-crash",
    target,
    at,
    for: Math.round(random.lognormal(1_500, 0.8)),
    applied: random.chance(0.5),
  }),
};
