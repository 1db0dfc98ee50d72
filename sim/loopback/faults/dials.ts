/** Dials that get no websocket: an HTTP error, or a TCP reset. */
import { dialIn, type Fault, type FaultTarget, linksIn, scopeOf } from "./rule.ts";

/** Cuts the link, then answers every upgrade with HTTP 503 (or another status). */
export function upgrade503(target: FaultTarget = "all", status = 503): Fault {
  const scope = scopeOf(target);
  return {
    kind: "upgrade-503",
    rule: { dial: (dial) => (dialIn(scope, dial, target) ? { kind: "status", status } : undefined) },
    begin: (service) => {
      for (const link of linksIn(service, scope)) link.destroy();
    },
  };
}

/** Resets every dial. A link that is up stays up, unless `cut`. */
export function refuse(target: FaultTarget = "all", { cut = false }: { readonly cut?: boolean } = {}): Fault {
  const scope = scopeOf(target);
  return {
    kind: "refuse",
    rule: { dial: (dial) => (dialIn(scope, dial, target) ? { kind: "refuse" } : undefined) },
    begin: (service) => {
      if (cut) for (const link of linksIn(service, scope)) link.reset();
    },
  };
}
