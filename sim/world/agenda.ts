/**
 * What will happen, by time, then by order of creation. The next few seconds lie in slots of a millisecond each, where entering and taking
 * cost the same however much waits; what is further off is in a heap until its time comes near.
 */
import type { Millis } from "../../machines/ports/ids.ts";
import { type Entry, Heap } from "./heap.ts";

/** Milliseconds with a slot of their own: most timers of a supervisor are shorter. A power of two. */
const SLOTS = 4096;
const MASK = SLOTS - 1;

export interface Item extends Entry {
  /** Behind it in its slot. */
  next: Item | null;
}

const emptySlots = (): (Item | null)[] => Array.from({ length: SLOTS }, () => null);

export class Agenda<I extends Item> {
  readonly #heads = emptySlots();
  readonly #tails = emptySlots();
  readonly #far = new Heap<I>();
  /** The first millisecond of the slots: nothing that waits is earlier. */
  #from: Millis;
  /** No slot before this one holds anything. */
  #cursor: Millis;
  /** Items in slots, cancelled ones included. */
  #near = 0;
  #cancelled = 0;

  constructor(startAt: Millis) {
    this.#from = Math.floor(startAt);
    this.#cursor = this.#from;
  }

  /** Waiting, and not cancelled. */
  get size(): number {
    return this.#near - this.#cancelled + this.#far.size;
  }

  /** Not before what was taken last. Its time must not change while it is here. */
  push(item: I): void {
    if (item.at >= this.#from + SLOTS) this.#far.push(item);
    else this.#enter(item);
  }

  /** The earliest that was not cancelled. */
  peek(): I | undefined {
    while (this.#near > 0) {
      const slot = this.#cursor & MASK;
      const head = this.#heads[slot] as I | null;
      if (head === null) this.#cursor++;
      else if (head.fire !== null) return head;
      else {
        this.#leave(slot, head);
        this.#cancelled--;
      }
    }
    return this.#far.peek();
  }

  pop(): I | undefined {
    const first = this.peek();
    if (first === undefined) return undefined;
    if (this.#near > 0) this.#leave(this.#cursor & MASK, first);
    else this.#far.pop();
    this.#moveOn(Math.floor(first.at));
    return first;
  }

  /** The item must be here and not yet cancelled. */
  cancel(item: I): void {
    if (item.at >= this.#from + SLOTS) return this.#far.cancel(item);
    item.fire = null;
    this.#cancelled++;
  }

  #enter(item: I): void {
    const at = Math.floor(item.at);
    if (at < this.#cursor) this.#cursor = at;
    this.#near++;
    const slot = at & MASK;
    const tail = this.#tails[slot] as Item | null;
    item.next = null;
    if (this.#heads[slot] === null) this.#heads[slot] = item;
    else if ((tail as Item).at <= item.at) (tail as Item).next = item;
    else return this.#insert(slot, item);
    this.#tails[slot] = item;
  }

  /** Clocks that run fast or slow make fractions of a millisecond: the slot has a later one already. */
  #insert(slot: number, item: I): void {
    let before: Item | null = null;
    let after = this.#heads[slot] as Item;
    while (after.at <= item.at) {
      before = after;
      after = after.next as Item;
    }
    item.next = after;
    if (before === null) this.#heads[slot] = item;
    else before.next = item;
  }

  #leave(slot: number, head: Item): void {
    this.#heads[slot] = head.next;
    head.next = null;
    this.#near--;
  }

  /** What comes within reach gets into its slot: first come from the heap, it is before whatever is entered there later. */
  #moveOn(to: Millis): void {
    if (to <= this.#from) return;
    this.#from = to;
    if (this.#cursor < to) this.#cursor = to;
    for (let next = this.#far.peek(); next !== undefined && next.at < to + SLOTS; next = this.#far.peek()) {
      this.#far.pop();
      this.#enter(next);
    }
  }
}
