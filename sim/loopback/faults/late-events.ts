/** Acks, receipts and copies come late, and hold up what follows on the link. */
import type { Draw } from "../random.ts";
import { type Fault, type FaultTarget, scopeOf } from "./rule.ts";

export interface LateOptions {
  readonly byMs: number;
  /** Share of these stanzas, 0 to 1. Default 1. */
  readonly share?: number;
}

export function lateEvents(target: FaultTarget, { byMs, share = 1 }: LateOptions, draw: Draw): Fault {
  const scope = scopeOf(target);
  return {
    kind: "late-events",
    rule: {
      late: (device, { tag, attrs }) => {
        const isEvent =
          (tag === "ack" && attrs.class === "message") ||
          tag === "receipt" ||
          (tag === "message" && attrs.recipient !== undefined);
        return isEvent && scope(device.account.number, device.id) && (share >= 1 || draw() < share) ? byMs : undefined;
      },
    },
  };
}
