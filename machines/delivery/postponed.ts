/** Messages to new contacts that wait until their account may begin another conversation: in the order in which they would leave. */
import type { Millis } from "../ports/ids.ts";
import { Heap, type Slotted } from "./heap.ts";
import { rankOf, type Row } from "./window-row.ts";

interface Place extends Slotted {
  readonly row: Row;
  readonly rank: Millis;
}

export class Postponed {
  readonly #heap = new Heap<Place>((a, b) => a.rank < b.rank || (a.rank === b.rank && a.row.seq < b.row.seq));
  readonly #places = new Map<Row, Place>();
  readonly #agingPerLevel: Millis;
  readonly #waits: (row: Row) => boolean;

  /** `waits`: whether a row still does. Nobody says so when it no longer does: it expired, or belongs to another seat. */
  constructor(agingPerLevel: Millis, waits: (row: Row) => boolean) {
    this.#agingPerLevel = agingPerLevel;
    this.#waits = waits;
  }

  /** Those included that have left without a word, until their turn comes. */
  get size(): number {
    return this.#places.size;
  }

  add(row: Row): void {
    if (this.#places.has(row)) return;
    const place = { row, rank: rankOf(row, this.#agingPerLevel), slot: -1 };
    this.#places.set(row, place);
    this.#heap.push(place);
  }

  /** Takes the first out; undefined: nobody waits. */
  next(): Row | undefined {
    for (let place = this.#heap.peek(); place; place = this.#heap.peek()) {
      this.#heap.remove(place);
      this.#places.delete(place.row);
      if (this.#waits(place.row)) return place.row;
    }
    return undefined;
  }

  /** Takes all out. */
  all(): Row[] {
    const rows: Row[] = [];
    for (let row = this.next(); row; row = this.next()) rows.push(row);
    return rows;
  }
}
