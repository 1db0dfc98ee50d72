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

/**
 * `restricted`: WhatsApp lets the account begin no conversation. `capped`: nor may it, because it has begun as many as WhatsApp allows
 * in one cycle.
 */
export type Standing = "good" | "capped" | "restricted" | "banned";
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
/** What operators ordered until they say otherwise: it outlives the process. */
export interface StandingOrders {
  /** Who switched automatic failover off; null: it is on. */
  readonly pausedBy: string | null;
  /** Devices that no seat may go to. */
  readonly cordoned: readonly DeviceId[];
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

/** Bytes that lie beside the store until no message needs them. `id`: by what they are; the same bytes have the same. */
export interface Media {
  readonly id: string;
  readonly bytes: number;
  readonly mimetype: string;
}
/** `replyTo` and `to`: WhatsApp's id of the message that is answered or reacted to. */
export type MessageContent =
  | { readonly kind: "text"; readonly text: string; readonly replyTo?: WaId }
  | { readonly kind: "image" | "video"; readonly media: Media; readonly caption?: string; readonly replyTo?: WaId }
  /** `voice`: shown as a voice note. */
  | {
      readonly kind: "audio";
      readonly media: Media;
      readonly voice: boolean;
      readonly seconds?: number;
      readonly replyTo?: WaId;
    }
  | {
      readonly kind: "document";
      readonly media: Media;
      readonly fileName: string;
      readonly caption?: string;
      readonly replyTo?: WaId;
    }
  /** Degrees. */
  | {
      readonly kind: "location";
      readonly latitude: number;
      readonly longitude: number;
      readonly name?: string;
      readonly address?: string;
      readonly replyTo?: WaId;
    }
  /** `phone`: digits, with the country's code. */
  | { readonly kind: "contact"; readonly name: string; readonly phone: string; readonly replyTo?: WaId }
  /** An empty `emoji` takes an earlier one back. */
  | { readonly kind: "reaction"; readonly to: WaId; readonly emoji: string }
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
  /** Or a servant's post at one. */
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
/** As it was accepted. `isFirst`: no earlier row of its conversation was open or held then; left out: that is not known. */
export interface OfferedRow extends OutboxRow {
  readonly isFirst?: boolean;
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
  /** The device through which it was first committed. A twin's copy adds no row: see `isSameMessage`. */
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
  /** Counted with the traffic of the device's account; `opens`: it begins a chat that the account has not had. Left out: not counted. */
  readonly counts?: { readonly opens: boolean };
}
/** What an account has sent in one slot of time (`trafficSlot`). */
export interface TrafficSlot {
  readonly slot: number;
  /** Attempts, chats begun by them. At least what left: one that was committed and never written is counted as well. */
  readonly messages: number;
  readonly openings: number;
}
/** What became of the messages of a seat, as far as one account spoke for it, within a minute. */
export interface PerformanceRow {
  /** When the minute began. */
  readonly at: Millis;
  readonly line: LineId;
  readonly seat: SeatId;
  readonly account: AccountId;
  readonly strategy: string;
  /** Conversations that were given to the seat. */
  readonly begun: number;
  /** Attempts that passed the gate, and what became of those that ended in this minute. */
  readonly sent: number;
  readonly acked: number;
  readonly failed: number;
  /** Milliseconds from the gate to the proof; null: there was none. */
  readonly p50: Millis | null;
  readonly p99: Millis | null;
}
export interface JournalEntry {
  readonly seq: number;
  /** One JSON line, redacted before it comes here. */
  readonly line: string;
}

// ---- operations ------------------------------------------------------------------------------------------------------

/** One entry an operation: what is asked, and what may be answered (besides `failed`, which each may be). */
export interface StoreOps {
  /**
   * Writes what the fleet file declares: new rows are added (seats vacant, term 0), roles and orders updated, nothing deleted.
   * A seat stands for each (line, master).
   */
  "fleet.declare": { in: { fleet: FleetDeclaration }; out: { kind: "declared" } };
  /** A device whose credentials are there is linked, though nobody lived to write that down, unless it was logged out since. */
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
      orders: StandingOrders;
      /** Posts of servants at which something lies that is not sent yet, or is held. */
      posts: readonly SeatId[];
    };
  };
  /** In place of those before. */
  "orders.write": { in: { orders: StandingOrders }; out: { kind: "ordered" } };
  /** An account that was never declared changes nothing; the audit entry is written all the same. So for `device.update`. */
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
  /** Upsert by id: intent first, outcome later. An intent that comes after what it led to changes no record. */
  "failover.record": { in: { failover: FailoverRecord; audit: AuditDraft }; out: { kind: "recorded" } };
  /** Newest first. */
  "failover.list": { in: { seat: SeatId | null; limit: number }; out: { kind: "failovers"; rows: readonly FailoverRecord[] } };

  /**
   * All or none. `full` when the line's open rows would pass `limit`. An idempotency key already known returns the first row's id,
   * and so does an id already known (an accept that is asked again because its answer was lost).
   * A conversation keeps the seat it has: if it was assigned to another one meanwhile, `seat` says where the row really went.
   * `first`: no earlier row of its conversation was open or held then, on whichever seat; a duplicate is never said to be.
   */
  "outbox.accept": {
    in: { messages: readonly OutboxDraft[]; limit: number };
    out:
      | {
          kind: "accepted";
          messages: readonly { id: MessageId; seq: number; duplicate: boolean; seat: SeatId; first: boolean }[];
        }
      | { kind: "full"; open: number };
  };
  /** Rows of the seat still to be sent (`accepted`, `dispatched`, `unanswered`) after `afterSeq`, oldest first, attempts included. */
  "outbox.open": {
    in: { seat: SeatId; afterSeq: number; limit: number };
    out: { kind: "rows"; rows: readonly OutboxRow[]; more: boolean };
  };
  /** Moves rows as `machines/delivery/outbox-state.ts` allows; what it forbids (late facts), and unknown ids, change nothing. */
  "outbox.record": { in: { changes: readonly OutboxChange[] }; out: { kind: "recorded" } };
  /**
   * Calls a message back: it is failed, with the reason, if `mayCancel` says so of the row as it is now; otherwise nothing changes. An
   * attempt that has not committed its keys is then refused (`stale`, message). `row`: as it is afterwards; null: there is none.
   */
  "outbox.cancel": {
    in: { id: MessageId; reason: string; audit: AuditDraft };
    out: { kind: "cancelled"; row: OutboxRow } | { kind: "kept"; row: OutboxRow | null };
  };
  "outbox.get": { in: { id: MessageId } | { waId: WaId }; out: { kind: "row"; row: OutboxRow | null } };
  /** Rows in one of `states`, oldest first. */
  "outbox.list": {
    in: { seat: SeatId | null; states: readonly OutboxState[]; limit: number };
    out: { kind: "rows"; rows: readonly OutboxRow[]; more: boolean };
  };
  "outbox.counts": {
    in: object;
    out: { kind: "counts"; seats: readonly { seat: SeatId; state: OutboxState; count: number; oldest: Millis }[] };
  };
  /**
   * Gives a conversation, with all its open and held rows (`moved` of them), to another seat of its line (a restricted account, a
   * rebalance). An attempt of the old seat that has not committed its keys is then refused (`stale`, message).
   */
  "conversation.assign": {
    in: { conversation: ConversationId; seat: SeatId; audit?: AuditDraft };
    out: { kind: "assigned"; moved: number };
  };
  /**
   * Gives the conversations of a servant's post that have open or held rows, with those rows (`moved` of them), to another post of its
   * seat, or to the seat. Those that have none stay. An attempt of the post that has not committed its keys is then refused, as above.
   * The audit entry is written if any row moved.
   */
  "post.clear": { in: { post: SeatId; to: SeatId; audit: AuditDraft }; out: { kind: "cleared"; moved: number } };
  /**
   * What accounts have sent of late, in slots from the oldest on: those that are `TRAFFIC_KEPT` or more behind an account's newest
   * are gone. `linkedAt`: when its first device was linked; null: nobody wrote that down.
   */
  "traffic.load": {
    in: { accounts: readonly AccountId[] };
    out: {
      kind: "traffic";
      accounts: readonly { account: AccountId; linkedAt: Millis | null; slots: readonly TrafficSlot[] }[];
    };
  };
  /** `seat` null: nobody has written there yet. `warm`: accounts that the contact has heard from or written to, in order of name. */
  "conversation.get": {
    in: { conversation: ConversationId };
    out: { kind: "conversation"; seat: SeatId | null; warm: readonly AccountId[] };
  };

  /**
   * Finds or makes the contact for an address; learns the LID/number pair when both are given. The LID is the person: a number
   * seen with another LID has changed hands. Two contacts that prove to be one become the older one; the younger id stays valid
   * as its alias (`contact.get` gives the older row), and its conversations keep their seats.
   */
  "contact.resolve": { in: { lid: string | null; pn: string | null }; out: { kind: "contact"; row: ContactRow } };
  "contact.get": { in: { id: ContactId }; out: { kind: "contact"; row: ContactRow | null } };

  /** Those of `ids` (media) that an open or held row names, or one accepted at `since` or later: a recipient may ask again. */
  "media.needed": { in: { ids: readonly string[]; since: Millis }; out: { kind: "needed"; ids: readonly string[] } };

  /** What the account received under this id, the oldest if there are several. */
  "inbox.get": { in: { account: AccountId; waId: WaId }; out: { kind: "inbound"; row: InboundRow | null } };
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
   * device's lease term or the attempt's seat term has ended, or if the message is not (or no longer) an open row of that seat
   * (acknowledged meanwhile, held, failed, assigned elsewhere): then nothing was written.
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
    out: { kind: "committed"; inbound: readonly InboundRow[] } | { kind: "stale"; what: "lease" | "seat" | "message" };
  };
  /** Forgets credentials and keys of a device that was logged out or is linked anew. */
  "keys.wipe": { in: { device: DeviceId; audit: AuditDraft }; out: { kind: "wiped" } };

  /**
   * Grants what nobody else holds: free, expired, one's own, or left by a process that the store knows to be dead. Every grant
   * is a new term, one's own as well. A term ends by the next grant or by release, never by the clock alone.
   */
  "lease.acquire": {
    in: { devices: readonly DeviceId[]; node: NodeId; ttl: Millis };
    out: {
      kind: "leases";
      granted: readonly { device: DeviceId; term: LeaseTerm }[];
      held: readonly { device: DeviceId; by: NodeId }[];
    };
  };
  /** `lost`: granted to somebody else meanwhile, or released. */
  "lease.renew": {
    in: { leases: readonly { device: DeviceId; term: LeaseTerm }[]; node: NodeId; ttl: Millis };
    out: { kind: "renewed"; lost: readonly DeviceId[] };
  };
  "lease.release": { in: { leases: readonly { device: DeviceId; term: LeaseTerm }[]; node: NodeId }; out: { kind: "released" } };

  /** Rewrites the open alert of the key if there is one, else the alert raised at the same time, else adds one. */
  "alert.record": { in: { alert: AlertRow; audit: AuditDraft | null }; out: { kind: "recorded" } };
  /** Newest first. */
  "alert.list": { in: { openOnly: boolean; limit: number }; out: { kind: "alerts"; rows: readonly AlertRow[] } };
  "audit.append": { in: { entries: readonly AuditDraft[] }; out: { kind: "appended" } };
  /** Newest first. */
  "audit.read": { in: { subject: string | null; limit: number }; out: { kind: "audit"; rows: readonly AuditRow[] } };
  "events.append": { in: { events: readonly FleetEvent[] }; out: { kind: "appended"; lastSeq: number } };
  "events.read": { in: { afterSeq: number; limit: number }; out: { kind: "events"; rows: readonly FleetEventRow[] } };
  /** Own batch, like the journal. A row of the same minute, seat and account is replaced; those before `dropBefore` are dropped. */
  "performance.append": { in: { rows: readonly PerformanceRow[]; dropBefore: Millis }; out: { kind: "appended" } };
  /** From `since` on, oldest first, then by seat and account. */
  "performance.read": { in: { line: LineId; since: Millis }; out: { kind: "performance"; rows: readonly PerformanceRow[] } };
  /**
   * Own batch: never shares a transaction with anything that somebody waits for. Drops what is `keep` or more numbers behind the
   * newest. An entry whose number is there already replaces it.
   */
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

