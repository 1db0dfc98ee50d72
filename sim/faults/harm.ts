/** What faults do to a device that speaks for a seat, as far as another holder can help. */
import type { Fault } from "./catalogue.ts";

/** What a fault does to a device that speaks for a seat; null if it can go on. */
export type Harm = "closed" | "silent" | "unacknowledged";
export const harmOf = (fault: Fault): Harm | null => {
  switch (fault.kind) {
    case "close":
    case "banned":
    case "logged-out":
    case "replaced":
    case "phone-gone":
      return "closed";
    case "upgrade-503":
    case "login-refused":
      return fault.closes ? "closed" : null;
    case "half-open-link":
    case "silent-path":
      return "silent";
    case "one-way":
      // What WhatsApp still sends is evidence: that it hears nothing shows only in what is sent to it, as with swallowed sends.
      return fault.dead === "up" ? "unacknowledged" : "silent";
    case "ack-lost":
      return fault.mute ? "unacknowledged" : null;
    case "send-swallowed":
      return fault.share === 1 ? "unacknowledged" : null;
    default:
      return null;
  }
};
/** One device, account or seat: what the fleet can answer by a change of holder. */
export const isOfDevices = ({ target }: Fault): boolean => "device" in target || "account" in target || "seat" in target;
