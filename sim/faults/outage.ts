import { oneOf } from "./fields.ts";
import type { FaultBase, FaultRule } from "./rule.ts";
import { forHow, inWords, linkMatcher } from "./target.ts";

/** WhatsApp itself is down, whole or in a region: it closes links and refuses new ones, or simply falls silent. */
export interface Outage extends FaultBase {
  readonly kind: "outage";
  readonly manner: "refusing" | "silent";
}

export const outage: FaultRule<Outage> = {
  kind: "outage",
  aims: ["region", "all"],
  fields: { manner: oneOf("refusing", "silent") },
  describe: ({ target, for: span, manner }) =>
    `WhatsApp is down for ${inWords(target)} ${forHow(span)}, ${manner === "silent" ? "silently" : "refusing with 503"}`,
  begin({ target, manner }, world) {
    const hit = linkMatcher(target, world);
    if (manner === "silent") return { stops: (link) => (hit(link) ? { keeps: false } : null) };
    world.closeLinks(world.devices(target), 503);
    return { dial: (link) => (hit(link) ? { kind: "http", status: 503 } : null) };
  },
  draw: (random, target, at) => ({
    kind: "outage",
    target,
    at,
    for: Math.round(random.lognormal(45_000, 0.8)),
    manner: random.chance(0.5) ? "refusing" : "silent",
  }),
};
