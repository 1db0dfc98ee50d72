/**
 * The simulator's time. It steps to each due moment, ties in order of creation, so that chained timers unfold as they would.
 *
 * A node sees it through a view of its own (`clock.node(id)`): with skew, with timers that fire late, and with an event loop
 * that can stall. While it stalls nothing of that node runs; afterwards the timers that fell due run first, by due time, and
 * then what the network brought: the order of libuv, and the reason why a supervisor that was asleep accuses the innocent.
 */
import type { Clock } from "../../machines/ports/clock.ts";
import type { Millis, NodeId } from "../../machines/ports/ids.ts";
import { Agenda, type Item } from "./agenda.ts";

interface Timer extends Item {
  readonly owner: View | null;
  /** Brought by the network, not by a timer of the node. */
  readonly io: boolean;
  /** On the agenda: may be cancelled there. Held by a stalled node or gone: only marked. */
  queued: boolean;
}

export interface NodeClock extends Clock {
  readonly id: NodeId;
  /** False once stopped: then nothing of this node ever runs again. A restarted node gets a new view. */
  readonly alive: boolean;
  /** True while the event loop is stalled. */
  readonly stalled: boolean;
  /** Something from outside reaches the node's event loop `after` true milliseconds from now: skew does not bend it. */
  arrive(fire: () => void, after: Millis): unknown;
  /** Nothing of the node runs for `length` ms from now. Overlapping stalls end with the last one. */
  stall(length: Millis): void;
  /** Each timer that falls due from now on fires later by what `draw` says. Null: punctual again. */
  delayTimers(draw: (() => Millis) | null): void;
  /**
   * From now on the node's clock runs `rate` times as fast. Its system clock is stepped to `offset` ms ahead (negative: behind), which a
   * running node does not see: it counts from its start by a monotonic clock (src/runtime/clock.ts). The next start shows it.
   */
  skew(offset: Millis, rate?: number): void;
  /** The process is gone: timers and arrivals are forgotten. */
  stop(): void;
}

export interface WorldClock extends Clock {
  /** The view of a node; a new one after the last was stopped. */
  node(id: NodeId): NodeClock;
  /** Fires the next due entry; false if there is none. */
  step(): boolean;
  /** Fires everything due up to and including `until`, leaves the time there, and says how many fired. */
  run(until: Millis): number;
  /** Runs until `done` holds (asked after each firing) or `until` is reached; says whether it holds. */
  runUntil(done: () => boolean, until: Millis): boolean;
  /** Entries waiting to fire. */
  readonly pending: number;
  readonly fired: number;
}

/** So many firings within one millisecond mean that the world goes round in circles without time passing. */
const NO_PROGRESS = 1_000_000;

export const createClock = (startAt: Millis = 0): WorldClock => new World(startAt);

class World implements WorldClock {
  #now: Millis;
  #seq = 0;
  #fired = 0;
  #atThisInstant = 0;
  readonly #agenda: Agenda<Timer>;
  readonly #views = new Map<NodeId, View>();
  /** How far the system clocks of nodes are off. */
  readonly #steps = new Map<NodeId, Millis>();

  constructor(startAt: Millis) {
    this.#now = startAt;
    this.#agenda = new Agenda(startAt);
  }

  now(): Millis {
    return this.#now;
  }

  get pending(): number {
    return this.#agenda.size;
  }

  get fired(): number {
    return this.#fired;
  }

