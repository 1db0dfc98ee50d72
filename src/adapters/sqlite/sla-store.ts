/** Downtimes, and since when each seat is looked at. */
import type { Millis, SeatId } from "../../../machines/ports/ids.ts";
import type { Blame, Downtime } from "../../sla/meter.ts";
import type { MeasuredSeat } from "../../sla/report.ts";
import type { Run } from "./api-store.ts";
import { numberOf, textOf } from "./database.ts";
import { whole } from "./ops/handlers.ts";

export interface SlaStore {
  /** Seats that are looked at from now on, unless they are already. Those that are gone keep their time. */
  begin(seats: readonly SeatId[], at: Millis): Promise<void>;
  record(downtimes: readonly Downtime[]): Promise<void>;
  /** What reaches into the period. */
  read(from: Millis, to: Millis): Promise<{ readonly seats: readonly MeasuredSeat[]; readonly downtimes: readonly Downtime[] }>;
}

export const createSlaStore = (run: Run): SlaStore => ({
  begin: (seats, at) =>
    run((db) => {
      for (const seat of seats) db.run("insert or ignore into measured_seat (seat, since) values (?, ?)", seat, whole(at));
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
      const seats = db.all("select seat, since from measured_seat order by seat");
      const rows = db.all("select * from downtime where to_at > ? and from_at < ? order by from_at", whole(from), whole(to));
      return {
        seats: seats.map((row) => ({ seat: textOf<SeatId>(row, "seat"), since: numberOf(row, "since") })),
        downtimes: rows.map((row) => ({
          seat: textOf<SeatId>(row, "seat"),
          from: numberOf(row, "from_at"),
          to: numberOf(row, "to_at"),
          blame: textOf<Blame>(row, "blame"),
        })),
      };
    }, false),
});
