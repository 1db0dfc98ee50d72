import type { Millis } from "../../machines/ports/ids.ts";
import { difference, rate } from "./fields.ts";
import type { FaultBase, FaultRule } from "./rule.ts";
import { forHow, inWords, seconds } from "./target.ts";

/**
 * The node's system clock is stepped by `offset`, and all its clocks run `rate` times as fast; afterwards both are right again. What
 * runs counts by a monotonic clock, so the step is seen by a node that starts meanwhile, for the whole of its life.
 */
export interface ClockSkew extends FaultBase {
  readonly kind: "clock-skew";
  readonly offset: Millis;
  readonly rate: number;
}

export const clockSkew: FaultRule<ClockSkew> = {
  kind: "clock-skew",
  aims: ["node"],
  fields: { offset: difference, rate },
  describe: ({ target, for: span, offset, rate }) =>
    `the system clock of ${inWords(target)} is off by ${seconds(offset)}${rate === 1 ? "" : ` and runs at ${rate}`}, ${forHow(span)}`,
  begin({ target, offset, rate }, world) {
    const hit = world.nodes(target).filter((node) => world.skewNode(node, offset, rate));
    return hit.length > 0
      ? {
          end() {
            for (const node of hit) world.skewNode(node, 0, 1);
          },
        }
      : null;
  },
  draw: (random, target, at) => ({
    kind: "clock-skew",
    target,
    at,
    for: Math.round(random.lognormal(60_000, 0.8)),
    offset: random.pick([-30_000, -500, 200, 1_000, 10_000]),
    rate: random.pick([1, 1, 0.999, 1.01]),
  }),
};
