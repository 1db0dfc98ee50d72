import { count } from "./fields.ts";
import type { FaultBase, FaultRule } from "./rule.ts";
import { inWords } from "./target.ts";

/** The same credentials are opened elsewhere: 440 for ours. Who comes back is pushed out again, `returns` times. */
export interface Replaced extends FaultBase {
  readonly kind: "replaced";
  readonly returns: number;
}

export const replaced: FaultRule<Replaced> = {
  kind: "replaced",
  aims: ["device", "seat"],
  fields: { returns: count },
  describe: ({ target, returns }) =>
    `the credentials of ${inWords(target)} are opened elsewhere${returns > 0 ? `, and ${returns} times more after us` : ""}`,
  begin: ({ target, returns }, world) => (world.replace(world.devices(target), returns) > 0 ? {} : null),
  draw: (random, target, at) => ({ kind: "replaced", target, at, for: 0, returns: random.pick([0, 0, 1, 5]) }),
};
