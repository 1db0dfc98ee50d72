import type { Millis } from "../../machines/ports/ids.ts";
import type { Random } from "../world/random.ts";
import { share } from "./fields.ts";
import type { FaultBase, FaultRule } from "./rule.ts";
import { forHow, inWords, linkMatcher } from "./target.ts";

/** Packets are lost. TCP repeats them, so what one sees is lateness in steps: 200 ms, doubled with each loss (RFC 6298). */
export interface Lossy extends FaultBase {
  readonly kind: "lossy";
  /** Probability that one transmission is lost. */
  readonly loss: number;
}

const FIRST_REPEAT: Millis = 200;
const LONGEST: Millis = 20_000;

const repeats = (random: Random, loss: number): Millis => {
  let late = 0;
  for (let wait = FIRST_REPEAT; random.chance(loss) && late < LONGEST; wait *= 2) late += wait;
  return late;
};

export const lossy: FaultRule<Lossy> = {
  kind: "lossy",
  aims: ["device", "account", "node", "region", "all"],
  fields: { loss: share },
  describe: ({ target, for: span, loss }) =>
    `the links of ${inWords(target)} lose ${Math.round(loss * 100)} % of packets ${forHow(span)}`,
  begin({ target, loss }, world, random) {
    const hit = linkMatcher(target, world);
    return {
      frame({ link }) {
        const by = hit(link) ? repeats(random, loss) : 0;
        return by > 0 ? { kind: "late", by } : null;
      },
    };
  },
  draw: (random, target, at) => ({
    kind: "lossy",
    target,
    at,
    for: Math.round(random.lognormal(30_000, 0.8)),
    loss: random.pick([0.02, 0.05, 0.1, 0.3]),
  }),
};
