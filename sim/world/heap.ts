/** One thing that will happen. `fire` is null once it was cancelled: it then only waits to be thrown away. */
export interface Entry {
  at: number;
  seq: number;
  fire: (() => void) | null;
}

/**
 * A 4-ary heap by time, then by order of creation. Cancelling only marks an entry (most timers of a supervisor are cancelled,
 * and soon), so it costs nothing; when the marked ones are the majority the heap is rebuilt without them.
 * The times stand in a list of their own, so that comparing them touches no entry.
 */
export class Heap<E extends Entry> {
  #items: E[] = [];
  #times: number[] = [];
  #cancelled = 0;

  get size(): number {
    return this.#items.length - this.#cancelled;
  }

  /** Its time must not change while it is here. */
  push(entry: E): void {
    const items = this.#items;
    const times = this.#times;
    const { at, seq } = entry;
    let i = items.length;
    items.push(entry);
    times.push(at);
    while (i > 0) {
      const parent = (i - 1) >> 2;
      const above = times[parent] as number;
      if (at > above || (at === above && seq > (items[parent] as E).seq)) break;
      items[i] = items[parent] as E;
      times[i] = above;
      i = parent;
    }
    items[i] = entry;
    times[i] = at;
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
    const last = this.#items.pop() as E;
    const at = this.#times.pop() as number;
    if (this.#items.length > 0) this.#sink(last, at, 0);
  }

  #sink(entry: E, at: number, from: number): void {
    const items = this.#items;
    const times = this.#times;
    const length = items.length;
    let i = from;
    for (;;) {
      const first = 4 * i + 1;
      if (first >= length) break;
      let best = first;
      let bestAt = times[first] as number;
      const end = Math.min(first + 4, length);
      for (let child = first + 1; child < end; child++) {
        const childAt = times[child] as number;
        if (childAt > bestAt || (childAt === bestAt && (items[child] as E).seq > (items[best] as E).seq)) continue;
        best = child;
        bestAt = childAt;
      }
      if (bestAt > at || (bestAt === at && (items[best] as E).seq > entry.seq)) break;
      items[i] = items[best] as E;
      times[i] = bestAt;
      i = best;
    }
    items[i] = entry;
    times[i] = at;
  }

  #rebuild(): void {
    this.#items = this.#items.filter((entry) => entry.fire !== null);
    this.#times = this.#items.map(({ at }) => at);
    this.#cancelled = 0;
    for (let i = (this.#items.length - 2) >> 2; i >= 0; i--) this.#sink(this.#items[i] as E, this.#times[i] as number, i);
  }
}
