/** Audit entries, alerts, failover records and events: written beside the decisions that they tell of. */
import type { AlertRow, AuditDraft, FailoverRecord, FleetEventRow } from "../../../../machines/ports/records.ts";
import { AUDIT_COLUMNS, auditRow } from "../audit-row.ts";
import { jsonOf, numberOf, textOf, type Database, type Row } from "../database.ts";
import { whole, type Bench, type Handlers } from "./handlers.ts";

export const writeAudit = (db: Database, entry: AuditDraft): void => {
  db.run(
    "insert into audit (at, actor, action, subject, text, evidence) values (?, ?, ?, ?, ?, ?)",
    whole(entry.at),
    entry.actor,
    entry.action,
    entry.subject,
    entry.text,
    JSON.stringify(entry.evidence),
  );
};

/** Upsert by id; a record keeps its place in the list. */
export const writeFailover = (db: Database, record: FailoverRecord): void => {
  db.run(
    `insert into failover (id, seat, outcome, record) values (?, ?, ?, ?)
     on conflict (id) do update set seat = excluded.seat, outcome = excluded.outcome, record = excluded.record`,
    record.id,
    record.seat,
    record.outcome,
    JSON.stringify(record),
  );
};

const isKnown = (db: Database, { id }: FailoverRecord): boolean =>
  db.get("select 1 from failover where id = ?", id) !== undefined;

export const runningFailovers = (db: Database): FailoverRecord[] =>
  db
    .all("select record from failover where outcome = 'running' order by seq")
    .map((row) => jsonOf<FailoverRecord>(row, "record"));

export const openAlerts = (db: Database): AlertRow[] =>
  db.all("select record from alert where state = 'open' order by seq").map((row) => jsonOf<AlertRow>(row, "record"));

type Ops =
  | "failover.record"
  | "failover.list"
  | "alert.record"
  | "alert.list"
  | "audit.append"
  | "audit.read"
  | "events.append"
  | "events.read";

export const recordOps = ({ db }: Bench): Pick<Handlers, Ops> => ({
  "failover.record": ({ failover, audit }) => {
    if (failover.outcome !== "running" || !isKnown(db, failover)) writeFailover(db, failover);
    writeAudit(db, audit);
    return { kind: "recorded" };
  },
  "failover.list": ({ seat, limit }) => {
    const rows =
      seat === null
        ? db.all("select record from failover order by seq desc limit ?", limit)
        : db.all("select record from failover where seat = ? order by seq desc limit ?", seat, limit);
    return { kind: "failovers", rows: rows.map((row) => jsonOf<FailoverRecord>(row, "record")) };
  },

  "alert.record": ({ alert, audit }) => {
    const place =
      db.get("select seq from alert where key = ? and state = 'open'", alert.key) ??
      db.get("select seq from alert where key = ? and raised_at = ?", alert.key, whole(alert.raisedAt));
    const record = JSON.stringify(alert);
    if (place) {
      db.run(
        "update alert set raised_at = ?, state = ?, record = ? where seq = ?",
        whole(alert.raisedAt),
        alert.state,
        record,
        numberOf(place, "seq"),
      );
    } else {
      db.run(
        "insert into alert (key, raised_at, state, record) values (?, ?, ?, ?)",
        alert.key,
        whole(alert.raisedAt),
        alert.state,
        record,
      );
    }
    if (audit) writeAudit(db, audit);
    return { kind: "recorded" };
  },
  "alert.list": ({ openOnly, limit }) => {
    const rows = openOnly
      ? db.all("select record from alert where state = 'open' order by seq desc limit ?", limit)
      : db.all("select record from alert order by seq desc limit ?", limit);
    return { kind: "alerts", rows: rows.map((row) => jsonOf<AlertRow>(row, "record")) };
  },

  "audit.append": ({ entries }) => {
    for (const entry of entries) writeAudit(db, entry);
    return { kind: "appended" };
  },
  "audit.read": ({ subject, limit }) => {
    const rows =
      subject === null
        ? db.all(`select ${AUDIT_COLUMNS} from audit order by seq desc limit ?`, limit)
        : db.all(`select ${AUDIT_COLUMNS} from audit where subject = ? order by seq desc limit ?`, subject, limit);
    return { kind: "audit", rows: rows.map(auditRow) };
  },

  "events.append": ({ events }) => {
    for (const { at, type, subject, data } of events) {
      db.run("insert into event (at, type, subject, data) values (?, ?, ?, ?)", whole(at), type, subject, JSON.stringify(data));
    }
    return { kind: "appended", lastSeq: numberOf(db.get("select coalesce(max(seq), 0) as seq from event") ?? {}, "seq") };
  },
  "events.read": ({ afterSeq, limit }) => ({
    kind: "events",
    rows: db.all("select * from event where seq > ? order by seq limit ?", afterSeq, limit).map(eventRow),
  }),
});

const eventRow = (row: Row): FleetEventRow => ({
  seq: numberOf(row, "seq"),
  at: numberOf(row, "at"),
  type: textOf(row, "type"),
  subject: textOf(row, "subject"),
  data: jsonOf<FleetEventRow["data"]>(row, "data"),
});
