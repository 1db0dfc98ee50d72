/**
 * The one loop that carries effects to ports and events to actors, in the simulator and in production alike.
 *
 * Charts are root actors of their own (a dying one harms nobody); reducers stand beside them and swallow what comes at a high
 * rate. Every event passes one queue, and so does every start, one after the other and none inside another: the order of what
 * charts take in is total. Written down, it is the journal, and fed back it is the replay. Nothing here waits, and nothing here
 * knows what the machines are about.
 */
import {
  type AnyActorRef,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyTransitionDefinition,
  createActor,
  type InspectionEvent,
} from "xstate";
import type { Clock } from "../ports/clock.ts";
import type { ConnectionPort } from "../ports/connection.ts";
import type { Millis, RequestId } from "../ports/ids.ts";
import type { AuditDraft, FleetEvent } from "../ports/records.ts";
import type { StoreAnswer, StoreCommand, StorePort } from "../ports/store.ts";
import type { Address, Effect, Emitted, Reducer, Step } from "../protocol.ts";
import type { JournalWriter } from "./journal.ts";

type AnyEvent = { readonly type: string };

interface HostedChart {
  readonly kind: string;
  readonly actor: AnyActorRef;
  readonly machine: AnyStateMachine;
  readonly input: unknown;
  isBegun: boolean;
  isDead: boolean;
}
interface HostedReducer {
  readonly kind: string;
  readonly reducer: Reducer<unknown, AnyEvent & { at: Millis }, unknown>;
  readonly input: unknown;
  state: unknown;
  wakeAt: Millis | null;
  timer: unknown;
  /** When the armed timer fires: it may be earlier than wakeAt, never later. */
  armedFor: Millis;
  readonly onTimer: () => void;
}

/** An event for an address, or the beginning of a chart. All have one shape, because nothing is made and read as often. */
interface Mail {
  readonly to: Address;
  readonly event: AnyEvent | null;
  readonly ifNobody: (() => void) | undefined;
  readonly begins: HostedChart | null;
}

/** Told of each transition that a chart takes, for those who count what was exercised. */
export type Observe = (kind: string, transition: AnyTransitionDefinition) => void;

export interface DriverOptions {
  readonly clock: Clock;
  readonly store: StorePort;
  readonly connections: ConnectionPort;
  /** Prefix of request ids, so that those of two lives of a node differ. */
  readonly life: string;
  readonly journal: JournalWriter | null;
  /** Effects that concern the composition rather than a port. */
  readonly onStart: (effect: Extract<Effect, { op: "start" }>) => void;
  readonly onAlert: (effect: Extract<Effect, { op: "raise" | "resolve" }>) => void;
  readonly onAudit: (entry: AuditDraft) => void;
  readonly onEvent: (event: FleetEvent) => void;
  /** An actor died of an error; it is gone from the driver. */
  readonly onDeath: (address: Address, kind: string, error: unknown) => void;
  /** A command is about to be performed: the composition keeps its own index of what is under way. */
  readonly onCommand?: (command: Extract<Effect, { op: "connection" }>["command"]) => void;
  /** Told about each timer that fired more than `lateAfter` ms late. */
  readonly lateAfter: Millis;
  readonly onLate: (by: Millis) => void;
  /** The store answered where nobody waits for it (any more): what it says may be news all the same. */
  readonly onOrphan?: (answer: StoreAnswer) => void;
  readonly observe?: Observe;
}

/** Pause before a failed write is asked again. */
const WRITE_AGAIN: Millis = 500;
/** More than this in one turn would keep the store, and so everybody, too long. */
const WRITES_TOGETHER = 64;
/** Events that wait for a store that is out of reach: more, and the oldest are dropped. Decisions are never dropped. */
const MAX_UNWRITTEN_EVENTS = 10_000;
/** More deliveries than this in one turn, and somebody goes round in circles: who gets most of what follows is ended. */
const MAX_IN_A_TURN = 100_000;
const MAX_IN_CIRCLES = 1000;
/** Mail that was delivered is cleared away so many at a time. */
const CLEAR_EVERY = 1024;

