/** Accepted messages: durable before anybody is told so, in order, counted as they move. */
import {
  freshDrafts,
  isMoreCertain,
  isOpen,
  isProved,
  mayBecome,
  mayCancel,
  OPEN_STATES,
  OUTBOX_STATES,
} from "../../../../machines/delivery/outbox-state.ts";
import {
  accountOf,
  type ConversationId,
  type DeviceId,
  type LineId,
  type MessageId,
  type SeatId,
} from "../../../../machines/ports/ids.ts";
import type {
  AttemptOutcome,
  AttemptRow,
  OutboxChange,
  OutboxDraft,
  OutboxRow,
  OutboxState,
} from "../../../../machines/ports/store.ts";
import { bytesOf, jsonOf, numberOf, numberOrNull, textOf, textOrNull, type Database, type Row } from "../database.ts";
import { assignConversation, seatOfConversation, warmUpContact } from "./contacts.ts";
import { whole, wholeOrNull, type Bench, type Handlers } from "./handlers.ts";
import { writeAudit } from "./records.ts";

type Ops =
  | "outbox.accept"
  | "outbox.open"
  | "outbox.record"
  | "outbox.cancel"
  | "outbox.get"
  | "outbox.list"
  | "outbox.counts"
  | "media.needed"
  | "conversation.assign"
  | "post.clear";

export const outboxOps = ({ db }: Bench): Pick<Handlers, Ops> => ({
  "outbox.accept": ({ messages, limit }) => {
    const full = overfull(db, messages, limit);
    if (full !== undefined) return { kind: "full", open: full };
    return { kind: "accepted", messages: messages.map((draft) => accept(db, draft)) };
  },
  "outbox.open": ({ seat, afterSeq, limit }) => page(db, [seat], OPEN_STATES, afterSeq, limit),
  "outbox.record": ({ changes }) => {
    for (const change of changes) record(db, change);
    return { kind: "recorded" };
  },
  "outbox.cancel": ({ id, reason, audit }) => {
    const found = db.get("select * from outbox where id = ?", id);
    if (!found) return { kind: "kept", row: null };
    const row = outboxRow(db, found);
    if (!mayCancel(row)) return { kind: "kept", row };
    moveTo(db, found, "failed", reason);
    writeAudit(db, audit);
    return { kind: "cancelled", row: { ...row, state: "failed", reason } };
  },
  "outbox.get": (which) => {
    const row =
      "id" in which
        ? db.get("select * from outbox where id = ?", which.id)
        : db.get("select * from outbox where wa_id = ?", which.waId);
    return { kind: "row", row: row ? outboxRow(db, row) : null };
  },
  "outbox.list": ({ seat, states, limit }) => page(db, seat === null ? knownSeats(db) : [seat], [...new Set(states)], 0, limit),
  "outbox.counts": () => ({ kind: "counts", seats: counts(db) }),
  "media.needed": ({ ids, since }) => ({ kind: "needed", ids: ids.filter((id) => isNeeded(db, id, since)) }),
  "conversation.assign": ({ conversation, seat, audit }) => {
    assignConversation(db, conversation, seat);
    if (audit) writeAudit(db, audit);
    const rows = db.all(
      `select seq, line, seat, state from outbox
       where conversation = ? and state in ('accepted', 'dispatched', 'unanswered', 'held') and seat <> ?`,
      conversation,
      seat,
    );
    giveRows(db, rows, seat);
    return { kind: "assigned", moved: rows.length };
  },
  "post.clear": ({ post, to, audit }) => {
    const rows = UNSETTLED.flatMap((state) =>
      db.all("select seq, line, seat, state, conversation from outbox where seat = ? and state = ?", post, state),
    );
    giveRows(db, rows, to);
    for (const id of new Set(rows.map((row) => textOf<ConversationId>(row, "conversation")))) assignConversation(db, id, to);
    if (rows.length > 0) writeAudit(db, audit);
    return { kind: "cleared", moved: rows.length };
  },
});

const UNSETTLED = [...OPEN_STATES, "held"] as const satisfies readonly OutboxState[];

/** Servants' posts at which something waits. */
export const busyPosts = (db: Database): SeatId[] =>
  db
    .all(
      `select distinct seat from outbox_count
       where instr(seat, '#') > 0 and count > 0 and state in ('accepted', 'dispatched', 'unanswered', 'held') order by seat`,
    )
    .map((row) => textOf<SeatId>(row, "seat"));

/** `rows`: seq, line, seat and state of each. */
const giveRows = (db: Database, rows: readonly Row[], seat: SeatId): void => {
  for (const row of rows) {
    const [line, state] = [textOf(row, "line"), textOf<OutboxState>(row, "state")];
    db.run("update outbox set seat = ? where seq = ?", seat, numberOf(row, "seq"));
    count(db, line, state, textOf(row, "seat"), -1);
    count(db, line, state, seat, 1);
  }
};

// ---- accepting -------------------------------------------------------------------------------------------------------

