/**
 * The one loop that carries effects to ports and events to actors, in the simulator and in production alike.
 *
 * Charts are root actors of their own (a dying one harms nobody); reducers stand beside them and swallow what comes at a high
 * rate. Every event passes one queue, so the order of deliveries to charts is total: written down, it is the journal, and fed
 * back it is the replay. Nothing here waits, and nothing here knows what the machines are about.
 */
import { type AnyActorRef, type AnyStateMachine, type AnyTransitionDefinition, createActor, type InspectionEvent } from "xstate";
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
  readonly observe?: Observe;
}

/** Pause before a failed write is asked again. */
const WRITE_AGAIN: Millis = 500;

const storeEvent = (answer: StoreAnswer) => ({ type: `store.${answer.kind}`, answer });

type WriteAsk = Extract<Effect, { op: "write" }>["ask"];

export class Driver {
  readonly #options: DriverOptions;
  readonly #charts = new Map<Address, HostedChart>();
  readonly #reducers = new Map<Address, HostedReducer>();
  #mailbox: { to: Address; event: AnyEvent }[] = [];
  #pumping = false;
  #requests = 0;
  readonly #unwritten: WriteAsk[] = [];
  #timers = 0;
  readonly #live = new Set<unknown>();
  readonly #ignored = new Map<string, number>();

  constructor(options: DriverOptions) {
    this.#options = options;
  }

  /** Events that no state of their chart took, by "kind event": a test expects none it does not name. */
  get ignored(): ReadonlyMap<string, number> {
    return this.#ignored;
  }

  startChart(address: Address, kind: string, machine: AnyStateMachine, input: unknown): void {
    this.#options.journal?.start(address, kind, input);
    const { observe } = this.#options;
    const actor = createActor(machine, {
      id: address,
      input,
      clock: this.#chartClock(),
      ...(observe ? { inspect: (event: InspectionEvent) => report(kind, event, observe) } : {}),
    });
    const hosted: HostedChart = { kind, actor, machine, input };
    this.#charts.set(address, hosted);
    actor.on("*", (emitted) => this.#perform(address, (emitted as unknown as Emitted).effects));
    actor.subscribe({ error: (error) => this.#bury(address, hosted, error), complete: () => this.#forget(address, hosted) });
    this.#turn(() => actor.start());
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
    };
    this.#reducers.set(address, hosted);
    this.#turn(() => this.#take(address, hosted, hosted.reducer.start(input, this.#options.clock.now())));
  }

  /** Queues an event; if nothing is being delivered, delivers until the queue is empty. */
  tell(to: Address, event: AnyEvent): void {
    this.#mailbox.push({ to, event });
    if (!this.#pumping) this.#pump();
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
    for (const timer of this.#live) this.#options.clock.clearTimeout(timer);
    this.#live.clear();
    for (const { actor } of this.#charts.values()) actor.stop();
    this.#charts.clear();
    this.#reducers.clear();
    this.#mailbox = [];
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

  #pump(): void {
    this.#pumping = true;
    try {
      // The mailbox grows while it is read: what an event causes is delivered in the same turn, in order.
      for (let next = 0; next < this.#mailbox.length; next++) {
        const { to, event } = this.#mailbox[next] as { to: Address; event: AnyEvent };
        this.#deliver(to, event);
      }
    } finally {
      this.#mailbox = [];
      this.#pumping = false;
    }
  }

  #deliver(to: Address, event: AnyEvent): void {
    const stamped = { ...event, at: this.#options.clock.now() };
    const reducer = this.#reducers.get(to);
    if (reducer) return this.#reduce(to, reducer, stamped);
    const chart = this.#charts.get(to);
    if (!chart) return this.#count(`${kindOf(to)} ${event.type} (nobody there)`);
    const before = chart.actor.getSnapshot() as unknown;
    this.#options.journal?.input(to, stamped);
    chart.actor.send(stamped);
    // A transition that was taken always makes a new snapshot.
    if (chart.actor.getSnapshot() === before) this.#count(`${chart.kind} ${event.type}`);
    this.#options.journal?.state(to, () => chart.actor.getSnapshot());
  }

  #reduce(address: Address, hosted: HostedReducer, event: AnyEvent & { at: Millis }): void {
    try {
      this.#take(address, hosted, hosted.reducer.receive(hosted.state, event));
    } catch (error) {
      this.#options.clock.clearTimeout(hosted.timer);
      this.#reducers.delete(address);
      this.#options.onDeath(address, hosted.kind, error);
    }
  }

  #take(address: Address, hosted: HostedReducer, step: Step<unknown>): void {
    hosted.state = step.state;
    hosted.wakeAt = step.wakeAt;
    this.#arm(address, hosted);
    if (step.effects && step.effects.length > 0) this.#perform(address, step.effects);
  }

  /** Wishes change with every stanza, timers should not: one that is armed early enough stays and looks again when it fires. */
  #arm(address: Address, hosted: HostedReducer): void {
    const { wakeAt } = hosted;
    if (wakeAt === null || (hosted.timer !== undefined && hosted.armedFor <= wakeAt)) return;
    const { clock } = this.#options;
    if (hosted.timer !== undefined) this.#disarm(hosted.timer);
    hosted.armedFor = wakeAt;
    const timer = clock.setTimeout(
      () => {
        this.#live.delete(timer);
        hosted.timer = undefined;
        this.#watchLateness(hosted.armedFor);
        if (this.#reducers.get(address) !== hosted || hosted.wakeAt === null) return;
        if (clock.now() < hosted.wakeAt) return this.#arm(address, hosted);
        this.tell(address, { type: "wake" });
      },
      Math.max(0, wakeAt - clock.now()),
    );
    hosted.timer = timer;
    this.#live.add(timer);
  }

  #disarm(timer: unknown): void {
    this.#options.clock.clearTimeout(timer);
    this.#live.delete(timer);
  }

  // ---- effects ----

  #perform(from: Address, list: readonly Effect[]): void {
    for (const effect of list) this.#performOne(from, effect);
  }

  #performOne(from: Address, effect: Effect): void {
    const at = this.#options.clock.now();
    switch (effect.op) {
      case "tell":
        this.#mailbox.push({ to: effect.to, event: effect.event });
        return;
      case "connection":
        this.#options.onCommand?.(effect.command);
        this.#options.connections.perform(effect.command);
        return;
      case "store": {
        const command: StoreCommand = { ...effect.ask, reqId: this.#nextRequest() };
        this.#options.store.ask(command, (answer) => this.tell(from, storeEvent(answer)));
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

  /** In order, one at a time after a failure: what was decided first is written first. */
  #write(ask: WriteAsk): void {
    this.#unwritten.push(ask);
    if (this.#unwritten.length === 1) this.#writeNext();
  }

  #writeNext(): void {
    const ask = this.#unwritten[0];
    if (!ask) return;
    const command = { ...ask, reqId: this.#nextRequest() } as StoreCommand;
    this.#options.store.ask(command, (answer) => {
      if (answer.kind === "failed") {
        const timer = this.#options.clock.setTimeout(() => {
          this.#live.delete(timer);
          this.#writeNext();
        }, WRITE_AGAIN);
        this.#live.add(timer);
        return;
      }
      this.#unwritten.shift();
      this.#writeNext();
    });
  }

