/**
 * Ground truth: what really happened at WhatsApp, on the wire and at people's phones, whatever the supervisor believes.
 * Checkers read this and nothing else of the world. Times are the world's, never a node's.
 */
import type { AccountId, DeviceId, MessageId, Millis, NodeId, SeatId, SeatTerm, WaId } from "../../machines/ports/ids.ts";
import type { FleetEvent } from "../../machines/ports/records.ts";
import type { CloseReason } from "../../machines/ports/connection.ts";
import type { SeatPhase, Standing } from "../../machines/ports/store.ts";

/** A person's address at WhatsApp, `…@lid`. */
export type PersonId = string;

export type WorldEvent =
  // Links. `link` numbers them over the whole world. A socket is ours from `dialled` to `dropped` (we let go) or `ended` (the node saw it end).
  | { kind: "dialled"; link: number; node: NodeId; device: DeviceId; dial: number }
  | { kind: "loggedIn"; link: number; device: DeviceId }
  | { kind: "serving"; link: number; device: DeviceId }
  | { kind: "dropped"; link: number; device: DeviceId }
  | { kind: "ended"; link: number; device: DeviceId; reason: CloseReason; code: number | null }
  // Sends, in the order of a send's life. `gate`: the last check passed. `written`: the frame left. `accepted`: WhatsApp took it.
  | {
      kind: "gate";
      node: NodeId;
      device: DeviceId;
      seat: SeatId;
      term: SeatTerm;
      message: MessageId;
      waId: WaId;
      attempt: number;
    }
  | { kind: "written"; link: number; device: DeviceId; message: MessageId; attempt: number }
  | {
      kind: "accepted";
      account: AccountId;
      device: DeviceId;
      message: MessageId;
      waId: WaId;
      attempt: number;
      to: PersonId;
      cold: boolean;
    }
  | { kind: "refused"; account: AccountId; device: DeviceId; message: MessageId; waId: WaId; code: number }
  | { kind: "swallowed"; device: DeviceId; message: MessageId; waId: WaId }
  // The store said that the message is not sent, and whoever called it back knows.
  | { kind: "calledBack"; message: MessageId }
  // We were told that it took it: by its ack, or by a twin's copy or a phone's receipt, which prove the same.
  | { kind: "ackTold"; device: DeviceId; waId: WaId }
  | { kind: "proofTold"; device: DeviceId; waId: WaId; by: "copy" | "receipt" }
  // At a person's phone. `shown`: a new message on the screen. `hidden`: known already (same number, same id). `unreadable`: its key was used before.
  | { kind: "shown"; person: PersonId; account: AccountId; device: DeviceId; message: MessageId; waId: WaId }
  | { kind: "hidden"; person: PersonId; account: AccountId; device: DeviceId; message: MessageId; waId: WaId }
  | { kind: "unreadable"; person: PersonId; account: AccountId; device: DeviceId; message: MessageId; waId: WaId }
  // Towards us. `wrote`: WhatsApp took a person's message. `kept`: durable here. `receipted`: WhatsApp knows and forgets it for that device.
  | { kind: "wrote"; person: PersonId; account: AccountId; waId: WaId }
  | { kind: "kept"; account: AccountId; device: DeviceId; waId: WaId; seq: number }
  | { kind: "receipted"; device: DeviceId; waId: WaId }
  // Seats. `seat`: the store's row has changed. `seatTold`: the node that asked for the change has heard of it, or of another's.
  | { kind: "seat"; seat: SeatId; holder: DeviceId | null; term: SeatTerm; phase: SeatPhase }
  | { kind: "seatTold"; node: NodeId; seat: SeatId; term: SeatTerm }
  // Leases that end with time, as the store has them: until when the node may have the device's link; null: nobody.
  | { kind: "lease"; device: DeviceId; node: NodeId | null; until: Millis }
  // What the node says that it saw and did, at the world's time: opinions, for measuring when it had them.
  | { kind: "said"; type: string; subject: string; data: FleetEvent["data"] }
  // Standing, credentials, nodes, faults.
  | { kind: "standing"; account: AccountId; standing: Standing; until: Millis | null; why: string }
  | { kind: "credentials"; device: DeviceId; state: "linked" | "loggedOut" }
  | { kind: "node"; node: NodeId; what: "started" | "crashed" | "stalled" | "skewed"; for: Millis | null }
  | { kind: "fault"; index: number; what: "began" | "ended"; fault: string; text: string; devices: readonly DeviceId[] };

export type Recorded = WorldEvent & { readonly at: Millis };

export interface Ledger {
  readonly events: readonly Recorded[];
  /** The event is the ledger's from then on, which writes the time on it: a copy of each costs more than all else here. */
  record(event: WorldEvent): void;
  /** Everybody who wants to look on: called with each event after it was recorded. */
  watch(look: (event: Recorded) => void): void;
  /** 64 bits of hexadecimal over all events so far: equal runs have equal digests. */
  digest(): string;
}

export const createLedger = (now: () => Millis): Ledger => {
  const events: Recorded[] = [];
  const watchers: ((event: Recorded) => void)[] = [];
  let hashed = 0;
  let h1 = 0x811c9dc5;
  let h2 = 0xc9dc5118;
  return {
    events,
    record(event) {
      const recorded = event as WorldEvent & { at: Millis };
      recorded.at = now();
      events.push(recorded);
      for (const look of watchers) look(recorded);
    },
    watch: (look) => void watchers.push(look),
    // Computed when asked for: most runs are only looked at by checkers, and the text of an event costs more than the event.
    digest() {
      for (; hashed < events.length; hashed++) {
        const line = JSON.stringify(events[hashed]);
        for (let i = 0; i < line.length; i++) {
          const code = line.charCodeAt(i);
          h1 = Math.imul(h1 ^ code, 0x01000193);
          h2 = Math.imul(h2 ^ code, 0x5bd1e995) ^ (h2 >>> 15);
        }
      }
      return (h1 >>> 0).toString(16).padStart(8, "0") + (h2 >>> 0).toString(16).padStart(8, "0");
    },
  };
};
