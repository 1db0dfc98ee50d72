import { flag } from "./fields.ts";
import type { FaultBase, FaultRule } from "./rule.ts";
import { forHow, inWords, linkMatcher } from "./target.ts";

/**
 * The way to WhatsApp carries nothing: links go silent and new ones don't come up. What is written meanwhile arrives when the path
 * is back, as TCP repeats it. `keeps`: although the link may be long given up by then; otherwise it is lost with the link.
 */
export interface SilentPath extends FaultBase {
  readonly kind: "silent-path";
  readonly keeps: boolean;
}

export const silentPath: FaultRule<SilentPath> = {
  kind: "silent-path",
  aims: ["device", "account", "seat", "node", "region", "all"],
  fields: { keeps: flag },
  describe: ({ target, for: span, keeps }) =>
    `the path of ${inWords(target)} is silent ${forHow(span)}, new links too${keeps ? "; what was written arrives afterwards" : ""}`,
  begin({ target, keeps }, world) {
    const hit = linkMatcher(target, world);
    return { stops: (link) => (hit(link) ? { keeps } : null) };
  },
  draw: (random, target, at) => ({
    kind: "silent-path",
    target,
    at,
    for: Math.round(random.lognormal(20_000, 1)),
    keeps: random.chance(0.5),
  }),
};