  #nextRequest(): RequestId {
    return `${this.#options.life}:${++this.#requests}` as RequestId;
  }

  // ---- timers of charts, deaths ----

  #chartClock(): { setTimeout: (fire: () => void, after: Millis) => number; clearTimeout: (timer: number) => void } {
    const { clock } = this.#options;
    return {
      setTimeout: (fire, after) => {
        const number = ++this.#timers;
        const due = clock.now() + after;
        const timer = clock.setTimeout(() => {
          this.#live.delete(timer);
          this.#watchLateness(due);
          this.#options.journal?.timer(number);
          this.#turn(fire);
        }, after);
        this.#live.add(timer);
        return timer as number;
      },
      clearTimeout: (timer) => this.#disarm(timer),
    };
  }

  #watchLateness(due: Millis): void {
    const late = this.#options.clock.now() - due;
    if (late > this.#options.lateAfter) this.#options.onLate(late);
  }

  #bury(address: Address, hosted: HostedChart, error: unknown): void {
    if (this.#charts.get(address) !== hosted) return;
    this.#charts.delete(address);
    this.#options.onDeath(address, hosted.kind, error);
  }

  #forget(address: Address, hosted: HostedChart): void {
    if (this.#charts.get(address) === hosted) this.#charts.delete(address);
  }

  #count(what: string): void {
    this.#ignored.set(what, (this.#ignored.get(what) ?? 0) + 1);
  }
}

const report = (kind: string, event: InspectionEvent, observe: Observe): void => {
  if (event.type !== "@xstate.microstep") return;
  const { _transitions: taken } = event;
  for (const transition of taken) observe(kind, transition);
};

export const kindOf = (address: Address): string => {
  const colon = address.indexOf(":");
  return colon < 0 ? address : address.slice(0, colon);
};
