import type { FaultBase, FaultRule } from "./rule.ts";
import { forHow, inWords } from "./target.ts";

/** The links that are up carry nothing any more, in either direction, and nobody is told. A new dial works. */
export interface HalfOpenLink extends FaultBase {
  readonly kind: "half-open-link";
}

export const halfOpenLink: FaultRule<HalfOpenLink> = {
  kind: "half-open-link",
  aims: ["device", "account", "seat", "node"],
  fields: {},
  describe: ({ target, for: span }) => `the link of ${inWords(target)} carries nothing ${forHow(span)}; a new one works`,
  begin({ target }, world) {
    const dead = new Set(world.links(world.devices(target)).map(({ id }) => id));
    return dead.size > 0 ? { cuts: ({ id }) => dead.has(id) } : null;
  },
  // A broken path entry does not heal: only a new link does.
  draw: (_random, target, at) => ({ kind: "half-open-link", target, at, for: "permanent" }),
};
