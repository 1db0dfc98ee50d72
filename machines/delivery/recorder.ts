/**
 * Outcomes on their way to the store: one `outbox.record` at a time, and whatever came meanwhile is the next one.
 *
 * Changes of a row keep their order; nothing is dropped. A failed record is asked again as it was (writing it twice is harmless).
 * Two changes of one row that wait together become one where nothing is lost by it.
 */
import type { ConversationId, Millis } from "../ports/ids.ts";
import type { OutboxChange } from "../ports/store.ts";
import type { Row } from "./window-row.ts";

interface Entry {
  readonly row: Row;
  change: OutboxChange;
}

export class Recorder {
  readonly #limit: number;
  readonly #batch: number;
  #waiting: Entry[] = [];
  #latest = new Map<Row, Entry>();
  #underWay: readonly Entry[] = [];
  #failures = 0;
  #retryAt: Millis | null = null;

  /** Above `limit` waiting changes nothing new should be begun; at most `batch` go at once. */
  constructor(limit: number, batch: number) {
    this.#limit = limit;
    this.#batch = batch;
  }

  get isFull(): boolean {
    return this.#waiting.length >= this.#limit;
  }

  get retryAt(): Millis | null {
    return this.#retryAt;
  }

  /** The store knows of every change. */
  get isIdle(): boolean {
    return this.#waiting.length + this.#underWay.length === 0;
  }

  /** Something about the conversation is not durable yet. */
  concerns(conversation: ConversationId): boolean {
    return [...this.#waiting, ...this.#underWay].some(({ row }) => row.conversation.id === conversation);
  }

  add(row: Row, change: OutboxChange): void {
    const last = this.#latest.get(row);
    if (last && isMergeable(last.change, change)) {
      last.change = { ...last.change, ...change };
      return;
    }
    const entry = { row, change };
    this.#waiting.push(entry);
    this.#latest.set(row, entry);
    row.unrecorded++;
  }

  /** What to ask now, if anything. */
  next(at: Millis): readonly OutboxChange[] | null {
    if (this.#underWay.length > 0) {
      if (this.#retryAt === null || at < this.#retryAt) return null;
      this.#retryAt = null;
      return this.#underWay.map((entry) => entry.change);
    }
    if (this.#waiting.length === 0) return null;
    if (this.#waiting.length <= this.#batch) {
      this.#underWay = this.#waiting;
      this.#waiting = [];
      this.#latest.clear();
    } else {
      this.#underWay = this.#waiting.slice(0, this.#batch);
      this.#waiting = this.#waiting.slice(this.#batch);
      for (const entry of this.#underWay) if (this.#latest.get(entry.row) === entry) this.#latest.delete(entry.row);
    }
    return this.#underWay.map((entry) => entry.change);
  }

  /** The record under way is durable: the rows whose changes are all known to the store now. */
  done(): Row[] {
    const known: Row[] = [];
    for (const { row } of this.#underWay) if (--row.unrecorded === 0) known.push(row);
    this.#underWay = [];
    this.#failures = 0;
    this.#retryAt = null;
    return known;
  }

  failed(at: Millis, backOff: (failures: number) => Millis): void {
    if (this.#underWay.length > 0) this.#retryAt = at + backOff(++this.#failures);
  }
}

const isMergeable = (before: OutboxChange, after: OutboxChange): boolean =>
  !before.attempt || !after.attempt || before.attempt.number === after.attempt.number;
