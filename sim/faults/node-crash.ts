import type { Millis } from "../../machines/ports/ids.ts";
import { flag, millis, orNull } from "./fields.ts";
import type { FaultBase, FaultRule } from "./rule.ts";
import { inWords, seconds } from "./target.ts";

/** The process is killed, and started again after a while or never. `tells`: its kernel closes the sockets; a lost machine does not. */
export interface NodeCrash extends FaultBase {
  readonly kind: "node-crash";
  readonly tells: boolean;
  readonly downFor: Millis | null;
}

export const nodeCrash: FaultRule<NodeCrash> = {
  kind: "node-crash",
  aims: ["node"],
  fields: { tells: flag, downFor: orNull(millis) },
  describe: ({ target, tells, downFor }) =>
    `${inWords(target)} ${tells ? "is killed" : "loses power"} and ${downFor === null ? "stays down" : `is back after ${seconds(downFor)}`}`,
  begin({ target, tells, downFor }, world) {
    const hit = world.nodes(target).filter((node) => world.crashNode(node, tells, downFor));
    return hit.length > 0 ? {} : null;
  },
  draw: (random, target, at) => ({
    kind: "node-crash",
    target,
    at,
    for: 0,
    tells: random.chance(0.7),
    downFor: Math.round(random.lognormal(2_000, 1)),
  }),
};
