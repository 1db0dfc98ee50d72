/**
 * What will happen, by time in whole milliseconds, then by order of creation. The next few seconds lie in slots of a millisecond each, where entering and taking
 * cost the same however much waits; what is further off is in a heap until its time comes near.
 */
import type { Millis } from "../../machines/ports/ids.ts";
import { type Entry, Heap } from "./heap.ts";

/** Milliseconds with a slot of their own: most timers of a supervisor are shorter. A power of two. */
const SLOTS = 8192;
const MASK = SLOTS - 1;

export interface Item extends Entry {
  /** Behind it in its slot. */
  next: Item | null;
}

/** Copied for each clock: ten times as fast as made. */
const EMPTY: readonly (Item | null)[] = Array.from({ length: SLOTS }, () => null);

export class Agenda<I extends Item> {
  readonly #heads = EMPTY.slice();
  readonly #tails = EMPTY.slice();
  /** A bit for each slot that holds something: between two moments of an idle fleet lie thousands that hold nothing. */
  readonly #taken = new Int32Array(SLOTS / 32);
  readonly #far = new Heap<I>();
  /** The first millisecond of the slots: nothing that waits is earlier. */
  #from: Millis;
  /** No slot before this one holds anything. */
  #cursor: Millis;
  /** Items in slots, cancelled ones included. */
  #near = 0;
  #cancelled = 0;

  constructor(startAt: Millis) {
    this.#from = startAt;
    this.#cursor = startAt;
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
      const taken = (this.#taken[slot >> 5] as number) >>> (slot & 31);
      if (taken === 0) this.#cursor += 32 - (slot & 31);
      else if ((taken & 1) === 0) this.#cursor += 31 - Math.clz32(taken & -taken);
      else {
        const head = this.#heads[slot] as I;
        if (head.fire !== null) return head;
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
    this.#moveOn(first.at);
    return first;
  }

  /** The item must be here and not yet cancelled. */
  cancel(item: I): void {
    if (item.at >= this.#from + SLOTS) return this.#far.cancel(item);
    item.fire = null;
    this.#cancelled++;
  }

  #enter(item: I): void {
    const { at } = item;
    if (at < this.#cursor) this.#cursor = at;
    this.#near++;
    const slot = at & MASK;
    item.next = null;
    if (this.#heads[slot] === null) {
      this.#heads[slot] = item;
      (this.#taken[slot >> 5] as number) |= 1 << (slot & 31);
    } else (this.#tails[slot] as Item).next = item;
    this.#tails[slot] = item;
  }

  #leave(slot: number, head: Item): void {
    this.#heads[slot] = head.next;
    if (head.next === null) (this.#taken[slot >> 5] as number) &= ~(1 << (slot & 31));
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