  setTimeout(fire: () => void, after: Millis): unknown {
    return this.enter(fire, this.#now + Math.max(0, after), null, false);
  }

  clearTimeout(timer: unknown): void {
    const entry = timer as Timer | null | undefined;
    if (!entry || entry.fire === null) return;
    if (entry.queued) this.#agenda.cancel(entry);
    else entry.fire = null;
  }

  node(id: NodeId): NodeClock {
    const known = this.#views.get(id);
    if (known?.alive) return known;
    const view = new View(id, this, this.#steps.get(id) ?? 0);
    this.#views.set(id, view);
    return view;
  }

  setSystemClock(id: NodeId, offset: Millis): void {
    this.#steps.set(id, offset);
  }

  step(): boolean {
    const next = this.#agenda.pop();
    if (next === undefined) return false;
    this.#fire(next);
    return true;
  }

  run(until: Millis): number {
    const before = this.#fired;
    for (let next = this.#agenda.peek(); next !== undefined && next.at <= until; next = this.#agenda.peek()) {
      this.#agenda.pop();
      this.#fire(next);
    }
    if (until > this.#now) this.#advance(until);
    return this.#fired - before;
  }

  runUntil(done: () => boolean, until: Millis): boolean {
    if (done()) return true;
    for (let next = this.#agenda.peek(); next !== undefined && next.at <= until; next = this.#agenda.peek()) {
      this.#agenda.pop();
      this.#fire(next);
      if (done()) return true;
    }
    if (until > this.#now) this.#advance(until);
    return done();
  }

  /** In whole milliseconds, and none too early. */
  enter(fire: () => void, at: Millis, owner: View | null, io: boolean): Timer {
    const timer: Timer = { at: Math.ceil(at), seq: this.#seq++, fire, owner, io, queued: true, next: null };
    this.#agenda.push(timer);
    return timer;
  }

  /** A held timer goes back in as the same object, so that its owner can still cancel it. */
  reenter(timer: Timer, after: Millis = 0): void {
    timer.at = Math.ceil(this.#now + after);
    timer.seq = this.#seq++;
    timer.queued = true;
    this.#agenda.push(timer);
  }

  #advance(to: Millis): void {
    this.#now = to;
    this.#atThisInstant = 0;
  }

  #fire(timer: Timer): void {
    if (timer.at > this.#now) this.#advance(timer.at);
    else if (++this.#atThisInstant > NO_PROGRESS) throw new Error(`no progress: ${NO_PROGRESS} firings at ${this.#now} ms`);
    timer.queued = false;
    const owner = timer.owner;
    if (owner !== null && !owner.admits(timer)) return;
    const fire = timer.fire as () => void;
    timer.fire = null;
    this.#fired++;
    fire();
  }
}

class View implements NodeClock {
  readonly id: NodeId;
  readonly #world: World;
  #alive = true;
  #stalledUntil = Number.NEGATIVE_INFINITY;
  #heldTimers: Timer[] = [];
  #heldArrivals: Timer[] = [];
  #late: (() => Millis) | null = null;
  readonly #delayed = new WeakSet<Timer>();
  /** Ahead of the world by so much at `#since`. */
  #offset: Millis;
  #rate = 1;
  #since: Millis = 0;

  constructor(id: NodeId, world: World, offset: Millis) {
    this.id = id;
    this.#world = world;
    this.#offset = offset;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get stalled(): boolean {
    return this.#world.now() < this.#stalledUntil;
  }

  now(): Millis {
    const now = this.#world.now() + this.#offset;
    return this.#rate === 1 ? now : now + this.#gained();
  }

  setTimeout(fire: () => void, after: Millis): unknown {
    return this.#enter(fire, Math.max(0, after) / this.#rate, false);
  }

  clearTimeout(timer: unknown): void {
    this.#world.clearTimeout(timer);
  }

  arrive(fire: () => void, after: Millis): unknown {
    return this.#enter(fire, Math.max(0, after), true);
  }

  stall(length: Millis): void {
    const until = this.#world.now() + length;
    if (until <= this.#stalledUntil) return;
    this.#stalledUntil = until;
    this.#world.enter(() => this.#release(), until, null, false);
  }

  delayTimers(draw: (() => Millis) | null): void {
    this.#late = draw;
  }

  skew(offset: Millis, rate = 1): void {
    this.#offset += this.#gained();
    this.#rate = rate;
    this.#since = this.#world.now();
    this.#world.setSystemClock(this.id, offset);
  }

  stop(): void {
    this.#alive = false;
    this.#heldTimers = [];
    this.#heldArrivals = [];
  }

  /** Asked when a timer of this node falls due: may it run now? If not it is kept, or lost with the process. */
  admits(timer: Timer): boolean {
    if (!this.#alive) return false;
    if (!this.stalled) return this.#late === null || timer.io || this.#isDelayed(timer, this.#late);
    (timer.io ? this.#heldArrivals : this.#heldTimers).push(timer);
    return false;
  }

  #enter(fire: () => void, after: Millis, io: boolean): Timer | null {
    return this.#alive ? this.#world.enter(fire, this.#world.now() + after, this, io) : null;
  }

  /** Once for each timer: true if it has had its delay, or gets none. */
  #isDelayed(timer: Timer, draw: () => Millis): boolean {
    if (this.#delayed.delete(timer)) return true;
    const late = draw();
    if (late <= 0) return true;
    this.#delayed.add(timer);
    this.#world.reenter(timer, late);
    return false;
  }

  /** What a clock that runs fast or slow has gained since its rate was set. */
  #gained(): Millis {
    return this.#rate === 1 ? 0 : Math.round((this.#world.now() - this.#since) * (this.#rate - 1));
  }

  /** Held entries are in due order already; entering them again keeps it. */
  #release(): void {
    if (this.stalled) return;
    const held = [...this.#heldTimers, ...this.#heldArrivals];
    this.#heldTimers = [];
    this.#heldArrivals = [];
    for (const timer of held) if (timer.fire !== null) this.#world.reenter(timer);
  }
}