const known = (db: Database, { id, line, idempotencyKey }: OutboxDraft): Row | undefined =>
  db.get("select id, seq, seat from outbox where id = ?", id) ??
  (idempotencyKey === null
    ? undefined
    : db.get("select id, seq, seat from outbox where line = ? and idempotency_key = ?", line, idempotencyKey));

/** The number of open rows of a line that has no room for what it is to get, or undefined if all have. */
const overfull = (db: Database, messages: readonly OutboxDraft[], limit: number): number | undefined => {
  for (const line of new Set(messages.map((draft) => draft.line))) {
    const open = openRows(db, line);
    const mine = messages.filter((draft) => draft.line === line);
    if (open + mine.length <= limit) continue;
    // Duplicates need no room; looked up only when it matters.
    const fresh = freshDrafts(mine, (draft) => known(db, draft) !== undefined);
    if (fresh.length > 0 && open + fresh.length > limit) return open;
  }
  return undefined;
};

const openRows = (db: Database, line: LineId): number =>
  numberOf(
    db.get(
      "select coalesce(sum(count), 0) as n from outbox_count where line = ? and state in ('accepted', 'dispatched', 'unanswered')",
      line,
    ) ?? {},
    "n",
  );

/** Answered from `outbox_unsettled`, which holds no more than is open: a conversation may have a million rows behind it. */
export const UNSETTLED_IN_CONVERSATION =
  "select 1 from outbox where conversation = ? and state in ('accepted', 'dispatched', 'unanswered', 'held') limit 1";

const accept = (
  db: Database,
  draft: OutboxDraft,
): { id: MessageId; seq: number; duplicate: boolean; seat: SeatId; first: boolean } => {
  const first = known(db, draft);
  if (first) {
    return {
      id: textOf<MessageId>(first, "id"),
      seq: numberOf(first, "seq"),
      duplicate: true,
      seat: textOf<SeatId>(first, "seat"),
      first: false,
    };
  }
  const { content } = draft;
  const isFirst = db.get(UNSETTLED_IN_CONVERSATION, draft.conversation) === undefined;
  const seat = seatOfConversation(db, draft.conversation, draft.line, draft.seat);
  const made = db.get(
    `insert into outbox (id, wa_id, line, seat, conversation, contact, text, reply_to, proto, content, media, priority, expires_at,
       idempotency_key, accepted_at, state) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'accepted') returning seq`,
    draft.id,
    draft.waId,
    draft.line,
    seat,
    draft.conversation,
    draft.contact,
    content.kind === "text" ? content.text : null,
    content.kind === "text" ? (content.replyTo ?? null) : null,
    content.kind === "raw" ? content.proto : null,
    content.kind === "raw" || content.kind === "text" ? null : JSON.stringify(content),
    "media" in content ? content.media.id : null,
    draft.priority,
    wholeOrNull(draft.expiresAt),
    draft.idempotencyKey,
    whole(draft.acceptedAt),
  );
  count(db, draft.line, "accepted", seat, 1);
  return { id: draft.id, seq: numberOf(made ?? {}, "seq"), duplicate: false, seat, first: isFirst };
};

// ---- moving ----------------------------------------------------------------------------------------------------------

const count = (db: Database, line: string, state: OutboxState, seat: string, by: 1 | -1): void => {
  const changed = db.change(
    "update outbox_count set count = count + ? where line = ? and state = ? and seat = ?",
    by,
    line,
    state,
    seat,
  );
  if (changed === 0) db.run("insert into outbox_count (line, state, seat, count) values (?, ?, ?, ?)", line, state, seat, by);
};

/** `row`: seq, line, seat and state of it. */
export const moveTo = (db: Database, row: Row, to: OutboxState, reason: string | null): void => {
  const from = textOf<OutboxState>(row, "state");
  db.run("update outbox set state = ?, reason = ? where seq = ?", to, reason, numberOf(row, "seq"));
  if (from === to) return;
  const [line, seat] = [textOf(row, "line"), textOf(row, "seat")];
  count(db, line, from, seat, -1);
  count(db, line, to, seat, 1);
};

const record = (db: Database, { id, state, reason, attempt }: OutboxChange): void => {
  const row = db.get("select seq, line, seat, state, contact from outbox where id = ?", id);
  if (!row) return;
  const seq = numberOf(row, "seq");
  if (attempt) {
    const known = db.get("select outcome from attempt where outbox = ? and number = ?", seq, attempt.number);
    if (known && isMoreCertain(textOf<AttemptOutcome>(known, "outcome"), attempt.outcome)) {
      db.run(
        "update attempt set outcome = ?, detail = ? where outbox = ? and number = ?",
        attempt.outcome,
        attempt.detail,
        seq,
        attempt.number,
      );
    }
  }
  const from = textOf<OutboxState>(row, "state");
  if (!mayBecome(from, state)) return;
  moveTo(db, row, state, reason);
  if (isProved(state) && !isProved(from)) {
    const device = provedDevice(db, seq, attempt?.number ?? null);
    if (device) warmUpContact(db, textOf<OutboxRow["contact"]>(row, "contact"), accountOf(device));
  }
};

