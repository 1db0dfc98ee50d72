/**
 * What may be asked of the device connections of a node, and what they tell.
 *
 * One device has at most one link. Each `open` begins a new *dial*, numbered by the caller; facts carry the number of the dial
 * they belong to, so that what an abandoned link still says can be told apart and dropped.
 * Nothing here waits: a command returns at once, and facts come in later turns.
 */
import type { AccountId, DeviceId, LeaseTerm, MessageId, Millis, SeatId, SeatTerm, WaId } from "./ids.ts";
import type { ContactId, RequestId } from "./ids.ts";
import type { MessageContent, Standing } from "./store.ts";

/** Why a link ended. What each one means for the device is in `machines/account/closing.ts`; codes: docs/close-codes.md. */
export type CloseReason =
  | "dropped" // TCP closed or reset, 428, or our own terminate(): transient
  | "timedOut" // no answer while dialling: transient
  | "refused" // nothing listens, or the upgrade was answered with an HTTP error (503): transient
  | "unavailable" // stream error or failure 500, 501, 503: transient
  | "restartRequired" // 515: expected, redial at once
  | "replaced" // 440: the same credentials were opened elsewhere
  | "loggedOut" // 401, 419: the companion was unlinked: its credentials are dead
  | "locked" // 403: main device gone or account locked
  | "banned" // 402 (temporary, `until` set when WhatsApp said so) and 406
  | "outdated" // 405: client version refused; 409: bad user agent
  | "mismatch" // 411: the phone is not multi-device
  | "unlinked" // QR or code expired without a scan
  | "stuck" // messages came in, and the client handled none any more: transient
  | "badPeer"; // 400: handshake failed: wrong certificate, a proxy in between

/** `phone` with a QR code: a pairing code for that number beside it, on the same link; whichever is taken first holds. */
export type LinkMethod = { readonly kind: "qr"; readonly phone?: string } | { readonly kind: "code"; readonly phone: string };

export type ConnectionCommand =
  /** Dial with the stored credentials. Answered by `opened` then `serving`, or by `closed`. */
  | {
      readonly op: "open";
      readonly device: DeviceId;
      readonly dial: number;
      readonly leaseTerm: LeaseTerm;
      readonly connectTimeout: Millis;
    }
  /** Dial without credentials, to be linked. Facts: `linkOffer` (repeatedly), `linked`, then `closed` (restartRequired). */
  | {
      readonly op: "link";
      readonly device: DeviceId;
      readonly dial: number;
      readonly leaseTerm: LeaseTerm;
      readonly method: LinkMethod;
      readonly connectTimeout: Millis;
    }
  /** Drop the link now, without any closing handshake. `closed` (dropped) follows if there was one. */
  | { readonly op: "terminate"; readonly device: DeviceId }
  /** Ask WhatsApp to remove the device from its account. `closed` (loggedOut) follows, unless WhatsApp did not hear it. */
  | { readonly op: "unlink"; readonly device: DeviceId }
  /** Elicit a stanza. Answered by `probed`: with the round trip, or null after `deadline`. Whatever stanza comes is `evidence`. */
  | { readonly op: "probe"; readonly device: DeviceId; readonly probe: number; readonly deadline: Millis }
  /** From now on the device may pass the gate for this seat under this term, and under no other. Takes effect in the same turn. */
  | { readonly op: "grant"; readonly device: DeviceId; readonly seat: SeatId; readonly term: SeatTerm }
  | { readonly op: "revoke"; readonly device: DeviceId; readonly seat: SeatId }
  /** Answered by exactly one of `sent` or `unsent`; after `sent` perhaps by `acked`, `refused`, `copied` or `receipt`, in any order, more than once, or never. */
  | {
      readonly op: "send";
      readonly device: DeviceId;
      readonly seat: SeatId;
      readonly term: SeatTerm;
      readonly message: MessageId;
      readonly waId: WaId;
      readonly contact: ContactId;
      readonly content: MessageContent;
      readonly attempt: number;
      /** As in the attempt's row. */
      readonly counts?: { readonly opens: boolean };
    }
  /** Deep check of an account through this device: standing, new-chat cap, the device's keys. Answered by `checked`. */
  | { readonly op: "check"; readonly device: DeviceId; readonly reqId: RequestId; readonly deadline: Millis };

