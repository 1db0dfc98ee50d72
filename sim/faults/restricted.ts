import { flag } from "./fields.ts";
import type { FaultBase, FaultRule } from "./rule.ts";
import { forHow, inWords } from "./target.ts";

/** The account may open no new chats (463); those it has go on. WhatsApp may say so unasked, or only when a send fails. */
export interface Restricted extends FaultBase {
  readonly kind: "restricted";
  readonly announced: boolean;
}

export const restricted: FaultRule<Restricted> = {
  kind: "restricted",
  aims: ["account", "seat"],
  fields: { announced: flag },
  describe: ({ target, for: span, announced }) =>
    `the account of ${inWords(target)} is restricted ${forHow(span)}${announced ? "" : ", unannounced"}`,
  begin({ target, announced }, world, _random, until) {
    const hit = world.devices(target);
    const done = world.restrict(hit, Number.isFinite(until) ? until : null, announced);
    return done > 0 ? { end: () => world.pardon(hit) } : null;
  },
  draw: (random, target, at) => ({
    kind: "restricted",
    target,
    at,
    for: Math.round(random.lognormal(120_000, 0.8)),
    announced: random.chance(0.5),
  }),
};
