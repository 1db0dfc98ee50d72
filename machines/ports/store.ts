/**
 * What everybody may ask of durable truth.
 *
 * Every operation is atomic, and answered only after it is durable (an answer is a promise kept through kill -9). Operations
 * asked in one turn may share one transaction (a batch): then all of the batch is durable or none of it is.
 * `failed` means undecided or refused by the medium: behave as if it did not happen, and be ready that it did.
 * Terms are compare-and-set: of two callers that expect the same term, one is told `conflict`.
 */
import type { AlertRow, AuditDraft, AuditRow, FailoverRecord, FleetEvent, FleetEventRow } from "./records.ts";
import type {
  AccountId,
  ContactId,
  ConversationId,
  DeviceId,
  LeaseTerm,
  LineId,
  MessageId,
  Millis,
  NodeId,
  RequestId,
  SeatId,
  SeatTerm,
  WaId,
} from "./ids.ts";

// ---- rows ------------------------------------------------------------------------------------------------------------

export type Standing = "good" | "restricted" | "banned";
export type Role = "master" | "servant";
export type LinkState = "unlinked" | "linked" | "loggedOut";

export interface AccountRow {
  readonly id: AccountId;
  readonly role: Role;
  readonly standing: Standing;
  /** When the restriction or temporary ban ends, if WhatsApp said so. */
  readonly standingUntil: Millis | null;
}
export interface DeviceRow {
  readonly id: DeviceId;
  readonly account: AccountId;
  readonly link: LinkState;
  /** WhatsApp's addresses of the linked device; null until linked. Never logged. */
  readonly jid: string | null;
  readonly lid: string | null;
}
export type SeatPhase = "vacant" | "moving" | "serving";
export interface SeatRow {
  readonly id: SeatId;
  readonly line: LineId;
  /** The master whose place this is: the preferred holder's account. */
  readonly account: AccountId;
  readonly holder: DeviceId | null;
  readonly term: SeatTerm;
  readonly phase: SeatPhase;
}
export interface LineRow {
  readonly id: LineId;
  /** Masters in priority order. */
  readonly masters: readonly AccountId[];
  readonly servants: readonly AccountId[];
  readonly strategy: string;
}
export interface FleetDeclaration {
  readonly accounts: readonly { id: AccountId; role: Role; devices: readonly DeviceId[] }[];
  readonly lines: readonly LineRow[];
}
/** Numbers live here only; machines see `id`, `country` (ISO 3166, two letters, or null) and `tier`. */
export interface ContactRow {
  readonly id: ContactId;
  /** `…@lid`, the canonical address, when known. */
  readonly lid: string | null;
  /** `…@s.whatsapp.net`, or `…@g.us` for a group. */
  readonly pn: string | null;
  readonly country: string | null;
  readonly tier: string | null;
}

export type MessageContent =
  | { readonly kind: "text"; readonly text: string; readonly replyTo?: WaId }
  /** A WhatsApp `proto.Message`, encoded: passes through untouched. */
  | { readonly kind: "raw"; readonly proto: Uint8Array };

/**
 * State of an accepted message. `dispatched`: an attempt is under way. `unanswered`: an attempt passed the gate and nothing
 * proved yet that WhatsApp took it. `held` waits for an operator or its expiry.
 */
export type OutboxState = "accepted" | "dispatched" | "unanswered" | "acknowledged" | "delivered" | "read" | "held" | "failed";
export type AttemptOutcome = "pending" | "acknowledged" | "unanswered" | "refused" | "unsent";
export interface AttemptRow {
  /** 1, 2, … */
  readonly number: number;
  readonly device: DeviceId;
  readonly seatTerm: SeatTerm;
  readonly at: Millis;
  readonly outcome: AttemptOutcome;
  /** WhatsApp's code of a refusal, or what proved the attempt: "ack", "copy", "receipt". */
  readonly detail: string | null;
}
export interface OutboxDraft {
  readonly id: MessageId;
  readonly waId: WaId;
  readonly line: LineId;
  readonly seat: SeatId;
  readonly conversation: ConversationId;
  readonly contact: ContactId;
  readonly content: MessageContent;
  /** 0 (bulk) to 9 (urgent); rows leave by priority, then by age. Within a conversation always by age. */
  readonly priority: number;
  readonly expiresAt: Millis | null;
  /** The same key on the same line within its life names the same message. */
  readonly idempotencyKey: string | null;
  readonly acceptedAt: Millis;
}
export interface OutboxRow extends OutboxDraft {
  /** Order of acceptance over the whole store: 1, 2, … */
  readonly seq: number;
  readonly state: OutboxState;
  readonly reason: string | null;
  readonly attempts: readonly AttemptRow[];
}
export interface OutboxChange {
  readonly id: MessageId;
  readonly state: OutboxState;
  readonly reason: string | null;
  /** Outcome to write on the attempt with this number, if any. */
  readonly attempt?: { readonly number: number; readonly outcome: AttemptOutcome; readonly detail: string | null };
}
export interface InboundDraft {
  readonly account: AccountId;
  /** The device through which it was first committed. (account, chat, waId, sender) is unique: a twin's copy adds no row. */
  readonly device: DeviceId;
  readonly waId: WaId;
  /** Chat and sender as WhatsApp wrote them (`…@lid`, `…@s.whatsapp.net`, `…@g.us`). */
  readonly chat: string;
  readonly sender: string;
  readonly fromMe: boolean;
  /** Encoded `proto.Message`. */
  readonly proto: Uint8Array;
  readonly sentAt: Millis;
  readonly receivedAt: Millis;
}
export interface InboundRow extends InboundDraft {
  readonly seq: number;
}
export interface KeyWrite {
  /** Baileys' key type: "session", "pre-key", "sender-key", "lid-mapping", … */
  readonly type: string;
  readonly id: string;
  /** Serialised value; null deletes. The store encrypts it at rest. */
  readonly value: Uint8Array | null;
}
/** Written in the same transaction as the ratchet step that the attempt used: keys before bytes. */
export interface AttemptDraft {
  readonly message: MessageId;
  readonly number: number;
  readonly device: DeviceId;
  readonly seat: SeatId;
  readonly seatTerm: SeatTerm;
  readonly at: Millis;
}
export interface JournalEntry {
  readonly seq: number;
  /** One JSON line, redacted before it comes here. */
  readonly line: string;
}

