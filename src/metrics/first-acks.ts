/**
 * When a seat's new holder was first heard: from the last sign of life of the old one to the first acknowledgement under the new term. The
 * acknowledgement may come before or after the failover's record has ended, so whichever is second tells.
 */
import type { ConnectionCommand } from "../../machines/ports/connection.ts";
import type { Millis, SeatId, SeatTerm } from "../../machines/ports/ids.ts";
import type { FailoverRecord } from "../../machines/ports/records.ts";

/** A seat that nobody had anything to say through says nothing about its failover. */
const WITHIN: Millis = 30_000;

export class FirstAcks {
  readonly #tell: (cause: FailoverRecord["cause"], took: Millis) => void;
  readonly #acked = new Map<SeatId, { readonly term: SeatTerm; readonly at: Millis }>();
  readonly #ended = new Map<SeatId, FailoverRecord>();

  constructor(tell: (cause: FailoverRecord["cause"], took: Millis) => void) {
    this.#tell = tell;
  }

  acked({ seat, term }: Pick<Extract<ConnectionCommand, { op: "send" }>, "seat" | "term">, at: Millis): void {
    if ((this.#acked.get(seat)?.term ?? 0) >= term) return;
    this.#acked.set(seat, { term, at });
    this.#join(seat);
  }

  ended(record: FailoverRecord): void {
    if (record.outcome !== "inService") return;
    this.#ended.set(record.seat, record);
    this.#join(record.seat);
  }

  #join(seat: SeatId): void {
    const [acked, record] = [this.#acked.get(seat), this.#ended.get(seat)];
    if (!acked || !record || acked.term !== record.termAfter) return;
    this.#ended.delete(seat);
    if (acked.at <= record.detectedAt + WITHIN)
      this.#tell(record.cause, Math.max(0, acked.at - (record.lastEvidenceAt ?? record.detectedAt)));
  }
}
