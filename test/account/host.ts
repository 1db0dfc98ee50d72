/** A stage for charts and reducers: a clock that steps to each due time, one mailbox, and a log of every effect. */
import { type AnyActorRef, type AnyStateMachine, createActor } from "xstate";
import type { Millis } from "../../machines/ports/ids.ts";
import type { Address, Effect, Emitted, Reducer, Step } from "../../machines/protocol.ts";

type AnyEvent = { readonly type: string; readonly [key: string]: unknown };
type AnyReducer = Reducer<unknown, AnyEvent & { at: Millis }, unknown>;
type Logged<E> = E & { readonly at: Millis };

export class Host {
  now: Millis = 1_000_000;
  /** Called with each effect, after it was logged. */
  onEffect: (effect: Effect) => void = () => undefined;
  readonly log: Logged<{ effect: Effect }>[] = [];
  readonly #timers = new Set<{ at: Millis; fire: () => void }>();
  readonly #charts = new Map<string, AnyActorRef>();
  readonly #reducers = new Map<string, { reducer: AnyReducer; step: Step<unknown> }>();
  readonly #mail: { to: string; event: AnyEvent }[] = [];
  #isBusy = false;

  chart(address: Address, machine: AnyStateMachine, input: unknown): void {
    const clearTimeout = (timer: { at: Millis; fire: () => void }) => void this.#timers.delete(timer);
    const actor = createActor(machine, { id: address, input, clock: { setTimeout: this.after.bind(this), clearTimeout } });
    actor.on("*", (emitted) => this.#carry((emitted as unknown as Emitted).effects));
    this.#charts.set(address, actor.start());
    this.#pump();
  }
  reducer<S, E, I>(address: Address, reducer: Reducer<S, E, I>, input: I): void {
    const step = reducer.start(input, this.now);
    this.#reducers.set(address, { reducer: reducer as unknown as AnyReducer, step });
    this.#carry(step.effects ?? []);
    this.#pump();
  }
  tell(to: Address, event: AnyEvent): void {
    this.#mail.push({ to, event });
    this.#pump();
  }
  after(fire: () => void, span: Millis): { at: Millis; fire: () => void } {
    // As the platform does with spans that are too long for it.
    const timer = { at: this.now + (span >= 2 ** 31 ? 1 : span), fire };
    this.#timers.add(timer);
    return timer;
  }
  advance(span: Millis): void {
    for (const end = this.now + span; ; ) {
      const timer = [...this.#timers].sort((one, other) => one.at - other.at)[0];
      const wakes = [...this.#reducers].map(([address, { step }]) => ({ address, at: step.wakeAt ?? Number.POSITIVE_INFINITY }));
      const wake = wakes.sort((one, other) => one.at - other.at)[0];
      this.now = Math.max(this.now, Math.min(end, timer?.at ?? end, wake?.at ?? end));
      if (timer && timer.at <= this.now) {
        this.#timers.delete(timer);
        timer.fire();
        this.#pump();
      } else if (wake && wake.at <= this.now) this.tell(wake.address as Address, { type: "wake" });
      else return;
    }
  }
  value(chart: Address): string {
    return String((this.#charts.get(chart)?.getSnapshot() as { value: unknown } | undefined)?.value);
  }
  /** The context of a chart, or the state of a reducer. */
  context(address: Address): unknown {
    const chart = this.#charts.get(address);
    return chart ? (chart.getSnapshot() as { context: unknown }).context : this.#reducers.get(address)?.step.state;
  }
  told(to: Address): Logged<AnyEvent>[] {
    return this.of("tell").flatMap((effect) => (effect.to === to ? [{ ...effect.event, at: effect.at }] : []));
  }
  of<K extends Effect["op"]>(op: K): Logged<Extract<Effect, { op: K }>>[] {
    return this.log.flatMap(({ at, effect }) => (effect.op === op ? [{ ...(effect as Extract<Effect, { op: K }>), at }] : []));
  }

  #carry(effects: readonly Effect[]): void {
    for (const effect of effects) {
      this.log.push({ at: this.now, effect });
      if (effect.op === "tell") this.#mail.push({ to: effect.to, event: effect.event });
      this.onEffect(effect);
    }
  }
  #pump(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let mail = this.#mail.shift(); mail; mail = this.#mail.shift()) {
      const event = { ...mail.event, at: this.now };
      const chart = this.#charts.get(mail.to);
      if ((chart?.getSnapshot() as { status: string } | undefined)?.status === "active") chart?.send(event);
      const hosted = this.#reducers.get(mail.to);
      if (!hosted) continue;
      hosted.step = hosted.reducer.receive(hosted.step.state, event);
      this.#carry(hosted.step.effects ?? []);
    }
    this.#isBusy = false;
  }
}
