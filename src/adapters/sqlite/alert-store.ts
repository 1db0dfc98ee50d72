/** What is owed to people, what they were told, and what they said. */
import type { Duty, Notice } from "../../../machines/alerts/notices.ts";
import type { Silence } from "../../../machines/alerts/silence.ts";
import type { AlertRow } from "../../../machines/ports/records.ts";
import type { AlertFilter, AlertHistoryRow, AlertStore, Delivery, Kept, NoticeRow } from "../../alerts/store.ts";
import type { Run } from "./api-store.ts";
import { type Database, jsonOf, numberOf, numberOrNull, type Row, textOf, textOrNull } from "./database.ts";
import { whole, wholeOrNull } from "./ops/handlers.ts";
import { openAlerts } from "./ops/records.ts";

export const createAlertStore = (run: Run): AlertStore => ({
  load: (forget) =>
    run((db) => {
      db.run(
        "delete from alert_told where notice in (select id from alert_notice where state <> 'pending' and at < ?)",
        whole(forget),
      );
      db.run("delete from alert_notice where state <> 'pending' and at < ?", whole(forget));
      db.run("delete from alert_silence where until_at < ?", whole(forget));
      const duties = db.all("select record from alert_duty").map((row) => jsonOf<Duty>(row, "record"));
      const owed = duties.flatMap(({ alert }) => alertOf(db, alert.key, alert.raisedAt) ?? []);
      return {
        duties,
        silences: db.all("select * from alert_silence order by from_at").map(silenceRow),
        alerts: [...openAlerts(db), ...owed.filter(({ state }) => state !== "open")],
        pending: db.all("select * from alert_notice where state = 'pending' order by at, id").map(noticeRow),
      };
    }, true),
  keep: (change) => run((db) => keep(db, change), true),
  attempted: ({ id, state, attempts, outcome, endedAt }) =>
    run(
      (db) =>
        db.run(
          "update alert_notice set state = ?, attempts = ?, outcome = ?, ended_at = ? where id = ?",
          state,
          attempts,
          outcome,
          wholeOrNull(endedAt),
          id,
        ),
      true,
    ),
  addSilence: ({ id, rule, subject, from, until, by, why }) =>
    run(
      (db) =>
        db.run(
          "insert into alert_silence (id, rule, subject, from_at, until_at, by, why) values (?, ?, ?, ?, ?, ?, ?)",
          id,
          rule,
          subject,
          whole(from),
          whole(until),
          by,
          why,
        ),
      true,
    ),
  endSilence: (id, at) =>
    run((db) => {
      db.run("delete from alert_silence where id = ? and from_at >= ?", id, whole(at));
      db.run("update alert_silence set until_at = min(until_at, ?) where id = ?", whole(at), id);
    }, true),
  acknowledge: ({ key, raisedAt }, at, by) =>
    run(
      (db) =>
        db.run(
          "insert or ignore into alert_ack (key, raised_at, at, by) values (?, ?, ?, ?)",
          key,
          whole(raisedAt),
          whole(at),
          by,
        ),
      true,
    ),
  history: ({ limit, ...wanted }) =>
    run((db) => alertHistory(db, wanted, Number.MAX_SAFE_INTEGER, limit).map(({ alert }) => alert), false),
  notices: ({ key, raisedAt }) =>
    run(
      (db) =>
        db
          .all(
            `select * from alert_notice where id in (select notice from alert_told where key = ? and raised_at = ?)
             order by at desc, id desc`,
            key,
            whole(raisedAt),
          )
          .map(noticeRow),
      false,
    ),
});

const alertOf = (db: Database, key: string, raisedAt: number): AlertRow | null => {
  const row = db.get("select record from alert where key = ? and raised_at = ?", key, whole(raisedAt));
  return row ? jsonOf<AlertRow>(row, "record") : null;
};

const keep = (db: Database, { duties, done, notices }: Kept): void => {
  for (const { alert } of done)
    db.run("delete from alert_duty where key = ? and raised_at = ?", alert.key, whole(alert.raisedAt));
  for (const duty of duties) {
    db.run(
      "insert or replace into alert_duty (key, raised_at, record) values (?, ?, ?)",
      duty.alert.key,
      whole(duty.alert.raisedAt),
      JSON.stringify(duty),
    );
  }
  for (const notice of notices) keepNotice(db, notice);
};

const keepNotice = (db: Database, { id, at, channel, items }: Notice): void => {
  db.run(
    "insert or ignore into alert_notice (id, at, channel, state, attempts, items) values (?, ?, ?, 'pending', 0, ?)",
    id,
    whole(at),
    channel,
    JSON.stringify(items),
  );
  for (const { key, raisedAt } of items)
    db.run("insert or ignore into alert_told (key, raised_at, notice) values (?, ?, ?)", key, whole(raisedAt), id);
};

const noticeRow = (row: Row): NoticeRow => ({
  id: textOf(row, "id"),
  at: numberOf(row, "at"),
  channel: textOf(row, "channel"),
  items: jsonOf<Notice["items"]>(row, "items"),
  state: textOf<Delivery>(row, "state"),
  attempts: numberOf(row, "attempts"),
  outcome: textOrNull(row, "outcome"),
  endedAt: numberOrNull(row, "ended_at"),
});
const silenceRow = (row: Row): Silence => ({
  id: textOf(row, "id"),
  rule: textOrNull(row, "rule"),
  subject: textOrNull(row, "subject"),
  from: numberOf(row, "from_at"),
  until: numberOf(row, "until_at"),
  by: textOf(row, "by"),
  why: textOf(row, "why"),
});

/**
 * Newest first, with their numbers; those before `before` only. As `fits` has it: a rule that ends in `.*` means all that begin so,
 * a subject means what belongs to it.
 */
export const alertHistory = (
  db: Database,
  { rule, subject, from, to, openOnly }: AlertFilter,
  before: number,
  limit: number,
): readonly { readonly seq: number; readonly alert: AlertHistoryRow }[] => {
  const prefix = rule?.endsWith(".*") ? rule.slice(0, -1) : null;
  return db
    .all(
      `select alert.seq, alert.record, alert_ack.at as acked_at, alert_ack.by as acked_by from alert
       left join alert_ack on alert_ack.key = alert.key and alert_ack.raised_at = alert.raised_at
       where alert.seq < ? and alert.raised_at >= ? and alert.raised_at < ? and (? = 0 or alert.state = 'open')
         and (? is null or json_extract(alert.record, '$.rule') = ?)
         and (? is null or substr(json_extract(alert.record, '$.rule'), 1, length(?)) = ?)
         and (? is null or json_extract(alert.record, '$.subject') = ?
              or substr(json_extract(alert.record, '$.subject'), 1, length(?) + 1) = ? || '/')
       order by alert.seq desc limit ?`,
      whole(before),
      whole(from ?? 0),
      whole(to ?? Number.MAX_SAFE_INTEGER),
      Number(openOnly),
      ...times(prefix === null ? rule : null, 2),
      ...times(prefix, 3),
      ...times(subject, 4),
      limit,
    )
    .map((row) => {
      const by = textOrNull(row, "acked_by");
      const acknowledged = by === null ? null : { at: numberOf(row, "acked_at"), by };
      return { seq: numberOf(row, "seq"), alert: { ...jsonOf<AlertRow>(row, "record"), acknowledged } };
    });
};

const times = (value: string | null, count: number): (string | null)[] => Array.from({ length: count }, () => value);
