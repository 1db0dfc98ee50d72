/** The API's own part of the store: keys, requests that may come again, and lists in pages. */
import type { ConversationId, LineId, SeatId } from "../../../machines/ports/ids.ts";
import type { AuditDraft, FailoverRecord } from "../../../machines/ports/records.ts";
import { OUTBOX_STATES } from "../../../machines/delivery/outbox-state.ts";
import type { ApiStore, Begun, ConversationRow, Intent, KeyRole, Page, Slice, StoredKey } from "../../http/store.ts";
import { alertHistory } from "./alert-store.ts";
import { AUDIT_COLUMNS, auditRow } from "./audit-row.ts";
import { bytesOf, type Database, jsonOf, numberOf, numberOrNull, type Row, textOf, textOrNull } from "./database.ts";
import { whole, wholeOrNull } from "./ops/handlers.ts";
import { bareAddress } from "../../../machines/ports/store.ts";
import { contactIdOf } from "./ops/contacts.ts";
import { outboxRow } from "./ops/outbox.ts";
import { writeAudit } from "./ops/records.ts";

/** Carries out `work` in its turn; with `writes` resolves once it is durable. */
export type Run = <T>(work: (db: Database) => T, writes: boolean) => Promise<T>;

/** Old requests that one new one clears away. */
const FORGOTTEN_AT_ONCE = 100;

export const createApiStore = (run: Run): ApiStore => {
  const read = <T>(work: (db: Database) => T): Promise<T> => run(work, false);
  const write = <T>(work: (db: Database) => T): Promise<T> => run(work, true);
  return {
    keys: () => read((db) => db.all("select * from api_key order by created_at, id").map(keyRow)),
    addKey: (key, audit) => write((db) => addKey(db, key, audit)),
    revokeKey: (id, at, audit) =>
      write((db) => {
        const changed = db.change("update api_key set revoked_at = ? where id = ? and revoked_at is null", whole(at), id);
        if (changed > 0) writeAudit(db, audit);
        return changed > 0;
      }),

    beginRequest: (intent, at, forget) => write((db) => beginRequest(db, intent, at, forget)),
    endRequest: ({ key, name }, status, body) =>
      write((db) => db.run("update api_request set status = ?, body = ? where key = ? and name = ?", status, body, key, name)),
    forgetRequest: ({ key, name }) => write((db) => db.run("delete from api_request where key = ? and name = ?", key, name)),

    messages: ({ conversation, seats, states }, slice) =>
      read((db) => {
        const seqs =
          conversation !== null
            ? conversationSeqs(db, conversation, states, slice)
            : seats === null && states === null
              ? seqsOf(db.all("select seq from outbox where seq < ? order by seq desc limit ?", before(slice), slice.limit + 1))
              : seatSeqs(db, seats, states ?? OUTBOX_STATES, slice);
        return pageOf(seqs, slice, (seq) => outboxRow(db, db.get("select * from outbox where seq = ?", seq) ?? {}));
      }),
    message: (id) =>
      read((db) => {
        const row = db.get("select * from outbox where id = ?", id);
        return row ? outboxRow(db, row) : null;
      }),
    conversations: (line, after, limit) =>
      read((db) => {
        // Ids begin with their line and "|"; "}" comes right after "|".
        const rows = db.all(
          "select * from conversation where id > ? and id < ? order by id limit ?",
          after ?? `${line}|`,
          `${line}}`,
          limit + 1,
        );
        return { rows: rows.slice(0, limit).map(conversationRow), more: rows.length > limit };
      }),
    conversation: (id) =>
      read((db) => {
        const row = db.get("select * from conversation where id = ?", id);
        return row ? conversationRow(row) : null;
      }),
    conversationsOf: (contact) =>
      read((db) => db.all("select * from conversation where contact = ? order by id", contact).map(conversationRow)),
    contactAt: (address) =>
      read((db) => {
        const row = db.get("select number, pn from contact where lid = ?1 or pn = ?1", bareAddress(address));
        return row ? contactIdOf(numberOf(row, "number"), textOrNull(row, "pn")) : null;
      }),
    failovers: (seats, slice) =>
      read((db) =>
        pageOf(seqsBy(db, "failover", "seat", seats, slice), slice, (seq) =>
          jsonOf<FailoverRecord>(db.get("select record from failover where seq = ?", seq) ?? {}, "record"),
        ),
      ),
    failover: (id) =>
      read((db) => {
        const row = db.get("select record from failover where id = ?", id);
        return row ? jsonOf<FailoverRecord>(row, "record") : null;
      }),
    alerts: (wanted, slice) =>
      read((db) => {
        const rows = alertHistory(db, wanted, before(slice), slice.limit + 1);
        return {
          rows: rows.slice(0, slice.limit).map(({ alert }) => alert),
          next: rows.length > slice.limit ? (rows[slice.limit - 1]?.seq ?? null) : null,
        };
      }),
    lastEvent: () => read((db) => numberOf(db.get("select coalesce(max(seq), 0) as seq from event") ?? {}, "seq")),
    audit: (subjects, slice) =>
      read((db) =>
        pageOf(seqsBy(db, "audit", "subject", subjects, slice), slice, (seq) =>
          auditRow(db.get(`select ${AUDIT_COLUMNS} from audit where seq = ?`, seq) ?? {}),
        ),
      ),
  };
};

