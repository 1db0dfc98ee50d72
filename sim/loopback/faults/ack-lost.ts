/** Messages are accepted, delivered and copied to the sender's other devices; only their sender never hears of it. */
import { type Fault, type FaultTarget, scopeOf } from "./rule.ts";

export function ackLost(target: FaultTarget): Fault {
  const scope = scopeOf(target);
  return {
    kind: "ack-lost",
    rule: {
      loses: (device, { tag, attrs }) => {
        if (!scope(device.account.number, device.id)) return undefined;
        if (tag === "ack" && attrs.class === "message") return true;
        const ownReceipt = tag === "receipt" && attrs.type !== "retry" && device.sent.has(attrs.id ?? "");
        return ownReceipt || undefined;
      },
    },
  };
}