/** By kind of answer: a name made anew would be compared letter by letter wherever the event goes. */
const STORE_EVENTS = new Map<StoreAnswer["kind"], string>();
const storeEventType = (kind: StoreAnswer["kind"]): string => {
  let type = STORE_EVENTS.get(kind);
  if (type === undefined) {
    type = `store.${kind}`;
    STORE_EVENTS.set(kind, type);
  }
  return type;
};
const storeEvent = (answer: StoreAnswer, at: Millis, tag: number | undefined) => {
  const type = storeEventType(answer.kind);
  return tag === undefined ? { type, answer, at } : { type, answer, at, tag };
};

type StoreAsk = Extract<Effect, { op: "store" }>["ask"];
type WriteAsk = Extract<Effect, { op: "write" }>["ask"];

/** What a write says something new about; null: it stands beside all others. */
const subjectOf = (ask: WriteAsk): string | null => {
  switch (ask.op) {
    case "alert.record":
      return `alert ${ask.alert.key}`;
    case "failover.record":
      return `failover ${ask.failover.id}`;
    case "seat.settle":
      return `seat ${ask.seat}`;
    case "account.update":
      return `account ${ask.account}`;
    case "device.update":
      return `device ${ask.device}`;
    case "orders.write":
      return "orders";
    default:
      return null;
  }
};
/** Two writes about the same thing are not asked in one turn: if only the later one was done, the earlier one asked again would undo it. */
const together = (asks: readonly WriteAsk[]): WriteAsk[] => {
  const about = new Set<string>();
  const first = asks.slice(0, WRITES_TOGETHER);
  const end = first.findIndex((ask) => {
    const subject = subjectOf(ask);
    if (subject === null) return false;
    if (about.has(subject)) return true;
    about.add(subject);
    return false;
  });
  return end < 0 ? first : first.slice(0, end);
};

export class Driver {
  #options: DriverOptions;
  readonly #charts = new Map<Address, HostedChart>();
  readonly #reducers = new Map<Address, HostedReducer>();
  #mailbox: Mail[] = [];
  #pumping = false;
  #requests = 0;
  readonly #unwritten: WriteAsk[] = [];
  /** How many of them, from the first on, are asked or wait to be asked again. */
  #underWay = 0;
  #droppedEvents = 0;
  /** Timers of charts and of failed writes, by the number that their owner knows them by. */
  readonly #live = new Map<number, unknown>();
  #timers = 0;
  readonly #ignored = new Map<string, number>();
  #stall: { readonly from: Millis; readonly toldAt: Millis } = { from: 0, toldAt: Number.NEGATIVE_INFINITY };

  constructor(options: DriverOptions) {
    this.#options = options;
  }

  /** Events that no state of their chart took, by "kind event": a test expects none it does not name. */
  get ignored(): ReadonlyMap<string, number> {
    return this.#ignored;
  }

  /** Events that never became durable, because the store was out of reach for too long. */
  get droppedEvents(): number {
    return this.#droppedEvents;
  }

