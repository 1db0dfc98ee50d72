import { flag, oneOf } from "./fields.ts";
import type { FaultBase, FaultRule } from "./rule.ts";
import { forHow, inWords, linkMatcher } from "./target.ts";

/** The login is refused with a code that accuses our client (405 outdated, 409 user agent) or the peer (400, 500, 503). */
export interface LoginRefused extends FaultBase {
  readonly kind: "login-refused";
  readonly code: 400 | 405 | 409 | 500 | 503;
  readonly closes: boolean;
}

export const loginRefused: FaultRule<LoginRefused> = {
  kind: "login-refused",
  aims: ["device", "account", "seat", "node", "region", "all"],
  fields: { code: oneOf(400, 405, 409, 500, 503), closes: flag },
  describe: ({ target, for: span, code, closes }) =>
    `${closes ? `the link of ${inWords(target)} drops, and ` : ""}logins of ${inWords(target)} fail with ${code} ${forHow(span)}`,
  begin({ target, code, closes }, world) {
    const hit = linkMatcher(target, world);
    if (closes) world.closeLinks(world.devices(target), 428);
    return { dial: (link) => (hit(link) ? { kind: "failure", code } : null) };
  },
  draw: (random, target, at) => ({
    kind: "login-refused",
    target,
    at,
    for: Math.round(random.lognormal(30_000, 0.8)),
    code: random.pick([405, 500, 503, 503, 400] as const),
    closes: random.chance(0.8),
  }),
};
