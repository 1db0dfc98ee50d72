/** Downtimes, and since when each seat is looked at. */
import type { Millis, SeatId } from "../../../machines/ports/ids.ts";
import type { Blame, Downtime } from "../../sla/meter.ts";
import type { MeasuredSeat } from "../../sla/report.ts";
import type { Run } from "./api-store.ts";
import { numberOf, numberOrNull, textOf } from "./database.ts";
import { whole } from "./ops/handlers.ts";

export interface SlaStore {
  /** All seats that are looked at from now on: those that are new begin, and those that are not among them have ended. */
  begin(seats: readonly SeatId[], at: Millis): Promise<void>;
  record(downtimes: readonly Downtime[]): Promise<void>;
  /** What reaches into the period. */
  read(from: Millis, to: Millis): Promise<{ readonly seats: readonly MeasuredSeat[]; readonly downtimes: readonly Downtime[] }>;
}

/** As reals: an integer that JavaScript can't have would cost the whole answer. */
const DOWN = `select seat, cast(from_at as real) as from_at, cast(to_at as real) as to_at, blame from downtime
  where to_at > ? and from_at < ? order by from_at`;

export const createSlaStore = (run: Run): SlaStore => ({
  begin: (seats, at) =>
    run((db) => {
      db.run(
        "update measured_seat set gone_at = ? where gone_at is null and seat not in (select value from json_each(?))",
        whole(at),
        JSON.stringify(seats),
      );
      for (const seat of seats) {
        db.run("insert or ignore into measured_seat (seat, since) values (?, ?)", seat, whole(at));
        db.run("update measured_seat set since = ?, gone_at = null where seat = ? and gone_at is not null", whole(at), seat);
      }
    }, true),
  record: (downtimes) =>
    run((db) => {
      for (const { seat, from, to, blame } of downtimes)
        db.run(
          "insert into downtime (seat, from_at, to_at, blame) values (?, ?, ?, ?) on conflict (seat, from_at) do update set to_at = max(to_at, excluded.to_at)",
          seat,
          whole(from),
          whole(to),
          blame,
        );
    }, true),
  read: (from, to) =>
    run((db) => {
      const seats = db.all("select * from measured_seat order by seat");
      const rows = db.all(DOWN, whole(from), whole(to));
      return {
        seats: seats.map((row) => ({
          seat: textOf<SeatId>(row, "seat"),
          since: numberOf(row, "since"),
          goneAt: numberOrNull(row, "gone_at"),
        })),
        downtimes: rows.map((row) => ({
          seat: textOf<SeatId>(row, "seat"),
          from: numberOf(row, "from_at"),
          to: numberOf(row, "to_at"),
          blame: textOf<Blame>(row, "blame"),
        })),
      };
    }, false),
});
