/** Messages are accepted, delivered and copied to the sender's other devices; only their sender never hears of it. */
import { type Fault, type FaultTarget, scopeOf } from "./rule.ts";

export interface AckLostOptions {
  /** Receipts and copies are lost as well; they are brought again at a later login, like all that a device has not confirmed. Default true. */
  readonly mute?: boolean;
}

export function ackLost(target: FaultTarget, { mute = true }: AckLostOptions = {}): Fault {
  const scope = scopeOf(target);
  return {
    kind: "ack-lost",
    rule: {
      loses: (device, { tag, attrs }) => {
        if (!scope(device.account.number, device.id)) return undefined;
        if (tag === "ack" && attrs.class === "message" && attrs.error === undefined) return true;
        const isReceipt = tag === "receipt" && attrs.type !== "retry";
        const isCopy = tag === "message" && attrs.recipient !== undefined;
        return (mute && (isReceipt || isCopy)) || undefined;
      },
    },
  };
}
