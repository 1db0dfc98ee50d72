/** One thing that will happen. `fire` is null once it was cancelled: it then only waits to be thrown away. */
export interface Entry {
  at: number;
  seq: number;
  fire: (() => void) | null;
}

const before = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.seq < b.seq);

/**
 * A 4-ary heap by time, then by order of creation. Cancelling only marks an entry (most timers of a supervisor are cancelled,
 * and soon), so it costs nothing; when the marked ones are the majority the heap is rebuilt without them.
 */
export class Heap<E extends Entry> {
  #items: E[] = [];
  #cancelled = 0;

  get size(): number {
    return this.#items.length - this.#cancelled;
  }

  push(entry: E): void {
    const items = this.#items;
    let i = items.length;
    items.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 2;
      const above = items[parent] as E;
      if (!before(entry, above)) break;
      items[i] = above;
      i = parent;
    }
    items[i] = entry;
  }

  /** The earliest entry that was not cancelled. */
  peek(): E | undefined {
    let top = this.#items[0];
    while (top !== undefined && top.fire === null) {
      this.#removeTop();
      this.#cancelled--;
      top = this.#items[0];
    }
    return top;
  }

  pop(): E | undefined {
    const top = this.peek();
    if (top !== undefined) this.#removeTop();
    return top;
  }

  /** The entry must be in the heap and not yet cancelled. */
  cancel(entry: E): void {
    entry.fire = null;
    this.#cancelled++;
    if (this.#cancelled > 256 && this.#cancelled * 2 > this.#items.length) this.#rebuild();
  }

  #removeTop(): void {
    const items = this.#items;
    const last = items.pop() as E;
    if (items.length > 0) this.#sink(last, 0);
  }

  #sink(entry: E, from: number): void {
    const items = this.#items;
    const length = items.length;
    let i = from;
    for (;;) {
      const first = 4 * i + 1;
      if (first >= length) break;
      let best = first;
      const end = Math.min(first + 4, length);
      for (let child = first + 1; child < end; child++) {
        if (before(items[child] as E, items[best] as E)) best = child;
      }
      const below = items[best] as E;
      if (!before(below, entry)) break;
      items[i] = below;
      i = best;
    }
    items[i] = entry;
  }

  #rebuild(): void {
    this.#items = this.#items.filter((entry) => entry.fire !== null);
    this.#cancelled = 0;
    for (let i = (this.#items.length - 2) >> 2; i >= 0; i--) this.#sink(this.#items[i] as E, i);
  }
}