  /** There at once; it begins when its turn in the queue comes. An address has one actor. */
  startChart(address: Address, kind: string, machine: AnyStateMachine, input: unknown): void {
    if (this.has(address)) throw new Error(`${address} was started twice`);
    const { observe } = this.#options;
    const actor = createActor(machine, {
      id: address,
      input,
      clock: this.#chartClock(address),
      ...(observe ? { inspect: (event: InspectionEvent) => tellTaken(kind, event, observe) } : {}),
    });
    const hosted: HostedChart = { kind, actor, machine, input, isBegun: false, isDead: false };
    this.#charts.set(address, hosted);
    actor.on("*", (emitted) => this.#carry(address, hosted, (emitted as unknown as Emitted).effects));
    actor.subscribe({ error: (error) => this.#bury(address, hosted, error), complete: () => this.#forget(address, hosted) });
    this.#post({ to: address, event: null, ifNobody: undefined, begins: hosted });
  }

  startReducer<S, E extends { type: string; at: Millis }, I>(
    address: Address,
    kind: string,
    reducer: Reducer<S, E, I>,
    input: I,
  ): void {
    const hosted: HostedReducer = {
      kind,
      reducer,
      input,
      state: undefined,
      wakeAt: null,
      timer: undefined,
      armedFor: Number.POSITIVE_INFINITY,
      onTimer: () => this.#onTimer(address, hosted),
    };
    this.#reducers.set(address, hosted);
    this.#turn(() => this.#guarded(address, hosted, () => reducer.start(input, this.#options.clock.now())));
  }

  /** Queues an event; if nothing is being delivered, delivers until the queue is empty. `ifNobody`: when its turn comes and nobody is there. */
  tell(to: Address, event: AnyEvent, ifNobody?: () => void): void {
    this.#post({ to, event, ifNobody, begins: null });
  }

  /** Ends an actor as an error of its own would have: its owner is told, and starts it again. */
  kill(address: Address, why: string): void {
    this.#turn(() => this.#end(address, new Error(why)));
  }

  /** Ends an actor that is no longer wanted: nobody is told, and what still comes for it is dropped. */
  dismiss(address: Address): void {
    const chart = this.#charts.get(address);
    if (chart) {
      this.#charts.delete(address);
      chart.isDead = true;
      chart.actor.stop();
      if (chart.isBegun) this.#options.journal?.dead(address);
    }
    const reducer = this.#reducers.get(address);
    if (reducer) this.#options.clock.clearTimeout(reducer.timer);
    this.#reducers.delete(address);
  }

  /** Carries out effects that come from the composition itself, as if `from` had asked. */
  perform(from: Address, effects: readonly Effect[]): void {
    this.#turn(() => this.#perform(from, effects));
  }

  has(address: Address): boolean {
    return this.#charts.has(address) || this.#reducers.has(address);
  }

  /** The value and context of a chart, or the state of a reducer; for status and tests. */
  peek(address: Address): { value: unknown; context: unknown } | undefined {
    const chart = this.#charts.get(address);
    if (chart) {
      const { value, context } = chart.actor.getSnapshot() as { value: unknown; context: unknown };
      return { value, context };
    }
    const hosted = this.#reducers.get(address);
    return hosted && { value: hosted.kind, context: hosted.state };
  }

  addresses(): readonly Address[] {
    return [...this.#charts.keys(), ...this.#reducers.keys()];
  }

  stop(): void {
    for (const timer of this.#live.values()) this.#options.clock.clearTimeout(timer);
    this.#live.clear();
    for (const { timer } of this.#reducers.values()) this.#options.clock.clearTimeout(timer);
    for (const { actor } of this.#charts.values()) actor.stop();
    this.#charts.clear();
    this.#reducers.clear();
    this.#mailbox = [];
  }

  /**
   * As at the end of a process: nobody is told, nothing is asked any more, and whoever still holds an actor holds nothing of its world.
   * XState leaves a closure for each step among what V8 takes to be old, and through it a whole simulated fleet that is over.
   */
  vanish(): void {
    this.#charts.clear();
    this.#reducers.clear();
    this.#mailbox = [];
    this.#live.clear();
    this.#options = unplugged(this.#options);
  }

  // ---- delivery ----

  #turn(work: () => void): void {
    if (this.#pumping) return work();
    this.#pumping = true;
    try {
      work();
    } finally {
      this.#pumping = false;
    }
    this.#pump();
  }

  #post(mail: Mail): void {
    if (this.#pumping) this.#mailbox.push(mail);
    else this.#pump(mail);
  }

  /** Most turns are one event long: it goes past the mailbox. */
  #pump(first: Mail | null = null): void {
    this.#pumping = true;
    let inCircles: Map<Address, number> | undefined;
    try {
      if (first) this.#hand(first);
      // The mailbox grows while it is read: what an event causes is delivered in the same turn, in order.
      for (let next = 0, delivered = 0; next < this.#mailbox.length; delivered++) {
        const mail = this.#mailbox[next++] as Mail;
        if (next === CLEAR_EVERY) {
          this.#mailbox.splice(0, next);
          next = 0;
        }
        if (delivered >= MAX_IN_A_TURN) inCircles ??= new Map();
        if (inCircles && this.#isEndless(mail, inCircles)) {
          delivered = 0;
          inCircles = undefined;
          continue;
        }
        this.#hand(mail);
      }
    } finally {
      if (this.#mailbox.length > 0) this.#mailbox = [];
      this.#pumping = false;
    }
    this.#options.journal?.rest(this.#charts.size, () => this.#standing());
  }

  #hand({ to, event, ifNobody, begins }: Mail): void {
    if (begins) this.#begin(to, begins);
    else if (event) this.#deliver(to, event, ifNobody);
  }

  /** A turn that does not end would stop everybody: the actor that most of it goes to is the bad one. */
  #isEndless(mail: Mail, deliveries: Map<Address, number>): boolean {
    const { to } = mail;
    const count = (deliveries.get(to) ?? 0) + 1;
    deliveries.set(to, count);
    if (count < MAX_IN_CIRCLES) return false;
    this.#end(to, new Error(`more than ${MAX_IN_A_TURN} events in one turn, and no end of those to ${to}`));
    return true;
  }

  #begin(address: Address, chart: HostedChart): void {
    if (chart.isBegun || this.#charts.get(address) !== chart) return;
    chart.isBegun = true;
    chart.actor.start();
    this.#options.journal?.start(address, chart.kind, chart.input, chart.actor.getSnapshot());
    if (chart.isDead) this.#options.journal?.dead(address);
  }

  #deliver(to: Address, event: AnyEvent, ifNobody: (() => void) | undefined): void {
    const stamped = stampedAt(event, this.#options.clock.now());
    const reducer = this.#reducers.get(to);
    if (reducer) return this.#reduce(to, reducer, stamped);
    const chart = this.#charts.get(to);
    if (!chart) return ifNobody ? ifNobody() : this.#count(`${kindOf(to)} ${event.type} (nobody there)`);
    // Told before its own turn came.
    if (!chart.isBegun) this.#begin(to, chart);
    const before = chart.actor.getSnapshot() as unknown;
    chart.actor.send(stamped);
    // Most transitions make a new snapshot, but one that only says something to others does not.
    if (chart.actor.getSnapshot() === before && !isTaken(chart, stamped)) this.#count(`${chart.kind} ${event.type}`);
    this.#noteInput(to, chart, stamped);
  }

  #noteInput(to: Address, chart: HostedChart, event: AnyEvent, at?: Millis): void {
    this.#options.journal?.input(to, event, chart.actor.getSnapshot(), at);
    if (chart.isDead) this.#options.journal?.dead(to);
  }

  *#standing(): Iterable<{ to: Address; kind: string; snapshot: unknown }> {
    for (const [to, { kind, actor }] of this.#charts) yield { to, kind, snapshot: actor.getSnapshot() };
  }

  /** As `#guarded`, for most of what is delivered: without a closure for each event. */
  #reduce(address: Address, hosted: HostedReducer, event: AnyEvent & { at: Millis }): void {
    try {
      this.#take(address, hosted, hosted.reducer.receive(hosted.state, event));
    } catch (error) {
      this.#end(address, error);
    }
  }

  /** An error in a reducer's step, or in carrying out what it asked for, is the end of that reducer and of nobody else. */
  #guarded(address: Address, hosted: HostedReducer, step: () => Step<unknown>): void {
    try {
      this.#take(address, hosted, step());
    } catch (error) {
      this.#end(address, error);
    }
  }

  #take(address: Address, hosted: HostedReducer, step: Step<unknown>): void {
    hosted.state = step.state;
    hosted.wakeAt = step.wakeAt;
    this.#arm(hosted);
    if (step.effects && step.effects.length > 0) this.#perform(address, step.effects);
  }

  /** Wishes change with every stanza, timers should not: one that is armed early enough stays and looks again when it fires. */
  #arm(hosted: HostedReducer): void {
    const { wakeAt } = hosted;
    if (wakeAt === null || (hosted.timer !== undefined && hosted.armedFor <= wakeAt)) return;
    const { clock } = this.#options;
    if (hosted.timer !== undefined) clock.clearTimeout(hosted.timer);
    hosted.armedFor = wakeAt;
    hosted.timer = clock.setTimeout(hosted.onTimer, Math.max(0, wakeAt - clock.now()));
  }

