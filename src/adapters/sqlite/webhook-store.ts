/** Dead letters of webhooks. */
import type { DeadLetter, Source, WebhookStore } from "../../webhooks/store.ts";
import type { Run } from "./api-store.ts";
import { numberOf, type Row, textOf } from "./database.ts";
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