const addKey = (db: Database, key: StoredKey, audit: AuditDraft): void => {
  db.run(
    "insert into api_key (id, name, role, lines, hash, created_at, created_by, expires_at) values (?, ?, ?, ?, ?, ?, ?, ?)",
    key.id,
    key.name,
    key.role,
    key.lines === null ? null : JSON.stringify(key.lines),
    key.hash,
    whole(key.createdAt),
    key.createdBy,
    wholeOrNull(key.expiresAt),
  );
  writeAudit(db, audit);
};
const keyRow = (row: Row): StoredKey => ({
  id: textOf(row, "id"),
  name: textOf(row, "name"),
  role: textOf<KeyRole>(row, "role"),
  lines: row["lines"] === null ? null : jsonOf<LineId[]>(row, "lines"),
  hash: bytesOf(row, "hash"),
  createdAt: numberOf(row, "created_at"),
  createdBy: textOf(row, "created_by"),
  expiresAt: numberOrNull(row, "expires_at"),
  revokedAt: numberOrNull(row, "revoked_at"),
});

const beginRequest = (db: Database, { key, name, digest }: Intent, at: number, forget: number): Begun => {
  db.run(
    "delete from api_request where rowid in (select rowid from api_request where at < ? order by at limit ?)",
    whole(forget),
    FORGOTTEN_AT_ONCE,
  );
  const row = db.get(
    "select digest, status, body from api_request where key = ? and name = ? and at >= ?",
    key,
    name,
    whole(forget),
  );
  if (row) {
    if (row["digest"] !== digest) return { kind: "other" };
    const status = numberOrNull(row, "status");
    return status === null ? { kind: "underWay" } : { kind: "done", status, body: textOrNull(row, "body") ?? "" };
  }
  db.run("insert or replace into api_request (key, name, digest, at) values (?, ?, ?, ?)", key, name, digest, whole(at));
  return { kind: "new" };
};

const conversationRow = (row: Row): ConversationRow => ({
  id: textOf<ConversationId>(row, "id"),
  line: textOf<LineId>(row, "line"),
  contact: textOf<ConversationRow["contact"]>(row, "contact"),
  seat: textOf<SeatId>(row, "seat"),
});

// ---- pages, newest first ---------------------------------------------------------------------------------------------

const before = ({ after }: Slice): number => after ?? Number.MAX_SAFE_INTEGER;
const seqsOf = (rows: readonly Row[]): number[] => rows.map((row) => numberOf(row, "seq"));

/** `seqs`: one more than fits, if there is one. */
const pageOf = <T>(seqs: readonly number[], { limit }: Slice, rowOf: (seq: number) => T): Page<T> => ({
  rows: seqs.slice(0, limit).map(rowOf),
  next: seqs.length > limit ? (seqs[limit - 1] ?? null) : null,
});

const conversationSeqs = (db: Database, conversation: ConversationId, states: readonly string[] | null, slice: Slice): number[] =>
  seqsOf(
    states === null
      ? db.all(
          "select seq from outbox where conversation = ? and seq < ? order by seq desc limit ?",
          conversation,
          before(slice),
          slice.limit + 1,
        )
      : db.all(
          "select seq from outbox where conversation = ? and seq < ? and state in (select value from json_each(?)) order by seq desc limit ?",
          conversation,
          before(slice),
          JSON.stringify(states),
          slice.limit + 1,
        ),
  );

/** One look into the index for each seat and state that has rows, merged here: SQLite would sort a million rows to give fifty. */
const seatSeqs = (db: Database, seats: readonly SeatId[] | null, states: readonly string[], slice: Slice): number[] => {
  const wanted = seats === null ? null : new Set<string>(seats);
  const pairs = db
    .all("select distinct seat, state from outbox_count where count > 0")
    .map((row) => ({ seat: textOf(row, "seat"), state: textOf(row, "state") }))
    .filter(({ seat, state }) => states.includes(state) && (wanted === null || wanted.has(seat)));
  return merged(slice, pairs, ({ seat, state }) =>
    db.all(
      "select seq from outbox where seat = ? and state = ? and seq < ? order by seq desc limit ?",
      seat,
      state,
      before(slice),
      slice.limit + 1,
    ),
  );
};

const seqsBy = (
  db: Database,
  table: "failover" | "audit",
  column: "seat" | "subject",
  values: readonly string[] | null,
  slice: Slice,
): number[] =>
  values === null
    ? seqsOf(db.all(`select seq from ${table} where seq < ? order by seq desc limit ?`, before(slice), slice.limit + 1))
    : merged(slice, values, (value) =>
        db.all(
          `select seq from ${table} where ${column} = ? and seq < ? order by seq desc limit ?`,
          value,
          before(slice),
          slice.limit + 1,
        ),
      );

const merged = <T>({ limit }: Slice, parts: readonly T[], rowsOf: (part: T) => readonly Row[]): number[] =>
  [...new Set(parts.flatMap((part) => seqsOf(rowsOf(part))))].sort((a, b) => b - a).slice(0, limit + 1);