  #onTimer(address: Address, hosted: HostedReducer): void {
    hosted.timer = undefined;
    this.#watchLateness(hosted.armedFor);
    if (hosted.wakeAt === null || this.#reducers.get(address) !== hosted) return;
    const at = this.#options.clock.now();
    if (at < hosted.wakeAt) return this.#arm(hosted);
    // As if it were told so, but for the way past the mailbox: nothing is being delivered while a timer fires.
    this.#turn(() => this.#reduce(address, hosted, { type: "wake", at }));
  }

  #after(length: Millis, fire: () => void): number {
    const no = ++this.#timers;
    const timer = this.#options.clock.setTimeout(() => {
      this.#live.delete(no);
      fire();
    }, length);
    this.#live.set(no, timer);
    return no;
  }

  #disarm(no: number): void {
    this.#options.clock.clearTimeout(this.#live.get(no));
    this.#live.delete(no);
  }

  // ---- effects ----

  /** As for reducers: a port that can't do what a chart asks for is that chart's error. */
  #carry(address: Address, hosted: HostedChart, list: readonly Effect[]): void {
    try {
      this.#perform(address, list);
    } catch (error) {
      this.#bury(address, hosted, error);
      hosted.actor.stop();
    }
  }

  #perform(from: Address, list: readonly Effect[]): void {
    for (const effect of list) this.#performOne(from, effect);
  }

  #performOne(from: Address, effect: Effect): void {
    const at = this.#options.clock.now();
    switch (effect.op) {
      case "tell":
        this.#mailbox.push({ to: effect.to, event: effect.event, ifNobody: undefined, begins: null });
        return;
      case "connection":
        this.#options.onCommand?.(effect.command);
        this.#options.connections.perform(effect.command);
        return;
      case "store": {
        const command = numbered(effect.ask, this.#nextRequest());
        const { tag } = effect;
        const asker = this.#actorAt(from);
        // The answer is for the one that asked: its successor under the same address has questions of its own.
        this.#options.store.ask(command, (answer) => {
          if (this.#actorAt(from) === asker) this.tell(from, storeEvent(answer, this.#options.clock.now(), tag));
          else {
            this.#count(`${kindOf(from)} store.${answer.kind} (asker gone)`);
            this.#options.onOrphan?.(answer);
          }
        });
        return;
      }
      case "write":
        this.#write(effect.ask);
        return;
      case "start":
        this.#options.onStart(effect);
        return;
      case "raise":
      case "resolve":
        this.#options.onAlert(effect);
        return;
      case "audit":
        this.#options.onAudit({ ...effect.entry, at });
        return;
      case "event":
        this.#options.onEvent({ ...effect.event, at });
        return;
    }
  }

  /** In order: what was decided first is asked first. All that waits is asked in one turn, so that it can be durable together. */
  #write(ask: WriteAsk): void {
    this.#unwritten.push(ask);
    if (this.#underWay === 0) return this.#writeAll();
    if (this.#unwritten.length <= MAX_UNWRITTEN_EVENTS) return;
    const oldest = this.#unwritten.findIndex(({ op }, place) => place >= this.#underWay && op === "events.append");
    if (oldest < 0) return;
    this.#unwritten.splice(oldest, 1);
    this.#droppedEvents++;
  }

  #writeAll(): void {
    const asked = together(this.#unwritten);
    const failed: WriteAsk[] = [];
    let unanswered = asked.length;
    this.#underWay = asked.length;
    for (const ask of asked) {
      const command = { ...ask, reqId: this.#nextRequest() } as StoreCommand;
      this.#options.store.ask(command, (answer) => {
        if (answer.kind === "failed") failed.push(ask);
        else this.#options.onOrphan?.(answer);
        if (--unanswered === 0) this.#written(asked.length, failed);
      });
    }
  }

  /** What failed is asked again before anything that came later. */
  #written(asked: number, failed: readonly WriteAsk[]): void {
    this.#unwritten.splice(0, asked, ...failed);
    if (failed.length === 0) return this.#writeAll();
    this.#underWay = failed.length;
    this.#after(WRITE_AGAIN, () => this.#writeAll());
  }

  #nextRequest(): RequestId {
    return `${this.#options.life}:${++this.#requests}` as RequestId;
  }

  // ---- timers of charts, deaths ----

  #chartClock(address: Address): {
    setTimeout: (fire: () => void, after: Millis) => number;
    clearTimeout: (timer: number) => void;
  } {
    return {
      setTimeout: (fire, after) => {
        const { clock, journal } = this.#options;
        const chart = this.#charts.get(address);
        const event = journal && chart ? newestDelayed(chart.actor) : undefined;
        const due = clock.now() + after;
        return this.#after(after, () => {
          this.#watchLateness(due);
          this.#turn(() => {
            fire();
            if (chart && event) this.#noteInput(address, chart, event, clock.now());
          });
        });
      },
      clearTimeout: (timer) => this.#disarm(timer),
    };
  }

  /** A stall delays hundreds of timers: it is told once, and again while it lasts or if it turns out to have begun earlier. */
  #watchLateness(due: Millis): void {
    const { clock, lateAfter, onLate } = this.#options;
    const now = clock.now();
    if (now - due <= lateAfter) return;
    if (due >= this.#stall.from && now - this.#stall.toldAt < lateAfter) return;
    this.#stall = { from: due, toldAt: now };
    onLate(now - due);
  }

  #actorAt(address: Address): HostedChart | HostedReducer | undefined {
    return this.#reducers.get(address) ?? this.#charts.get(address);
  }

  #end(address: Address, error: unknown): void {
    const chart = this.#charts.get(address);
    if (chart) {
      this.#bury(address, chart, error);
      chart.actor.stop();
      if (chart.isBegun) this.#options.journal?.dead(address);
      return;
    }
    const reducer = this.#reducers.get(address);
    if (!reducer) return;
    this.#options.clock.clearTimeout(reducer.timer);
    this.#reducers.delete(address);
    this.#options.onDeath(address, reducer.kind, error);
  }

  #bury(address: Address, hosted: HostedChart, error: unknown): void {
    if (this.#charts.get(address) !== hosted) return;
    this.#charts.delete(address);
    hosted.isDead = true;
    this.#options.onDeath(address, hosted.kind, error);
  }

  #forget(address: Address, hosted: HostedChart): void {
    if (this.#charts.get(address) === hosted) this.#charts.delete(address);
  }

  #count(what: string): void {
    this.#ignored.set(what, (this.#ignored.get(what) ?? 0) + 1);
  }
}