/** Whose attempt reached WhatsApp: the one named, else the last. */
const provedDevice = (db: Database, seq: number, number: number | null): DeviceId | undefined => {
  const row =
    number === null
      ? db.get("select device from attempt where outbox = ? order by number desc limit 1", seq)
      : db.get("select device from attempt where outbox = ? and number = ?", seq, number);
  return row && textOf<DeviceId>(row, "device");
};

const isNeeded = (db: Database, media: string, since: number): boolean =>
  db.get(
    `select 1 from outbox where media = ? and (state in ('accepted', 'dispatched', 'unanswered', 'held') or accepted_at >= ?) limit 1`,
    media,
    whole(since),
  ) !== undefined;

// ---- reading ---------------------------------------------------------------------------------------------------------

const knownSeats = (db: Database): SeatId[] =>
  db.all("select distinct seat from outbox_count").map((row) => textOf<SeatId>(row, "seat"));

/**
 * Rows in order of acceptance. One look into the index for each (seat, state), merged here: asked for several states at once,
 * SQLite would sort a million rows to give a hundred.
 */
const page = (
  db: Database,
  seats: readonly SeatId[],
  states: readonly OutboxState[],
  afterSeq: number,
  limit: number,
): { kind: "rows"; rows: OutboxRow[]; more: boolean } => {
  const seqs = seats
    .flatMap((seat) =>
      states.flatMap((state) =>
        db.all(
          "select seq from outbox where seat = ? and state = ? and seq > ? order by seq limit ?",
          seat,
          state,
          afterSeq,
          limit + 1,
        ),
      ),
    )
    .map((row) => numberOf(row, "seq"))
    .sort((a, b) => a - b);
  const rows = seqs.slice(0, limit).map((seq) => outboxRow(db, db.get("select * from outbox where seq = ?", seq) ?? {}));
  return { kind: "rows", rows, more: seqs.length > limit };
};

const counts = (db: Database): { seat: SeatId; state: OutboxState; count: number; oldest: number }[] =>
  db
    .all("select seat, state, sum(count) as n from outbox_count where count > 0 group by seat, state")
    .map((row) => {
      const [seat, state] = [textOf<SeatId>(row, "seat"), textOf<OutboxState>(row, "state")];
      const oldest = db.get("select accepted_at from outbox where seat = ? and state = ? order by seq limit 1", seat, state);
      return { seat, state, count: numberOf(row, "n"), oldest: numberOf(oldest ?? {}, "accepted_at") };
    })
    .sort((a, b) => compare(a.seat, b.seat) || OUTBOX_STATES.indexOf(a.state) - OUTBOX_STATES.indexOf(b.state));

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

export const outboxRow = (db: Database, row: Row): OutboxRow => ({
  seq: numberOf(row, "seq"),
  id: textOf<OutboxRow["id"]>(row, "id"),
  waId: textOf<OutboxRow["waId"]>(row, "wa_id"),
  line: textOf<OutboxRow["line"]>(row, "line"),
  seat: textOf<SeatId>(row, "seat"),
  conversation: textOf<OutboxRow["conversation"]>(row, "conversation"),
  contact: textOf<OutboxRow["contact"]>(row, "contact"),
  content: contentOf(row),
  priority: numberOf(row, "priority"),
  expiresAt: numberOrNull(row, "expires_at"),
  idempotencyKey: textOrNull(row, "idempotency_key"),
  acceptedAt: numberOf(row, "accepted_at"),
  state: textOf<OutboxState>(row, "state"),
  reason: textOrNull(row, "reason"),
  attempts: db.all("select * from attempt where outbox = ? order by number", numberOf(row, "seq")).map(attemptRow),
});
const contentOf = (row: Row): OutboxRow["content"] => {
  if (row["content"] !== null) return jsonOf<OutboxRow["content"]>(row, "content");
  const text = textOrNull(row, "text");
  if (text === null) return { kind: "raw", proto: bytesOf(row, "proto") };
  const replyTo = textOrNull<OutboxRow["waId"]>(row, "reply_to");
  return replyTo === null ? { kind: "text", text } : { kind: "text", text, replyTo };
};
const attemptRow = (row: Row): AttemptRow => ({
  number: numberOf(row, "number"),
  device: textOf<DeviceId>(row, "device"),
  seatTerm: numberOf<AttemptRow["seatTerm"]>(row, "seat_term"),
  at: numberOf(row, "at"),
  outcome: textOf<AttemptOutcome>(row, "outcome"),
  detail: textOrNull(row, "detail"),
});

/** The row of a message as far as an attempt needs it, if it is still to be sent. */
export const openRow = (db: Database, id: MessageId): Row | undefined => {
  const row = db.get("select seq, line, seat, state from outbox where id = ?", id);
  return row && isOpen(textOf<OutboxState>(row, "state")) ? row : undefined;
};
