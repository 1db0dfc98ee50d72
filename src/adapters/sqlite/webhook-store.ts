/** Dead letters of webhooks, and their last tries. */
import type { DeadLetter, Delivery, Source, WebhookStore } from "../../webhooks/store.ts";
import type { Run } from "./api-store.ts";
import { type Database, numberOf, type Row, textOf, textOrNull } from "./database.ts";
import { whole } from "./ops/handlers.ts";

export const createWebhookStore = (run: Run): WebhookStore => ({
  begin: (readers) =>
    run((db) => {
      for (const { reader, source } of readers)
        db.run(
          `insert or ignore into cursor (reader, seq) values (?, (select coalesce(max(seq), 0) from ${source === "inbox" ? "inbox" : "event"}))`,
          reader,
        );
    }, true),
  dead: (webhook, limit, after) =>
    run(
      (db) =>
        (webhook === null
          ? db.all("select * from webhook_dead order by at, webhook, source, seq limit ?", limit)
          : db.all(
              "select * from webhook_dead where webhook = ? and (at, source, seq) > (?, ?, ?) order by at, source, seq limit ?",
              webhook,
              whole(after?.at ?? -1),
              after?.source ?? "",
              after?.seq ?? 0,
              limit,
            )
        ).map(letterOf),
      false,
    ),
  bury: ({ webhook, source, seq, type, at, tries, why }) =>
    run(
      (db) =>
        db.run(
          "insert or replace into webhook_dead (webhook, source, seq, type, at, tries, why) values (?, ?, ?, ?, ?, ?, ?)",
          webhook,
          source,
          seq,
          type,
          whole(at),
          tries,
          why,
        ),
      true,
    ),
  forget: ({ webhook, source, seq }) =>
    run(
      (db) => db.change("delete from webhook_dead where webhook = ? and source = ? and seq = ?", webhook, source, seq) > 0,
      true,
    ),
  countDead: () =>
    run((db) => {
      const rows = db.all("select webhook, count(*) as n from webhook_dead group by webhook");
      return Object.fromEntries(rows.map((row) => [textOf(row, "webhook"), numberOf(row, "n")]));
    }, false),
  logged: (webhook, limit) => run((db) => db.all(LOGGED, webhook, limit).map(deliveryOf).filter(isSane).toReversed(), false),
  log: (fresh, keep) =>
    run((db) => {
      for (const { webhook, deliveries } of fresh) {
        for (const delivery of deliveries) writeDelivery(db, webhook, delivery);
        db.run(
          "delete from webhook_log where webhook = ? and seq <= (select seq from webhook_log where webhook = ? order by seq desc limit 1 offset ?)",
          webhook,
          webhook,
          keep,
        );
      }
    }, true),
});

/** As reals: an integer that JavaScript can't have would cost the whole answer. */
const LOGGED = `select cast(at as real) as at, id, type, cast(took_ms as real) as took_ms, failure from webhook_log
  where webhook = ? order by seq desc limit ?`;
const isSane = ({ at, tookMs }: Delivery): boolean => [at, tookMs].every((ms) => Number.isSafeInteger(ms) && ms >= 0);

const writeDelivery = (db: Database, webhook: string, { at, id, type, tookMs, failure }: Delivery): void =>
  db.run(
    "insert into webhook_log (webhook, at, id, type, took_ms, failure) values (?, ?, ?, ?, ?, ?)",
    webhook,
    whole(at),
    id,
    type,
    whole(Math.max(0, tookMs)),
    failure,
  );

const deliveryOf = (row: Row): Delivery => ({
  at: numberOf(row, "at"),
  id: textOf(row, "id"),
  type: textOf(row, "type"),
  tookMs: numberOf(row, "took_ms"),
  failure: textOrNull(row, "failure"),
});

const letterOf = (row: Row): DeadLetter => ({
  webhook: textOf(row, "webhook"),
  source: textOf<Source>(row, "source"),
  seq: numberOf(row, "seq"),
  type: textOf(row, "type"),
  at: numberOf(row, "at"),
  tries: numberOf(row, "tries"),
  why: textOf(row, "why"),
});