/**
 * With the time of delivery. Whoever tells an event has made it for that and lets go of it, so the time is written into it: a copy of
 * each, of so many shapes, would cost more than most of what is done with them. Only one that was told before is copied.
 */
const stampedAt = (event: AnyEvent & { at?: Millis }, at: Millis): AnyEvent & { readonly at: Millis } => {
  if (event.at !== undefined && event.at !== at) return { ...event, at };
  event.at = at;
  return event as AnyEvent & { readonly at: Millis };
};

/** In place, for the same reason: an effect is made for one carrying out. */
const numbered = (ask: StoreAsk, reqId: RequestId): StoreCommand => {
  (ask as { reqId?: RequestId }).reqId = reqId;
  return ask as StoreCommand;
};

/** Nothing can be reached any more; the time is that of the end. */
const unplugged = ({ clock, life, lateAfter }: DriverOptions): DriverOptions => {
  const end = clock.now();
  const nothing = (): void => {};
  return {
    clock: { now: () => end, setTimeout: nothing, clearTimeout: nothing },
    store: { ask: nothing },
    connections: { perform: nothing, onFact: nothing },
    life,
    journal: null,
    onStart: nothing,
    onAlert: nothing,
    onAudit: nothing,
    onEvent: nothing,
    onDeath: nothing,
    lateAfter,
    onLate: nothing,
  };
};

const isTaken = ({ machine, actor }: HostedChart, event: AnyEvent): boolean =>
  (machine.getTransitionData(actor.getSnapshot() as AnyMachineSnapshot, event)?.length ?? 0) > 0;

/** The delayed transition that a chart is arming: XState notes it down before it asks the clock. */
const newestDelayed = (actor: AnyActorRef): AnyEvent | undefined => {
  const { _scheduledEvents } = actor.system.getSnapshot() as { _scheduledEvents: Record<string, { event: AnyEvent }> };
  return Object.values(_scheduledEvents).at(-1)?.event;
};

/** What XState says of its inner workings, as far as it is a transition. */
export const tellTaken = (kind: string, event: InspectionEvent, observe: Observe): void => {
  if (event.type !== "@xstate.microstep") return;
  const { _transitions: taken } = event;
  for (const transition of taken) observe(kind, transition);
};

export const kindOf = (address: Address): string => {
  const colon = address.indexOf(":");
  return colon < 0 ? address : address.slice(0, colon);
};
