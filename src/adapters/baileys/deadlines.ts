/** Many short deadlines on one timer: those of the same 20 ms fire together, none early. */
import type { Clock } from "../../../machines/ports/clock.ts";
import type { Millis } from "../../../machines/ports/ids.ts";

const SLOT: Millis = 20;

export interface Deadline {
  cancel(): void;
}

export class Deadlines {
  readonly #clock: Clock;
  readonly #slots = new Map<number, Set<() => void>>();
  #timer: { readonly handle: unknown; readonly slot: number } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Number of deadlines not yet reached. */
  get size(): number {
    let size = 0;
    for (const slot of this.#slots.values()) size += slot.size;
    return size;
  }

  add(after: Millis, fire: () => void): Deadline {
    const slot = Math.ceil((this.#clock.now() + after) / SLOT);
    const members = this.#slots.get(slot) ?? new Set();
    this.#slots.set(slot, members);
    const entry = (): void => fire();
    members.add(entry);
    this.#arm();
    return {
      cancel: () => {
        if (members.delete(entry) && members.size === 0 && this.#slots.get(slot) === members) this.#slots.delete(slot);
      },
    };
  }

  clear(): void {
    this.#slots.clear();
    if (this.#timer) this.#clock.clearTimeout(this.#timer.handle);
    this.#timer = null;
  }

  #arm(): void {
    if (this.#slots.size === 0) return;
    let first = Number.POSITIVE_INFINITY;
    for (const slot of this.#slots.keys()) if (slot < first) first = slot;
    if (this.#timer && this.#timer.slot <= first) return;
    if (this.#timer) this.#clock.clearTimeout(this.#timer.handle);
    const after = Math.max(0, first * SLOT - this.#clock.now());
    this.#timer = { slot: first, handle: this.#clock.setTimeout(() => this.#sweep(), after) };
  }

  #sweep(): void {
    this.#timer = null;
    const now = this.#clock.now();
    for (const [slot, members] of this.#slots) {
      if (slot * SLOT > now) continue;
      this.#slots.delete(slot);
      for (const fire of members) fire();
    }
    this.#arm();
  }
}
