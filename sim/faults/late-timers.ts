import type { Millis } from "../../machines/ports/ids.ts";
import { millis } from "./fields.ts";
import type { FaultBase, FaultRule } from "./rule.ts";
import { forHow, inWords, seconds } from "./target.ts";

/** A busy event loop: each timer fires late, by exponentially distributed delays. */
export interface LateTimers extends FaultBase {
  readonly kind: "late-timers";
  readonly mean: Millis;
}

export const lateTimers: FaultRule<LateTimers> = {
  kind: "late-timers",
  aims: ["node"],
  fields: { mean: millis },
  describe: ({ target, for: span, mean }) =>
    `the timers of ${inWords(target)} fire ${seconds(mean)} late on average, ${forHow(span)}`,
  begin({ target, mean }, world, random) {
    const nodes = world.nodes(target);
    const hit = nodes.filter((node) => world.delayTimers(node, () => Math.round(random.exponential(mean))));
    return hit.length > 0
      ? {
          end() {
            for (const node of hit) world.delayTimers(node, null);
          },
        }
      : null;
  },
  draw: (random, target, at) => ({
    kind: "late-timers",
    target,
    at,
    for: Math.round(random.lognormal(20_000, 0.8)),
    mean: random.pick([20, 100, 400, 1_500]),
  }),
};
