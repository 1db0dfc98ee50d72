/** Ratchet state: keys before bytes, in one transaction with what they were used for, and only under a living term. */
import { mayRetryAttempt } from "../../../../machines/delivery/outbox-state.ts";
import { seatOf, type AccountId, type DeviceId } from "../../../../machines/ports/ids.ts";
import {
  isSameMessage,
  type AttemptDraft,
  type AttemptOutcome,
  type InboundDraft,
  type InboundRow,
  type KeyWrite,
} from "../../../../machines/ports/store.ts";
import { bytesOf, numberOf, textOf, type Database, type Row } from "../database.ts";
import type { Seal } from "../seal.ts";
import { warmUp } from "./contacts.ts";
import { whole, type Bench, type Handlers } from "./handlers.ts";
import { moveTo, openRow } from "./outbox.ts";
import { writeAudit } from "./records.ts";
import { countAttempt, loadTraffic } from "./traffic.ts";

type Ops =
  | "creds.load"
  | "keys.load"
  | "keys.commit"
  | "keys.wipe"
  | "inbox.get"
  | "inbox.read"
  | "inbox.cursor"
  | "traffic.load";

export const keyOps = ({ db, seal }: Bench): Pick<Handlers, Ops> => ({
  "creds.load": ({ device }) => {
    const row = db.get("select value from creds where device = ?", device);
    return { kind: "creds", value: row ? seal.open("creds", device, "credentials", "", bytesOf(row, "value")) : null };
  },
  "keys.load": ({ device, type, ids }) => ({
    kind: "keys",
    values: ids.map((id) => {
      const row = db.get("select value from signal_key where device = ? and type = ? and id = ?", device, type, id);
      return row ? seal.open("signal_key", device, type, id, bytesOf(row, "value")) : null;
    }),
  }),
  "keys.commit": ({ device, leaseTerm, keys, creds, inbound, attempt }) => {
    // All checks come before the first write: a refusal leaves nothing to take back.
    const lease = db.get("select term from lease where device = ? and node is not null", device);
    if (!lease || numberOf(lease, "term") !== leaseTerm) return { kind: "stale", what: "lease" };
    const row = attempt && checkAttempt(db, attempt);
    if (row === "seat" || row === "message") return { kind: "stale", what: row };
    for (const write of keys) writeKey(db, seal, device, write);
    if (creds) {
      db.run(
        "insert into creds (device, value) values (?, ?) on conflict (device) do update set value = excluded.value",
        device,
        seal.close("creds", device, "credentials", "", creds),
      );
    }
    if (attempt && row) writeAttempt(db, row, attempt);
    return { kind: "committed", inbound: inbound.flatMap((draft) => receive(db, draft) ?? []) };
  },
  "traffic.load": ({ accounts }) => ({ kind: "traffic", accounts: accounts.map((account) => loadTraffic(db, account)) }),
  "keys.wipe": ({ device, audit }) => {
    db.run("delete from creds where device = ?", device);
    db.run("delete from signal_key where device = ?", device);
    writeAudit(db, audit);
    return { kind: "wiped" };
  },
  "inbox.get": ({ account, waId }) => {
    const row = db.get("select * from inbox where account = ? and wa_id = ? order by seq limit 1", account, waId);
    return { kind: "inbound", row: row ? inboundRow(row) : null };
  },
  "inbox.read": ({ afterSeq, limit }) => ({
    kind: "rows",
    rows: db.all("select * from inbox where seq > ? order by seq limit ?", afterSeq, limit).map(inboundRow),
  }),
  "inbox.cursor": ({ reader, seq }) => {
    if (seq !== null) {
      db.run(
        "insert into cursor (reader, seq) values (?, ?) on conflict (reader) do update set seq = max(seq, excluded.seq)",
        reader,
        seq,
      );
    }
    const row = db.get("select seq from cursor where reader = ?", reader);
    return { kind: "cursor", seq: row ? numberOf(row, "seq") : 0 };
  },
});

/** The outbox row that the attempt is for, or what is no longer true. */
const checkAttempt = (db: Database, attempt: AttemptDraft): Row | "seat" | "message" => {
  const seat = db.get("select term from seat where id = ?", seatOf(attempt.seat));
  if (!seat || numberOf(seat, "term") !== attempt.seatTerm) return "seat";
  const row = openRow(db, attempt.message);
  if (!row || textOf(row, "seat") !== attempt.seat) return "message";
  const same = db.get("select outcome from attempt where outbox = ? and number = ?", numberOf(row, "seq"), attempt.number);
  return same && !mayRetryAttempt(textOf<AttemptOutcome>(same, "outcome")) ? "message" : row;
};

const writeAttempt = (db: Database, row: Row, attempt: AttemptDraft): void => {
  const { number, device, seatTerm, at } = attempt;
  db.run(
    `insert into attempt (outbox, number, device, seat_term, at, outcome, detail) values (?, ?, ?, ?, ?, 'pending', null)
     on conflict (outbox, number) do update
     set device = excluded.device, seat_term = excluded.seat_term, at = excluded.at, outcome = 'pending', detail = null`,
    numberOf(row, "seq"),
    number,
    device,
    seatTerm,
    whole(at),
  );
  moveTo(db, row, "dispatched", null);
  countAttempt(db, attempt);
};

const writeKey = (db: Database, seal: Seal, device: DeviceId, { type, id, value }: KeyWrite): void => {
  if (value === null) {
    db.run("delete from signal_key where device = ? and type = ? and id = ?", device, type, id);
    return;
  }
  db.run(
    `insert into signal_key (device, type, id, value) values (?, ?, ?, ?)
     on conflict (device, type, id) do update set value = excluded.value`,
    device,
    type,
    id,
    seal.close("signal_key", device, type, id, value),
  );
};

/** The new row, or undefined if a twin (or a replay) had brought the message before. */
const receive = (db: Database, draft: InboundDraft): InboundRow | undefined => {
  warmUp(db, draft.chat, draft.account);
  const candidates = db.all("select * from inbox where account = ? and wa_id = ?", draft.account, draft.waId);
  if (candidates.some((row) => isSameMessage(inboundRow(row), draft))) return undefined;
  const made = db.get(
    `insert into inbox (account, device, wa_id, chat, sender, from_me, proto, sent_at, received_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?)
     returning *`,
    draft.account,
    draft.device,
    draft.waId,
    draft.chat,
    draft.sender,
    draft.fromMe ? 1 : 0,
    draft.proto,
    whole(draft.sentAt),
    whole(draft.receivedAt),
  );
  return inboundRow(made ?? {});
};

const inboundRow = (row: Row): InboundRow => ({
  seq: numberOf(row, "seq"),
  account: textOf<AccountId>(row, "account"),
  device: textOf<DeviceId>(row, "device"),
  waId: textOf<InboundRow["waId"]>(row, "wa_id"),
  chat: textOf(row, "chat"),
  sender: textOf(row, "sender"),
  fromMe: numberOf(row, "from_me") === 1,
  proto: bytesOf(row, "proto"),
  sentAt: numberOf(row, "sent_at"),
  receivedAt: numberOf(row, "received_at"),
});
