/**
 * Where the journal goes in production: to the store, in batches of its own, and never more than `keep` newest records.
 *
 * The journal is for looking back; nobody waits for it. If the store can't take it, records are dropped (counted), not queued.
 */
import type { JournalRecord } from "../../machines/driver/journal.ts";
import type { RequestId } from "../../machines/ports/ids.ts";
import type { JournalEntry, StorePort } from "../../machines/ports/store.ts";

/** Milliseconds between batches: what a kill -9 may cost the journal. */
const EVERY = 250;
/** Records that may wait; more means that the store is out of reach. */
const MAX_WAITING = 20_000;

export class JournalLog {
  readonly #store: StorePort;
  readonly #keep: number;
  readonly #life: string;
  #waiting: JournalEntry[] = [];
  #timer: NodeJS.Timeout | undefined;
  #batch = 0;
  dropped = 0;

  constructor(store: StorePort, life: string, keep: number) {
    this.#store = store;
    this.#life = life;
    this.#keep = keep;
  }

  write(record: JournalRecord): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.dropped++;
      return;
    }
    this.#waiting.push({ seq: record.n, line: JSON.stringify(record) });
    this.#timer ??= setTimeout(() => this.flush(), EVERY).unref();
  }

  flush(done?: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const entries = this.#waiting;
    if (entries.length === 0) return done?.();
    this.#waiting = [];
    const reqId = `${this.#life}:j${++this.#batch}` as RequestId;
    this.#store.ask({ op: "journal.append", reqId, entries, keep: this.#keep }, (answer) => {
      if (answer.kind === "failed") this.dropped += entries.length;
      done?.();
    });
  }
}
