/** Dials that get no websocket: an HTTP error, or a TCP reset. */
import { dialIn, type Fault, type FaultTarget, linksIn, scopeOf } from "./rule.ts";

export interface UpgradeOptions {
  /** Default 503. */
  readonly status?: number;
  /** Cut the link that is up, too. Default true. */
  readonly closes?: boolean;
}

/** Cuts the link, then answers every upgrade with an HTTP error. */
export function upgrade503(target: FaultTarget = "all", { status = 503, closes = true }: UpgradeOptions = {}): Fault {
  const scope = scopeOf(target);
  return {
    kind: "upgrade-503",
    rule: { dial: (dial) => (dialIn(scope, dial, target) ? { kind: "status", status } : undefined) },
    begin: (service) => {
      if (closes) for (const link of linksIn(service, scope)) link.destroy();
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
