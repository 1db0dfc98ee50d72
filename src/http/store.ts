/** What the API keeps and looks up beside the machines' own store operations. Rejects with ControlError E_STORE. */
import type { ConversationId, ContactId, LineId, MessageId, Millis, SeatId } from "../../machines/ports/ids.ts";
import type { AlertFilter, AlertHistoryRow } from "../alerts/store.ts";
import type { AuditDraft, AuditRow, FailoverRecord } from "../../machines/ports/records.ts";
import type { OutboxRow, OutboxState } from "../../machines/ports/store.ts";

/** What a key may do: look, act on the fleet and on messages, give out keys. Each includes those before it. */
export const ROLES = ["viewer", "operator", "admin"] as const;
export type KeyRole = (typeof ROLES)[number];

export interface KeyRow {
  /** Public: also the beginning of the key itself. */
  readonly id: string;
  readonly name: string;
  readonly role: KeyRole;
  /** null: the whole fleet. */
  readonly lines: readonly LineId[] | null;
  readonly createdAt: Millis;
  readonly createdBy: string;
  readonly expiresAt: Millis | null;
  readonly revokedAt: Millis | null;
}
export interface StoredKey extends KeyRow {
  /** SHA-256 of the whole key: 256 random bits need no salt and no slow hash. */
  readonly hash: Uint8Array;
}

/** A request that may be sent again: who sent it, under which Idempotency-Key, and a digest of what it asked. */
export interface Intent {
  readonly key: string;
  readonly name: string;
  readonly digest: string;
}
export type Begun =
  /** Nobody asked this before: go on, and say how it ended. */
  | { readonly kind: "new" }
  | { readonly kind: "done"; readonly status: number; readonly body: string }
  /** Begun, and not ended: perhaps in an earlier life of the process. */
  | { readonly kind: "underWay" }
  | { readonly kind: "other" };

/** Rows beyond `after`, in the list's own order. */
export interface Slice {
  readonly after: number | null;
  readonly limit: number;
}
export interface Page<T> {
  readonly rows: readonly T[];
  /** Where the next page begins; null: there is none. */
  readonly next: number | null;
}
export interface ConversationRow {
  readonly id: ConversationId;
  readonly line: LineId;
  readonly contact: ContactId;
  readonly seat: SeatId;
}

export interface ApiStore {
  keys(): Promise<readonly StoredKey[]>;
  addKey(key: StoredKey, audit: AuditDraft): Promise<void>;
  /** False: there is no such key, or it was revoked before. */
  revokeKey(id: string, at: Millis, audit: AuditDraft): Promise<boolean>;

  /** Requests older than `forget` are not remembered. */
  beginRequest(intent: Intent, at: Millis, forget: Millis): Promise<Begun>;
  endRequest(intent: Intent, status: number, body: string): Promise<void>;
  /** It changed nothing: the same key may be used again. */
  forgetRequest(intent: Intent): Promise<void>;

  /** Newest first. `conversation` before `seats`; both null: all. `states` null: in any. */
  messages(
    where: {
      readonly conversation: ConversationId | null;
      readonly seats: readonly SeatId[] | null;
      readonly states: readonly OutboxState[] | null;
    },
    slice: Slice,
  ): Promise<Page<OutboxRow>>;
  message(id: MessageId): Promise<OutboxRow | null>;
  /** In order of their ids, of one line. */
  conversations(
    line: LineId,
    after: ConversationId | null,
    limit: number,
  ): Promise<{ readonly rows: readonly ConversationRow[]; readonly more: boolean }>;
  conversation(id: ConversationId): Promise<ConversationRow | null>;
  conversationsOf(contact: ContactId): Promise<readonly ConversationRow[]>;
  /** By its LID or number, as an address. */
  contactAt(address: string): Promise<ContactId | null>;
  /** Newest first; `null`: of all. */
  failovers(seats: readonly SeatId[] | null, slice: Slice): Promise<Page<FailoverRecord>>;
  failover(id: string): Promise<FailoverRecord | null>;
  alerts(wanted: AlertFilter, slice: Slice): Promise<Page<AlertHistoryRow>>;
  /** Number of the newest event; 0: there is none. */
  lastEvent(): Promise<number>;
  audit(subjects: readonly string[] | null, slice: Slice): Promise<Page<AuditRow>>;
}
