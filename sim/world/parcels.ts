/** What the two sides of the model hand to each other. */
import type { AccountId, DeviceId, MessageId, Millis, SeatId, WaId } from "../../machines/ports/ids.ts";
import type { Standing } from "../../machines/ports/store.ts";
import type { PersonId } from "./ledger.ts";
import type { Wire } from "./wire.ts";

/** A `<message>` frame on its way up. WhatsApp sees `waId`, `to` and the ciphertext; the rest is for the ledger. */
export interface Outgoing {
  readonly device: DeviceId;
  readonly account: AccountId;
  readonly seat: SeatId;
  readonly message: MessageId;
  readonly attempt: number;
  readonly waId: WaId;
  readonly to: PersonId;
  readonly text: string;
  /** Which key of the chat's ratchet encrypted it. Used twice, the second message can't be read. */
  readonly ratchet: number;
}

/** What WhatsApp keeps for a device until the device has receipted it. */
export type Envelope = { readonly no: number } & (
  | { readonly kind: "inbound"; readonly waId: WaId; readonly from: PersonId; readonly text: string; readonly sentAt: Millis }
  | { readonly kind: "copy"; readonly waId: WaId; readonly to: PersonId }
  | { readonly kind: "status"; readonly waId: WaId; readonly receipt: "delivered" | "read" }
  | { readonly kind: "standing"; readonly standing: Standing; readonly until: Millis | null }
);

/** The node's end of a link. Each is called when the frame has arrived there. */
export interface Endpoint {
  readonly wire: Wire;
  success(): void;
  envelope(envelope: Envelope): void;
  offlineDone(): void;
  acked(waId: WaId): void;
  refused(waId: WaId, code: number): void;
  /** Presence, status, whatever comes unasked. */
  notice(): void;
  offer(text: string): void;
  paired(jid: string, lid: string, creds: Uint8Array): void;
  /** A stream error, a login failure, or the end of the connection (428). */
  failure(code: number, until: Millis | null): void;
}
