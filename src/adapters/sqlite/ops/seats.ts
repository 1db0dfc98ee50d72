/** The failover itself: compare-and-set of one row, with its record and its audit entry in the same transaction. */
import type { SeatId } from "../../../../machines/ports/ids.ts";
import type { SeatRow } from "../../../../machines/ports/store.ts";
import type { Database } from "../database.ts";
import { seatRow } from "./fleet.ts";
import type { Bench, Handlers } from "./handlers.ts";
import { writeAudit, writeFailover } from "./records.ts";

const readSeat = (db: Database, seat: SeatId): SeatRow => {
  const row = db.get("select * from seat where id = ?", seat);
  if (!row) throw new Error(`seat ${seat} was never declared`);
  return seatRow(row);
};

export const seatOps = ({ db }: Bench): Pick<Handlers, "seat.change" | "seat.settle"> => ({
  "seat.change": ({ seat, expect, holder, phase, failover, audit }) => {
    const changed = db.change(
      "update seat set holder = ?, phase = ?, term = term + 1 where id = ? and term = ?",
      holder,
      phase,
      seat,
      expect,
    );
    if (changed === 0) return { kind: "conflict", row: readSeat(db, seat) };
    if (failover) writeFailover(db, failover);
    writeAudit(db, audit);
    return { kind: "changed", row: readSeat(db, seat) };
  },
  "seat.settle": ({ seat, term, phase, failover, audit }) => {
    const changed = db.change("update seat set phase = ? where id = ? and term = ?", phase, seat, term);
    if (changed === 0) return { kind: "conflict", row: readSeat(db, seat) };
    if (failover) writeFailover(db, failover);
    if (audit) writeAudit(db, audit);
    return { kind: "changed", row: readSeat(db, seat) };
  },
});
