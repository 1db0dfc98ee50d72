import { flag, oneOf } from "./fields.ts";
import type { FaultBase, FaultRule } from "./rule.ts";
import { forHow, inWords, linkMatcher } from "./target.ts";

/** The link is closed, and while it lasts each new one is answered with an HTTP error instead of an upgrade. */
export interface Upgrade503 extends FaultBase {
  readonly kind: "upgrade-503";
  readonly status: 403 | 429 | 502 | 503;
  /** Close what is up too; otherwise only new dials suffer. */
  readonly closes: boolean;
}

export const upgrade503: FaultRule<Upgrade503> = {
  kind: "upgrade-503",
  aims: ["device", "account", "seat", "node", "region", "all"],
  fields: { status: oneOf(403, 429, 502, 503), closes: flag },
  describe: ({ target, for: span, status, closes }) =>
    `${closes ? `the link of ${inWords(target)} drops, and ` : ""}new links of ${inWords(target)} are answered HTTP ${status} ${forHow(span)}`,
  begin({ target, status, closes }, world) {
    const hit = linkMatcher(target, world);
    if (closes) world.closeLinks(world.devices(target), 428);
    return { dial: (link) => (hit(link) ? { kind: "http", status } : null) };
  },
  draw: (random, target, at) => ({
    kind: "upgrade-503",
    target,
    at,
    for: Math.round(random.lognormal(30_000, 0.8)),
    status: random.pick([503, 503, 429, 502, 403] as const),
    closes: random.chance(0.8),
  }),
};