// ---- operations ------------------------------------------------------------------------------------------------------

/** One entry an operation: what is asked, and what may be answered (besides `failed`, which each may be). */
export interface StoreOps {
  /** Writes what the fleet file declares: new rows are added (seats vacant, term 0), roles and orders updated, nothing deleted. */
  "fleet.declare": { in: { fleet: FleetDeclaration }; out: { kind: "declared" } };
  "fleet.load": {
    in: object;
    out: {
      kind: "loaded";
      accounts: readonly AccountRow[];
      devices: readonly DeviceRow[];
      lines: readonly LineRow[];
      seats: readonly SeatRow[];
      /** Begun and not ended: a crash interrupted them. */
      failovers: readonly FailoverRecord[];
      alerts: readonly AlertRow[];
    };
  };
  "account.update": {
    in: { account: AccountId; standing: Standing; until: Millis | null; audit: AuditDraft };
    out: { kind: "updated" };
  };
  "device.update": {
    in: { device: DeviceId; link: LinkState; jid: string | null; lid: string | null; audit: AuditDraft };
    out: { kind: "updated" };
  };

  /**
   * The failover itself: one row changes hands. Applies iff the seat's term is `expect`; then term = expect + 1, and the
   * failover record and the audit entry are written in the same transaction.
   */
  "seat.change": {
    in: {
      seat: SeatId;
      expect: SeatTerm;
      holder: DeviceId | null;
      phase: SeatPhase;
      failover: FailoverRecord | null;
      audit: AuditDraft;
    };
    out: { kind: "changed"; row: SeatRow } | { kind: "conflict"; row: SeatRow };
  };
  /** Same holder and term, other phase (moving → serving). Applies iff the seat's term is `term`. */
  "seat.settle": {
    in: { seat: SeatId; term: SeatTerm; phase: SeatPhase; failover: FailoverRecord | null; audit: AuditDraft | null };
    out: { kind: "changed"; row: SeatRow } | { kind: "conflict"; row: SeatRow };
  };
  /** Upsert by id: intent first, outcome later. */
  "failover.record": { in: { failover: FailoverRecord; audit: AuditDraft }; out: { kind: "recorded" } };
  "failover.list": { in: { seat: SeatId | null; limit: number }; out: { kind: "failovers"; rows: readonly FailoverRecord[] } };

  /** All or none. `full` when the line's open rows would pass `limit`. An idempotency key already known returns the first row's id. */
  "outbox.accept": {
    in: { messages: readonly OutboxDraft[]; limit: number };
    out:
      | { kind: "accepted"; messages: readonly { id: MessageId; seq: number; duplicate: boolean }[] }
      | { kind: "full"; open: number };
  };
  /** Rows of the seat still to be sent (`accepted`, `dispatched`, `unanswered`) after `afterSeq`, oldest first, attempts included. */
  "outbox.open": {
    in: { seat: SeatId; afterSeq: number; limit: number };
    out: { kind: "rows"; rows: readonly OutboxRow[]; more: boolean };
  };
  "outbox.record": { in: { changes: readonly OutboxChange[] }; out: { kind: "recorded" } };
  "outbox.get": { in: { id: MessageId } | { waId: WaId }; out: { kind: "row"; row: OutboxRow | null } };
  "outbox.list": {
    in: { seat: SeatId | null; states: readonly OutboxState[]; limit: number };
    out: { kind: "rows"; rows: readonly OutboxRow[]; more: boolean };
  };
  "outbox.counts": {
    in: object;
    out: { kind: "counts"; seats: readonly { seat: SeatId; state: OutboxState; count: number; oldest: Millis }[] };
  };
  /** Gives a conversation, with all its open rows, to another seat of its line (a restricted account, a rebalance). */
  "conversation.assign": { in: { conversation: ConversationId; seat: SeatId }; out: { kind: "assigned"; moved: number } };
  "conversation.get": {
    in: { conversation: ConversationId };
    out: { kind: "conversation"; seat: SeatId | null; warm: readonly AccountId[] };
  };

