/** The journal: chart inputs for a later replay, capped, in a lane of its own. */
import { numberOf, textOf } from "../database.ts";
import type { Bench, Handlers } from "./handlers.ts";

export const journalOps = ({ db, maxJournal }: Bench): Pick<Handlers, "journal.append" | "journal.read"> => ({
  "journal.append": ({ entries, keep }) => {
    for (const { seq, line } of entries) {
      db.run("insert into journal (seq, line) values (?, ?) on conflict (seq) do update set line = excluded.line", seq, line);
    }
    db.run("delete from journal where seq <= (select max(seq) from journal) - ?", Math.min(keep, maxJournal));
    return { kind: "appended" };
  },
  "journal.read": ({ afterSeq, limit }) => ({
    kind: "journal",
    entries: db
      .all("select seq, line from journal where seq > ? order by seq limit ?", afterSeq, limit)
      .map((row) => ({ seq: numberOf(row, "seq"), line: textOf(row, "line") })),
  }),
});
