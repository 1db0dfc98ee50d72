/** Old rows of the inbox and of the events, as far as everybody who reads them has passed, and old tries of webhooks. */
import type { RetentionStore } from "../../runtime/retention.ts";
import type { Source } from "../../webhooks/store.ts";
import type { Run } from "./api-store.ts";
import { type Database, numberOf, textOf } from "./database.ts";
import { whole } from "./ops/handlers.ts";

const TABLES = {
  inbox: { table: "inbox", at: "received_at" },
  events: { table: "event", at: "at" },
} as const satisfies Record<Source, object>;
/** As webhooks name the readers of what is no message; all others read the inbox. */
const OF_EVENTS = /^webhook:.*:events$/;

export const createRetentionStore = (run: Run): RetentionStore => ({
  prune: ({ source, before, readers }, limit) =>
    run((db) => {
      const { table, at } = TABLES[source];
      const rows = db.all(
        `select seq, ${at} as at from ${table} where seq <= ? order by seq limit ?`,
        passedBy(db, source, readers, table),
        limit,
      );
      // They are numbered as they come, so the first that is young ends it: nothing looks through the whole table.
      const young = rows.findIndex((row) => numberOf(row, "at") >= whole(before));
      const last = rows.at(young < 0 ? -1 : young - 1);
      if (!last || young === 0) return 0;
      return db.change(`delete from ${table} where seq <= ?`, numberOf(last, "seq"));
    }, true),
  forgetDeliveries: (before) => run((db) => db.run("delete from webhook_log where at < ?", whole(before)), true),
});

/** The last row that all have passed. The newest stays: the next one takes its number from it. */
const passedBy = (db: Database, source: Source, isReader: (name: string) => boolean, table: string): number => {
  const newest = numberOf(db.get(`select coalesce(max(seq), 0) as seq from ${table}`) ?? {}, "seq");
  const places = db
    .all("select reader, seq from cursor")
    .filter((row) => {
      const reader = textOf(row, "reader");
      return OF_EVENTS.test(reader) === (source === "events") && isReader(reader);
    })
    .map((row) => numberOf(row, "seq"));
  return Math.min(newest - 1, ...places);
};
