/**
 * One direction of one link: first in, first out, with a delay and a gate.
 *
 * TCP loses nothing and reorders nothing, so every fault of the path is one of these two: frames come late, or they do not come.
 */
export interface Flow {
  /** Nothing passes; what arrives waits. */
  readonly held: boolean;
  /** Milliseconds for the next item. */
  readonly delay: (() => number) | undefined;
  /** What waits comes through afterwards even if its sender has left in the meantime. */
  readonly keeps?: boolean;
}

export const FREE: Flow = { held: false, delay: undefined };
export const HELD: Flow = { held: true, delay: undefined };

export class Lane<T> {
  private readonly waiting: Array<{ readonly item: T; readonly since: number; readonly due: number }> = [];
  private flow: Flow = FREE;
  private lastDue = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly emit: (item: T) => void;
  private readonly waited: ((ms: number) => void) | undefined;

  /** `waited` is told how long an item was really kept, our own lateness included. */
  constructor(emit: (item: T) => void, waited?: (ms: number) => void) {
    this.emit = emit;
    this.waited = waited;
  }

  get held(): boolean {
    return this.flow.held;
  }

  get keeps(): boolean {
    return this.flow.keeps ?? false;
  }

  /** A delay counts from this moment, whatever waits already: delays of a queue do not add up, but nothing overtakes. */
  push(item: T, late = 0): void {
    const { held, delay } = this.flow;
    if (!held && !delay && late === 0 && this.waiting.length === 0) {
      this.emit(item);
      return;
    }
    const since = performance.now();
    this.lastDue = Math.max(this.lastDue, since + late + (delay ? delay() : 0));
    this.waiting.push({ item, since, due: this.lastDue });
    this.arm();
  }

  set(flow: Flow): void {
    this.flow = flow;
    this.arm();
  }

  /** Forgets what waits: the link is gone. */
  clear(): void {
    this.waiting.length = 0;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private arm(): void {
    if (this.flow.held) {
      clearTimeout(this.timer);
      this.timer = undefined;
      return;
    }
    const head = this.waiting[0];
    if (!head || this.timer) return;
    this.timer = setTimeout(() => this.drain(), Math.max(0, head.due - performance.now()));
  }

  private drain(): void {
    this.timer = undefined;
    const now = performance.now() + 0.5;
    while (!this.flow.held && this.waiting[0] && this.waiting[0].due <= now) {
      const next = this.waiting.shift();
      if (!next) break;
      this.waited?.(now - next.since);
      this.emit(next.item);
    }
    this.arm();
  }
}
