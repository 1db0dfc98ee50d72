import type { FaultBase, FaultRule } from "./rule.ts";
import { forHow, inWords } from "./target.ts";

/** The process stands still while time goes on (SIGSTOP, a moved virtual machine, a blocked event loop); then all that waited runs at once. */
export interface NodePause extends FaultBase {
  readonly kind: "node-pause";
}

export const nodePause: FaultRule<NodePause> = {
  kind: "node-pause",
  aims: ["node"],
  fields: {},
  describe: ({ target, for: span }) => `${inWords(target)} stands still ${forHow(span)}`,
  begin({ target, for: span }, world) {
    // For good it is a crash that holds its sockets; a day will do.
    const length = span === "permanent" ? 86_400_000 : span;
    const hit = world.nodes(target).filter((node) => world.stallNode(node, length));
    return hit.length > 0 ? {} : null;
  },
  draw: (random, target, at) => ({
    kind: "node-pause",
    target,
    at,
    for: Math.round(Math.min(random.lognormal(1_500, 1.2), 60_000)),
  }),
};
