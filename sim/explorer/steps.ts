/**
 * A chart as a pure function: snapshot and event in, snapshot and what it wants done out.
 *
 * The only file that touches what XState 5.33.3 does not promise: `machine.transition` with a scope of our own (one a machine,
 * reused: building one for each step costs six times the step), and the transitions in its inspection events.
 */
import {
  type AnyActorScope,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyTransitionDefinition,
  createActor,
  type InspectionEvent,
} from "xstate";
import type { Millis } from "../../machines/ports/ids.ts";
import type { Effect, Emitted } from "../../machines/protocol.ts";

export type Wish =
  | { readonly kind: "effects"; readonly effects: readonly Effect[] }
  | { readonly kind: "arm"; readonly id: string; readonly after: Millis }
  | { readonly kind: "disarm"; readonly id: string };
export interface Stepped {
  readonly snapshot: AnyMachineSnapshot;
  readonly wishes: readonly Wish[];
}

interface Executed {
  readonly type: string;
  readonly params: unknown;
}

export class Stepper {
  readonly #machine: AnyStateMachine;
  readonly #observe: (transition: AnyTransitionDefinition) => void;
  /** Worlds share snapshots, so the same step is asked for again and again. */
  readonly #known = new WeakMap<AnyMachineSnapshot, Map<string, Stepped>>();
  #scope: AnyActorScope | undefined;
  #wishes: Wish[] = [];

  /** `observe` is told of each transition that is taken, unless the same step was taken before. */
  constructor(machine: AnyStateMachine, observe: (transition: AnyTransitionDefinition) => void) {
    this.#machine = machine;
    this.#observe = observe;
  }

  start(input: unknown): Stepped {
    return this.#run((scope) => this.#machine.getInitialSnapshot(scope, input), input);
  }

  step(snapshot: AnyMachineSnapshot, event: AnyEventObject): Stepped {
    let known = this.#known.get(snapshot);
    if (!known) {
      known = new Map();
      this.#known.set(snapshot, known);
    }
    const key = JSON.stringify(event);
    let stepped = known.get(key);
    if (!stepped) {
      stepped = this.#run((scope) => this.#machine.transition(snapshot, event, scope), undefined);
      known.set(key, stepped);
    }
    return stepped;
  }

  #run(work: (scope: AnyActorScope) => AnyMachineSnapshot, input: unknown): Stepped {
    this.#scope ??= this.#makeScope(input);
    this.#wishes = [];
    const snapshot = work(this.#scope);
    return { snapshot, wishes: this.#wishes };
  }

  #makeScope(input: unknown): AnyActorScope {
    const self = createActor(this.#machine, { id: this.#machine.id, input, inspect: (event) => this.#inspect(event) });
    return {
      self,
      system: self.system,
      id: this.#machine.id,
      sessionId: this.#machine.id,
      logger: () => {},
      defer: () => {},
      stopChild: () => {},
      emit: () => {},
      actionExecutor: (action: Executed) => this.#wishes.push(...wishOf(action)),
    };
  }

  #inspect(event: InspectionEvent): void {
    if (event.type !== "@xstate.microstep") return;
    const { _transitions: transitions } = event;
    for (const transition of transitions) this.#observe(transition);
  }
}

const wishOf = ({ type, params }: Executed): Wish[] => {
  if (type === "xstate.emit") return [{ kind: "effects", effects: (params as { event: Emitted }).event.effects }];
  if (type === "xstate.raise") {
    const { id, delay } = params as { id?: string; delay?: number };
    return id !== undefined && delay !== undefined ? [{ kind: "arm", id, after: delay }] : [];
  }
  return type === "xstate.cancel" ? [{ kind: "disarm", id: (params as { sendId: string }).sendId }] : [];
};
