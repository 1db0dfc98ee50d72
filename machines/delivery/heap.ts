/** A binary heap whose members know their place, so that any one can be taken out in O(log n). A member is in one heap at most. */

export interface Slotted {
  /** Place in the heap, -1 when out of it. Only the heap writes it. */
  slot: number;
}

export class Heap<T extends Slotted> {
  readonly #items: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  /** `before` must be a strict total order, and must not change for a member while it is in. */
  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#items.push(item);
    this.#rise(item, this.#items.length - 1);
  }

  /** Nothing happens if it is not in. */
  remove(item: T): void {
    const { slot } = item;
    if (slot < 0) return;
    item.slot = -1;
    const last = this.#items.pop() as T;
    if (last === item) return;
    if (slot > 0 && this.#before(last, this.#items[(slot - 1) >> 1] as T)) this.#rise(last, slot);
    else this.#sink(last, slot);
  }

  #rise(item: T, from: number): void {
    let slot = from;
    while (slot > 0) {
      const up = (slot - 1) >> 1;
      const parent = this.#items[up] as T;
      if (!this.#before(item, parent)) break;
      this.#put(parent, slot);
      slot = up;
    }
    this.#put(item, slot);
  }

  #sink(item: T, from: number): void {
    const { length } = this.#items;
    let slot = from;
    for (;;) {
      let down = 2 * slot + 1;
      if (down >= length) break;
      if (down + 1 < length && this.#before(this.#items[down + 1] as T, this.#items[down] as T)) down++;
      const child = this.#items[down] as T;
      if (!this.#before(child, item)) break;
      this.#put(child, slot);
      slot = down;
    }
    this.#put(item, slot);
  }

  #put(item: T, slot: number): void {
    this.#items[slot] = item;
    item.slot = slot;
  }
}
