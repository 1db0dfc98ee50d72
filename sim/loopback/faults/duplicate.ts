/** Stanzas come twice: messages, receipts and acks, the very same ones. */
import type { Draw } from "../random.ts";
import { type Fault, type FaultTarget, scopeOf } from "./rule.ts";

export interface DuplicateOptions {
  /** Share of stanzas, 0 to 1. Default 1. */
  readonly share?: number;
  /** How much later the second one comes. Default 0. */
  readonly afterMs?: number;
}

const REPEATED = new Set(["message", "receipt", "ack"]);

export function duplicate(target: FaultTarget, { share = 1, afterMs = 0 }: DuplicateOptions, draw: Draw): Fault {
  const scope = scopeOf(target);
  return {
    kind: "duplicate",
    rule: {
      again: (device, { tag }) =>
        REPEATED.has(tag) && scope(device.account.number, device.id) && (share >= 1 || draw() < share) ? afterMs : undefined,
    },
  };
}
