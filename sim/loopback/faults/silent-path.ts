/**
 * The way to the server carries nothing: links go silent, and new ones are upgraded but never answered.
 *
 * `keeps`: what a client wrote meanwhile arrives afterwards even if it has given the link up, as TCP may repeat it; otherwise
 * only clients that still wait get their frames through.
 */
import { HELD } from "../lane.ts";
import { type Fault, type FaultTarget, linkIn, scopeOf } from "./rule.ts";

export function silentPath(target: FaultTarget, { keeps = false }: { readonly keeps?: boolean } = {}): Fault {
  const scope = scopeOf(target);
  const flow = { ...HELD, keeps };
  return {
    kind: "silent-path",
    rule: { flow: (link) => (linkIn(scope, link, target) ? { inbound: flow, outbound: HELD } : undefined) },
  };
}
