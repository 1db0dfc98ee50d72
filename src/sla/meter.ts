/**
 * When seats were down: while an accepted message, neither paced nor held, waits for more than PATIENCE for WhatsApp's word.
 *
 * It is looked at each second. A downtime begins when the message's patience ended, even if nobody looked then: so what a stop or
 * a crash of the supervisor cost is counted at the next start. It ends at the look that finds nothing overdue, a second late at most.
 */
import type { Millis, SeatId } from "../../machines/ports/ids.ts";
import type { Span } from "./spans.ts";

export const PATIENCE: Millis = 10_000;

/**
 * Whose fault it is. `seat`: ours. `outage`: WhatsApp as a whole, or our way to it: nobody could have stood in. `maintenance`: an
 * operator had paused automatic failover.
 */
export type Blame = "seat" | "outage" | "maintenance";
export interface Downtime extends Span {
  readonly seat: SeatId;
  readonly blame: Blame;
}
interface Open {
  readonly from: Millis;
  readonly blame: Blame;
}

export class DowntimeMeter {
  readonly #open = new Map<SeatId, Open>();

  /** `oldest`: when the oldest message that a seat owes was accepted; null if it owes none. Returns what has ended. */
  look(at: Millis, oldest: ReadonlyMap<SeatId, Millis | null>, blame: Blame): Downtime[] {
    const ended: Downtime[] = [];
    for (const [seat, accepted] of oldest) {
      const open = this.#open.get(seat);
      const overdueAt = accepted === null ? null : accepted + PATIENCE;
      const isDown = overdueAt !== null && overdueAt < at;
      if (open && (!isDown || open.blame !== blame)) {
        ended.push({ seat, from: open.from, to: at, blame: open.blame });
        this.#open.delete(seat);
      }
      if (isDown && !this.#open.has(seat)) this.#open.set(seat, { from: open ? at : overdueAt, blame });
    }
    // A seat that is no longer declared owes nothing to anybody.
    for (const [seat, open] of this.#open) {
      if (oldest.has(seat)) continue;
      ended.push({ seat, from: open.from, to: at, blame: open.blame });
      this.#open.delete(seat);
    }
    return ended.filter(({ from, to }) => to > from);
  }

  /** What has not ended, as of `at`. */
  underWay(at: Millis): Downtime[] {
    return [...this.#open].map(([seat, { from, blame }]) => ({ seat, from, to: at, blame }));
  }
}
