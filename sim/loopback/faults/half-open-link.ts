/** The present link goes silent: TCP stays up, nothing comes in or out. A new dial works. Healing cuts the dead link. */
import type { Link } from "../connection.ts";
import { HELD } from "../lane.ts";
import { type Fault, type FaultTarget, linksIn, scopeOf } from "./rule.ts";

export function halfOpenLink(target: FaultTarget): Fault {
  const dead = new Set<Link>();
  return {
    kind: "half-open-link",
    rule: { flow: (link) => (dead.has(link) ? { inbound: HELD, outbound: HELD } : undefined) },
    begin: (service) => {
      for (const link of linksIn(service, scopeOf(target))) dead.add(link);
    },
    end: () => {
      for (const link of dead) link.destroy();
    },
  };
}
