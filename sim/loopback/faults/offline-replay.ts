/** After a login, what was missed comes late or not at all on that link: the client is open, yet not in service. */
import { type Fault, type FaultTarget, scopeOf } from "./rule.ts";

export type ReplayTrouble = { readonly delayMs: number } | { readonly missing: true };

export function offlineReplay(target: FaultTarget, trouble: ReplayTrouble): Fault {
  const scope = scopeOf(target);
  const fate = "missing" in trouble ? ({ kind: "missing" } as const) : ({ kind: "late", delayMs: trouble.delayMs } as const);
  return {
    kind: "offline-replay",
    rule: { replay: (device) => (scope(device.account.number, device.id) ? fate : undefined) },
  };
}