export type ConnectionFact =
  | {
      readonly kind: "linkOffer";
      readonly device: DeviceId;
      readonly dial: number;
      readonly at: Millis;
      readonly offer: { kind: "qr" | "code"; text: string };
    }
  | {
      readonly kind: "linked";
      readonly device: DeviceId;
      readonly dial: number;
      readonly at: Millis;
      readonly jid: string;
      readonly lid: string;
    }
  /** WhatsApp accepted the login (`<success>`). */
  | { readonly kind: "opened"; readonly device: DeviceId; readonly dial: number; readonly at: Millis }
  /** The offline queue has been replayed: the device can really send and receive. */
  | { readonly kind: "serving"; readonly device: DeviceId; readonly dial: number; readonly at: Millis }
  | {
      readonly kind: "closed";
      readonly device: DeviceId;
      readonly dial: number;
      readonly at: Millis;
      readonly reason: CloseReason;
      readonly code: number | null;
      readonly until: Millis | null;
    }
  /**
   * A stanza was decoded: told once in 50 ms, and of a probe's answer always, before it is `probed`. High rate: goes to the detector,
   * never into a chart.
   */
  | { readonly kind: "evidence"; readonly device: DeviceId; readonly dial: number; readonly at: Millis }
  | {
      readonly kind: "probed";
      readonly device: DeviceId;
      readonly dial: number;
      readonly at: Millis;
      readonly probe: number;
      readonly rtt: Millis | null;
    }
  /** Passed the gate: the frame was written in the same turn. Not proof of anything at WhatsApp. */
  | {
      readonly kind: "sent";
      readonly device: DeviceId;
      readonly at: Millis;
      readonly message: MessageId;
      readonly attempt: number;
    }
  /**
   * Certainly not written. `stale`: the seat or lease term had ended. `closed`: no link. `unpreparable`: this message can't be
   * prepared (unknown recipient, bad content), trying again is useless; `code`: WhatsApp's, if it is WhatsApp that says so. `store`:
   * keys could not be committed. `lookup`: WhatsApp did not answer what is needed to encrypt.
   */
  | {
      readonly kind: "unsent";
      readonly device: DeviceId;
      readonly at: Millis;
      readonly message: MessageId;
      readonly attempt: number;
      readonly why: "stale" | "closed" | "unpreparable" | "store" | "lookup";
      readonly detail: string;
      readonly code?: number;
    }
  /** WhatsApp's positive ack for the id. */
  | { readonly kind: "acked"; readonly device: DeviceId; readonly at: Millis; readonly waId: WaId }
  /** WhatsApp's error ack: 463 restricted, 479, … */
  | { readonly kind: "refused"; readonly device: DeviceId; readonly at: Millis; readonly waId: WaId; readonly code: number }
  /** A twin received its own account's copy: WhatsApp took the message. */
  | { readonly kind: "copied"; readonly device: DeviceId; readonly at: Millis; readonly waId: WaId }
  | {
      readonly kind: "receipt";
      readonly device: DeviceId;
      readonly at: Millis;
      readonly waId: WaId;
      readonly receipt: "delivered" | "read";
    }
  /** A new inbound message is durable (inbox row `seq`). */
  | { readonly kind: "received"; readonly device: DeviceId; readonly at: Millis; readonly seq: number }
  /** WhatsApp said something about the account's standing without being asked. */
  | {
      readonly kind: "standing";
      readonly account: AccountId;
      readonly at: Millis;
      readonly standing: Standing;
      readonly until: Millis | null;
    }
  | {
      readonly kind: "checked";
      readonly device: DeviceId;
      readonly at: Millis;
      readonly reqId: RequestId;
      /** null: not answered in time. */
      readonly finding: Finding | null;
    };

/** What a deep check of an account finds out, through one of its devices. */
export interface Finding {
  readonly standing: Standing;
  readonly until: Millis | null;
  /** New chats still allowed; null: WhatsApp states no cap. */
  readonly cap: number | null;
  /** One-time keys of that device which WhatsApp can still give to whoever writes to it first; null: it does not say. */
  readonly preKeys: number | null;
}

export interface ConnectionPort {
  perform(command: ConnectionCommand): void;
  /** One listener. Called in turns of its own, never from inside `perform`. */
  onFact(listener: (fact: ConnectionFact) => void): void;
}
