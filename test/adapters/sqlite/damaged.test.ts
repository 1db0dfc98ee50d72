/** Rows that we never wrote: one of them costs no answer about the others. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import type { SqliteStore } from "../../../src/adapters/sqlite/store.ts";
import { saneRows } from "../../../src/metrics/sane-rows.ts";
import { line, performance, seat } from "../../conformance/store-kit.ts";
import { asking, makeFolder, open } from "./rig.ts";

/** A store after what `before` asked of it, with what `damage` does to the file. */
const damaged = async (before: (store: SqliteStore) => Promise<unknown>, damage: string): Promise<SqliteStore> => {
  const file = join(makeFolder(), "fleet.db");
  const store = open(file);
  await before(store);
  store.close();
  const db = new DatabaseSync(file);
  db.exec(damage);
  db.close();
  return open(file);
};
/** No number of JavaScript is that one. */
const HUGE = "9007199254740993";

it.each(["at", "sent", "p99"])("a minute whose %s is beyond all numbers is told apart from the others", async (column) => {
  const rows = [performance(1000, "sales-1"), performance(2000, "sales-1")];
  const store = await damaged(
    (port) => asking(port).expect("appended", { op: "performance.append", rows, dropBefore: 0 }),
    `update performance set ${column} = ${HUGE} where at = 2000`,
  );
  const answer = await asking(store).expect("performance", { op: "performance.read", line: line("sales"), since: 0 });
  expect(saneRows(answer.rows, 3000)).toEqual({ rows: rows.slice(0, 1), damaged: 1 });
});

it("a downtime that never ends leaves the others to be read", async () => {
  const down = { seat: seat("sales/sales-1"), from: 1000, to: 2000, blame: "seat" as const };
  const store = await damaged(
    (port) => port.sla.record([down, { ...down, from: 3000, to: 4000 }]),
    `update downtime set to_at = ${HUGE} where from_at = 3000`,
  );
  expect((await store.sla.read(0, 10_000)).downtimes).toMatchObject([down, { from: 3000 }]);
});
