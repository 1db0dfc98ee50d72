/** A stage for charts and reducers: a clock that steps to each due time, one mailbox, and a log of every effect. */
import { type AnyActorRef, type AnyStateMachine, createActor } from "xstate";
import type { Millis } from "../../machines/ports/ids.ts";
import type { Address, Effect, Emitted, EventFor, Reducer, Step } from "../../machines/protocol.ts";

type Timer = { at: Millis; fire: () => void };
type AnyEvent = { readonly type: string };
type AnyReducer = Reducer<unknown, AnyEvent & { at: Millis }, unknown>;

export class Host {
  now: Millis;
  readonly log: { at: Millis; from: string; effect: Effect }[] = [];
  readonly #timers = new Set<Timer>();
  readonly #charts = new Map<string, AnyActorRef>();
  readonly #reducers = new Map<string, { reducer: AnyReducer; step: Step<unknown> }>();
  readonly #mail: { to: string; event: AnyEvent }[] = [];
  #isBusy = false;

  constructor(now: Millis = 1_000_000) {
    this.now = now;
  }
  chart(address: Address, machine: AnyStateMachine, input: unknown): void {
    const clock = {
      setTimeout: (fire: () => void, after: Millis) => {
        const timer = { at: this.now + after, fire };
        this.#timers.add(timer);
        return timer;
      },
      clearTimeout: (timer: Timer) => void this.#timers.delete(timer),
    };
    const actor = createActor(machine, { id: address, input, clock });
    actor.on("*", (emitted) => this.#carry(address, (emitted as unknown as Emitted).effects));
    actor.subscribe({
      error: (error) => {
        throw error;
      },
    });
    this.#charts.set(address, actor);
    actor.start();
    this.#pump();
  }
  reducer<S, E, I>(address: Address, reducer: Reducer<S, E, I>, input: I): void {
    const hosted = { reducer: reducer as unknown as AnyReducer, step: reducer.start(input, this.now) as Step<unknown> };
    this.#reducers.set(address, hosted);
    this.#carry(address, hosted.step.effects ?? []);
    this.#pump();
  }
  tell<A extends Address>(to: A, event: EventFor<A> | AnyEvent): void {
    this.#mail.push({ to, event });
    this.#pump();
  }
  /** Steps from due time to due time. */
  advance(by: Millis): void {
    const end = this.now + by;
    for (;;) {
      const timer = [...this.#timers].sort((one, other) => one.at - other.at)[0];
      const sleeper = [...this.#reducers]
        .filter(([, { step }]) => step.wakeAt !== null)
        .sort(([, a], [, b]) => (a.step.wakeAt as Millis) - (b.step.wakeAt as Millis))[0];
      const next = Math.min(timer?.at ?? Infinity, sleeper?.[1].step.wakeAt ?? Infinity);
      if (next > end) break;
      this.now = Math.max(this.now, next);
      if (timer?.at === next) {
        this.#timers.delete(timer);
        timer.fire();
        this.#pump();
      } else this.tell(sleeper?.[0] as Address, { type: "wake" });
    }
    this.now = end;
  }
  value(chart: Address): string {
    return String((this.#charts.get(chart)?.getSnapshot() as { value: unknown } | undefined)?.value);
  }
  /** The context of a chart, or the state of a reducer. */
  context(address: Address): unknown {
    const chart = this.#charts.get(address);
    return chart ? (chart.getSnapshot() as { context: unknown }).context : this.#reducers.get(address)?.step.state;
  }
  told(to: Address): (AnyEvent & Record<string, unknown> & { at: Millis })[] {
    return this.log.flatMap(({ at, effect }) => (effect.op === "tell" && effect.to === to ? [{ ...effect.event, at }] : []));
  }
  of<K extends Effect["op"]>(op: K): (Extract<Effect, { op: K }> & { at: Millis })[] {
    return this.log.flatMap(({ at, effect }) => (effect.op === op ? [{ ...(effect as Extract<Effect, { op: K }>), at }] : []));
  }

  #carry(from: string, effects: readonly Effect[]): void {
    for (const effect of effects) {
      this.log.push({ at: this.now, from, effect });
      if (effect.op === "tell") this.#mail.push({ to: effect.to, event: effect.event });
    }
  }
  #pump(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let mail = this.#mail.shift(); mail; mail = this.#mail.shift()) {
      const event = { ...mail.event, at: this.now };
      this.#charts.get(mail.to)?.send(event);
      const hosted = this.#reducers.get(mail.to);
      if (!hosted) continue;
      hosted.step = hosted.reducer.receive(hosted.step.state, event);
      this.#carry(mail.to, hosted.step.effects ?? []);
    }
    this.#isBusy = false;
  }
}
