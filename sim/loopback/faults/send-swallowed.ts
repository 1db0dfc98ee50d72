/** What the device sends disappears: not delivered, not copied, not acknowledged. Everything else works. */
import { type Fault, type FaultTarget, scopeOf } from "./rule.ts";

export function sendSwallowed(target: FaultTarget): Fault {
  const scope = scopeOf(target);
  return {
    kind: "send-swallowed",
    rule: { sends: (device) => (scope(device.account.number, device.id) ? { kind: "swallow" } : undefined) },
  };
}