// ---- what every adapter must decide alike ---------------------------------------------------------------------------

/** Length of a slot of traffic, and how many of them are kept: a little more than a day. */
export const TRAFFIC_SLOT: Millis = 300_000;
export const TRAFFIC_KEPT = 86_400_000 / TRAFFIC_SLOT + 2;
export const trafficSlot = (at: Millis): number => Math.floor(at / TRAFFIC_SLOT);

/** An address without its device: `4917…:12@s.whatsapp.net` and `4917…@c.us` are `4917…@s.whatsapp.net`. What is no address stays as it is. */
export const bareAddress = (address: string): string => {
  const at = address.indexOf("@");
  if (at < 1) return address;
  const user = address.slice(0, at).replace(/:\d+$/, "");
  const server = address.slice(at + 1);
  return `${user}@${server === "c.us" ? "s.whatsapp.net" : server}`;
};

const isDirect = (address: string): boolean => address.endsWith("@s.whatsapp.net") || address.endsWith("@lid");

/**
 * Whether two drafts of one account with one waId are the same message, seen perhaps by two twins.
 *
 * An id is drawn by the sender and means something only beside it. But one twin may see a person as `…@lid` and the other as
 * `…@s.whatsapp.net`, and which of them belong together may be unknown when the second copy arrives. So:
 * groups and broadcasts, which have one address, must be equal; in direct chats the chat is the sender, or ourselves;
 * two senders are told apart only within one address space, and of two spaces are taken for one person: a stranger who draws
 * the same 72-bit id in a chat with the same account is less likely than a twin.
 */
export const isSameMessage = (
  a: Pick<InboundDraft, "chat" | "sender" | "fromMe">,
  b: Pick<InboundDraft, "chat" | "sender" | "fromMe">,
): boolean => {
  if (a.fromMe !== b.fromMe) return false;
  const [chatA, chatB] = [bareAddress(a.chat), bareAddress(b.chat)];
  const sameChat = isDirect(chatA) && isDirect(chatB) ? isSamePerson(chatA, chatB) : chatA === chatB;
  if (!sameChat) return false;
  return a.fromMe || isSamePerson(bareAddress(a.sender), bareAddress(b.sender));
};

const isSamePerson = (a: string, b: string): boolean => a === b || a.endsWith("@lid") !== b.endsWith("@lid");
