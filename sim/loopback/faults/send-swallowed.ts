/** What the device sends disappears: not delivered, not copied, not acknowledged. Everything else works. */
import type { Draw } from "../random.ts";
import { type Fault, type FaultTarget, scopeOf } from "./rule.ts";

export interface SwallowOptions {
  /** Probability that one message disappears, 0 to 1. Default 1. */
  readonly share?: number;
}

export function sendSwallowed(target: FaultTarget, { share = 1 }: SwallowOptions, draw: Draw): Fault {
  const scope = scopeOf(target);
  return {
    kind: "send-swallowed",
    rule: {
      sends: (device) =>
        scope(device.account.number, device.id) && (share >= 1 || draw() < share) ? { kind: "swallow" } : undefined,
    },
  };
}
