/** How seats did, minute by minute: written in a lane of its own, and forgotten in time. */
import type { PerformanceRow } from "../../../../machines/ports/store.ts";
import { numberOf, numberOrNull, type Row, textOf } from "../database.ts";
import { whole, wholeOrNull, type Bench, type Handlers } from "./handlers.ts";

export const performanceOps = ({ db }: Bench): Pick<Handlers, "performance.append" | "performance.read"> => ({
  "performance.append": ({ rows, dropBefore }) => {
    for (const { at, line, seat, account, strategy, begun, sent, acked, failed, p50, p99 } of rows) {
      db.run(
        `insert or replace into performance (at, line, seat, account, strategy, begun, sent, acked, failed, p50, p99)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        whole(at),
        line,
        seat,
        account,
        strategy,
        begun,
        sent,
        acked,
        failed,
        wholeOrNull(p50),
        wholeOrNull(p99),
      );
    }
    db.run("delete from performance where at < ?", whole(dropBefore));
    return { kind: "appended" };
  },
  "performance.read": ({ line, since }) => ({
    kind: "performance",
    rows: db
      .all(`select ${COLUMNS} from performance where at >= ? and line = ? order by at, seat, account`, whole(since), line)
      .map(performanceRow),
  }),
});

/** Numbers as reals: one that no integer of JavaScript can be would cost the answer about all the others. */
const NUMBERS = ["at", "begun", "sent", "acked", "failed", "p50", "p99"];
const COLUMNS = ["line, seat, account, strategy", ...NUMBERS.map((name) => `cast(${name} as real) as ${name}`)].join();

const performanceRow = (row: Row): PerformanceRow => ({
  at: numberOf(row, "at"),
  line: textOf<PerformanceRow["line"]>(row, "line"),
  seat: textOf<PerformanceRow["seat"]>(row, "seat"),
  account: textOf<PerformanceRow["account"]>(row, "account"),
  strategy: textOf(row, "strategy"),
  begun: numberOf(row, "begun"),
  sent: numberOf(row, "sent"),
  acked: numberOf(row, "acked"),
  failed: numberOf(row, "failed"),
  p50: numberOrNull(row, "p50"),
  p99: numberOrNull(row, "p99"),
});