  /** Finds or makes the contact for an address; learns the LID/number pair when both are given. */
  "contact.resolve": { in: { lid: string | null; pn: string | null }; out: { kind: "contact"; row: ContactRow } };
  "contact.get": { in: { id: ContactId }; out: { kind: "contact"; row: ContactRow | null } };

  "inbox.read": { in: { afterSeq: number; limit: number }; out: { kind: "rows"; rows: readonly InboundRow[] } };
  /** Remembers how far a named reader has come; never goes back. `seq` null only reads it. */
  "inbox.cursor": { in: { reader: string; seq: number | null }; out: { kind: "cursor"; seq: number } };

  "creds.load": { in: { device: DeviceId }; out: { kind: "creds"; value: Uint8Array | null } };
  "keys.load": {
    in: { device: DeviceId; type: string; ids: readonly string[] };
    out: { kind: "keys"; values: readonly (Uint8Array | null)[] };
  };
  /**
   * One transaction: ratchet state, credentials, the inbound rows it decrypted, the attempt it encrypted for. `stale` if the
   * device's lease term or the attempt's seat term has ended: then nothing was written.
   */
  "keys.commit": {
    in: {
      device: DeviceId;
      leaseTerm: LeaseTerm;
      keys: readonly KeyWrite[];
      creds: Uint8Array | null;
      inbound: readonly InboundDraft[];
      attempt: AttemptDraft | null;
    };
    /** `inbound`: the rows that are new (a twin's copy of a known message is not). */
    out: { kind: "committed"; inbound: readonly InboundRow[] } | { kind: "stale"; what: "lease" | "seat" };
  };
  /** Forgets credentials and keys of a device that was logged out or is linked anew. */
  "keys.wipe": { in: { device: DeviceId; audit: AuditDraft }; out: { kind: "wiped" } };

  "lease.acquire": {
    in: { devices: readonly DeviceId[]; node: NodeId; ttl: Millis };
    out: {
      kind: "leases";
      granted: readonly { device: DeviceId; term: LeaseTerm }[];
      held: readonly { device: DeviceId; by: NodeId }[];
    };
  };
  "lease.renew": {
    in: { leases: readonly { device: DeviceId; term: LeaseTerm }[]; node: NodeId; ttl: Millis };
    out: { kind: "renewed"; lost: readonly DeviceId[] };
  };
  "lease.release": { in: { leases: readonly { device: DeviceId; term: LeaseTerm }[]; node: NodeId }; out: { kind: "released" } };

  "alert.record": { in: { alert: AlertRow; audit: AuditDraft | null }; out: { kind: "recorded" } };
  "alert.list": { in: { openOnly: boolean; limit: number }; out: { kind: "alerts"; rows: readonly AlertRow[] } };
  "audit.append": { in: { entries: readonly AuditDraft[] }; out: { kind: "appended" } };
  "audit.read": { in: { subject: string | null; limit: number }; out: { kind: "audit"; rows: readonly AuditRow[] } };
  "events.append": { in: { events: readonly FleetEvent[] }; out: { kind: "appended"; lastSeq: number } };
  "events.read": { in: { afterSeq: number; limit: number }; out: { kind: "events"; rows: readonly FleetEventRow[] } };
  /** Own batch: never shares a transaction with anything that somebody waits for. Keeps at most `keep` newest entries. */
  "journal.append": { in: { entries: readonly JournalEntry[]; keep: number }; out: { kind: "appended" } };
  "journal.read": { in: { afterSeq: number; limit: number }; out: { kind: "journal"; entries: readonly JournalEntry[] } };
}

export type StoreOp = keyof StoreOps;
export type StoreCommand<K extends StoreOp = StoreOp> = { [P in K]: { op: P; reqId: RequestId } & StoreOps[P]["in"] }[K];
/** Why the medium did not do it. `full`: no space left. `busy`: locked by another. `lost`: connection or process gone, outcome unknown. */
export interface StoreFailure {
  readonly kind: "failed";
  readonly cause: "full" | "busy" | "io" | "lost";
  readonly message: string;
}
export type StoreAnswer<K extends StoreOp = StoreOp> = {
  [P in K]: { op: P; reqId: RequestId; at: Millis } & (StoreOps[P]["out"] | StoreFailure);
}[K];

/** Replies come in a later turn than the call, in the order of the calls of one batch. */
export interface StorePort {
  ask<K extends StoreOp>(command: StoreCommand<K>, reply: (answer: StoreAnswer<K>) => void): void;
}
