import { oneOf } from "./fields.ts";
import type { FaultBase, FaultRule } from "./rule.ts";
import { forHow, inWords, linkMatcher } from "./target.ts";

/** One direction is dead: `up` (WhatsApp hears nothing of us) or `down` (we hear nothing of it, though it acts on what we say). */
export interface OneWay extends FaultBase {
  readonly kind: "one-way";
  readonly dead: "up" | "down";
}

export const oneWay: FaultRule<OneWay> = {
  kind: "one-way",
  aims: ["device", "account", "seat", "node", "region"],
  fields: { dead: oneOf("up", "down") },
  describe: ({ target, for: span, dead }) =>
    `${inWords(target)} ${dead === "up" ? "is not heard by WhatsApp" : "hears nothing of WhatsApp"} ${forHow(span)}`,
  begin({ target, dead }, world) {
    const hit = linkMatcher(target, world);
    return { stops: (link, direction) => (direction === dead && hit(link) ? { keeps: false } : null) };
  },
  draw: (random, target, at) => ({
    kind: "one-way",
    target,
    at,
    for: Math.round(random.lognormal(15_000, 1)),
    dead: random.chance(0.5) ? "up" : "down",
  }),
};
