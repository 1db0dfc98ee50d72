import type { FaultBase, FaultRule } from "./rule.ts";
import { forHow, inWords } from "./target.ts";

/** The account's phone is gone (switched, reset, locked): 403 for each of its companions, in session and at login. */
export interface PhoneGone extends FaultBase {
  readonly kind: "phone-gone";
}

export const phoneGone: FaultRule<PhoneGone> = {
  kind: "phone-gone",
  aims: ["account", "seat"],
  fields: {},
  describe: ({ target, for: span }) => `the phone of ${inWords(target)} is gone ${forHow(span)}`,
  begin({ target }, world) {
    const hit = world.devices(target);
    return world.phoneGone(hit, true) > 0 ? { end: () => void world.phoneGone(hit, false) } : null;
  },
  draw: (random, target, at) => ({
    kind: "phone-gone",
    target,
    at,
    for: random.chance(0.5) ? "permanent" : Math.round(random.lognormal(120_000, 0.8)),
  }),
};
