import type { FaultBase, FaultRule } from "./rule.ts";
import { inWords } from "./target.ts";

/** The companion is removed on the phone: its credentials are dead until somebody links it again. */
export interface LoggedOut extends FaultBase {
  readonly kind: "logged-out";
}

export const loggedOut: FaultRule<LoggedOut> = {
  kind: "logged-out",
  aims: ["device", "seat"],
  fields: {},
  describe: ({ target }) => `${inWords(target)} is logged out for good`,
  begin: ({ target }, world) => (world.logOut(world.devices(target)) > 0 ? {} : null),
  draw: (_random, target, at) => ({ kind: "logged-out", target, at, for: "permanent" }),
};
