import { oneOf } from "./fields.ts";
import type { FaultBase, FaultRule } from "./rule.ts";
import { inWords } from "./target.ts";

/** The connection ends, once, with a code of WhatsApp's (428: TCP just drops). A later dial works. */
export interface Close extends FaultBase {
  readonly kind: "close";
  readonly code: (typeof CLOSE_CODES)[number];
}
export const CLOSE_CODES = [400, 405, 408, 409, 411, 428, 500, 501, 503, 515] as const;
/** Those that happen to a healthy fleet. The others accuse its configuration. */
const COMMON = [428, 428, 428, 500, 503, 515] as const;

export const close: FaultRule<Close> = {
  kind: "close",
  aims: ["device", "account", "seat", "node", "region", "all"],
  fields: { code: oneOf(...CLOSE_CODES) },
  describe: ({ target, code }) => `WhatsApp closes the link of ${inWords(target)} with code ${code}`,
  begin: ({ target, code }, world) => (world.closeLinks(world.devices(target), code) > 0 ? {} : null),
  draw: (random, target, at) => ({ kind: "close", target, at, for: 0, code: random.pick(COMMON) }),
};
