/**
 * Where the journal goes in production: to the store, in batches of its own, and never more than `keep` newest records.
 *
 * The journal is for looking back; nobody waits for it. If the store can't take it, records are dropped (counted), not queued.
 * Numbers go on where the former life's ended: what led to a crash is worth most after it.
 */
import type { JournalRecord } from "../../machines/driver/journal.ts";
import type { RequestId } from "../../machines/ports/ids.ts";
import type { JournalEntry, StorePort } from "../../machines/ports/store.ts";

/** Milliseconds between batches: what a kill -9 may cost the journal. */
const EVERY = 250;
/** Records that may wait; more means that the store is out of reach. */
const MAX_WAITING = 20_000;
const MAX_NUMBER = 2 ** 52;

export class JournalLog {
  readonly #store: StorePort;
  readonly #keep: number;
  readonly #life: string;
  #waiting: JournalRecord[] = [];
  #timer: NodeJS.Timeout | undefined;
  #requests = 0;
  /** Number of the newest record of former lives; undefined until somebody looked. */
  #base: number | undefined;
  dropped = 0;

  constructor(store: StorePort, life: string, keep: number) {
    this.#store = store;
    this.#life = life;
    this.#keep = keep;
  }

  /** Records of one life, numbered from 1. */
  write(record: JournalRecord): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.dropped++;
      return;
    }
    this.#waiting.push(record);
    this.#timer ??= setTimeout(() => this.flush(), EVERY).unref();
  }

  flush(done?: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const records = this.#waiting;
    if (records.length === 0) return done?.();
    this.#waiting = [];
    if (this.#base !== undefined) return this.#append(records, this.#base, done);
    this.#findNewest((newest) => {
      this.#base ??= newest;
      this.#append(records, this.#base, done);
    });
  }

  #append(records: readonly JournalRecord[], base: number, done: (() => void) | undefined): void {
    const entries = records.map((record): JournalEntry => {
      const n = base + record.n;
      return { seq: n, line: JSON.stringify({ ...record, n }) };
    });
    this.#store.ask({ op: "journal.append", reqId: this.#nextRequest(), entries, keep: this.#keep }, (answer) => {
      if (answer.kind === "failed") this.dropped += entries.length;
      done?.();
    });
  }

  /** Doubles until nothing comes after, then halves: a hundred short questions at most. A store that can't say counts as empty. */
  #findNewest(found: (newest: number) => void): void {
    const search = (low: number, high: number): void => {
      if (low >= high) return found(low);
      const middle = low + Math.floor((high - low) / 2);
      this.#hasAfter(middle, (more) => (more ? search(middle + 1, high) : search(low, middle)));
    };
    const double = (low: number, high: number): void =>
      this.#hasAfter(high, (more) => (more && high < MAX_NUMBER ? double(high + 1, high * 2) : search(low, high)));
    this.#hasAfter(0, (more) => (more ? double(1, 1024) : found(0)));
  }

  #hasAfter(afterSeq: number, told: (more: boolean) => void): void {
    this.#store.ask({ op: "journal.read", reqId: this.#nextRequest(), afterSeq, limit: 1 }, (answer) => {
      told(answer.kind === "journal" && answer.entries.length > 0);
    });
  }

  #nextRequest(): RequestId {
    return `${this.#life}:j${++this.#requests}` as RequestId;
  }
}
