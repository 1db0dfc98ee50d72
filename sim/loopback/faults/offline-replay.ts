/** After a login, what was missed comes late or not at all: the client is open, yet not in service. */
import { offerMissed } from "../login.ts";
import { devicesIn, type Fault, type FaultTarget, scopeOf } from "./rule.ts";

export type ReplayTrouble = { readonly delayMs: number } | { readonly missing: true };

/** Healing a missing replay lets it happen, late. */
export function offlineReplay(target: FaultTarget, trouble: ReplayTrouble): Fault {
  const scope = scopeOf(target);
  const fate = "missing" in trouble ? ({ kind: "missing" } as const) : ({ kind: "late", delayMs: trouble.delayMs } as const);
  return {
    kind: "offline-replay",
    rule: { replay: (device) => (scope(device.account.number, device.id) ? fate : undefined) },
    end: (service) => {
      for (const device of devicesIn(service, scope))
        if (device.stage === "withheld" && device.link) offerMissed(service, device, device.link);
    },
  };
}
