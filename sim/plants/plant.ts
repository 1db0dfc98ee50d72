/** A planted bug: one actor or port replaced by a version with a realistic mistake in it, and who has to notice. */
import { type AnyStateMachine, emit } from "xstate";
import { ACTORS, type Actors } from "../../machines/driver/actors.ts";
import type { Effect, Emitted, Step } from "../../machines/protocol.ts";
import type { FaultKind } from "../faults/catalogue.ts";
import type { FleetSettings } from "../plan/plan.ts";
import type { RunOptions } from "../plan/run.ts";

export interface Plant {
  readonly name: string;
  /** The mistake, in a sentence. */
  readonly says: string;
  /** The property that must break. */
  readonly caughtBy: string;
  /** What a run is given in the place of what is sound; made anew for each, because some remember. */
  readonly parts: () => Pick<RunOptions, "actors" | "gate" | "deviceStore" | "nodeStore" | "config">;
  /** What the runs are drawn from: the swarm, unless the mistake shows only where there is much to do, or where seats are moved by plan. */
  readonly profile?: "work";
  /** What the runs are set to, if the mistake shows nowhere else. */
  readonly settings?: FleetSettings;
  /** The kinds of fault among which they draw: all, unless the mistake needs two of a few. */
  readonly kinds?: readonly FaultKind[];
}

type Charts = { readonly [K in keyof Actors as Actors[K] extends AnyStateMachine ? K : never]: AnyStateMachine };
type Kind = keyof Charts;
type Reducers = Omit<Actors, Kind>;

/** Named guards, actions or delays of one chart, replaced. */
export const inChart = (kind: Kind, implementations: object, base: Actors = ACTORS): Actors => ({
  ...base,
  [kind]: (base[kind] as unknown as { provide(parts: object): AnyStateMachine }).provide(implementations),
});

type EmitAction = { readonly event: (args: never, params: never) => Emitted };

/** What a named action of a chart asks for, changed on its way out. */
export const inEffects = (
  kind: Kind,
  action: string,
  change: (effect: Effect) => readonly Effect[],
  base: Actors = ACTORS,
): Actors => {
  const original = ACTORS[kind].implementations.actions[action] as unknown as EmitAction;
  const changed = emit((args, params) => {
    const emitted = original.event(args as never, params as never);
    return { ...emitted, effects: emitted.effects.flatMap((effect) => change(effect)) };
  });
  return inChart(kind, { actions: { [action]: changed } }, base);
};

type Received<K extends keyof Reducers> = Parameters<Reducers[K]["receive"]>[1];
type Given<K extends keyof Reducers> = Parameters<Reducers[K]["start"]>[0];
interface Twist<K extends keyof Reducers> {
  readonly input?: (input: Given<K>) => Given<K>;
  /** What is received instead of an event. */
  readonly events?: (event: Received<K>) => readonly Received<K>[];
  readonly effects?: (effects: readonly Effect[]) => readonly Effect[];
}

/** A reducer that is started with, hears, or asks for something else than it should. */
export const inReducer = <K extends keyof Reducers>(kind: K, twist: Twist<K>): Actors => {
  const { input = (same) => same, events = (event) => [event], effects = (same) => same } = twist;
  const base = ACTORS[kind] as unknown as {
    start(input: Given<K>, at: number): Step<unknown>;
    receive(state: unknown, event: Received<K>): Step<unknown>;
  };
  const twisted = (step: Step<unknown>): Step<unknown> => ({ ...step, effects: effects(step.effects ?? []) });
  return {
    ...ACTORS,
    [kind]: {
      start: (given: Given<K>, at: number) => twisted(base.start(input(given), at)),
      receive: (state: unknown, event: Received<K>) => {
        let last: Step<unknown> = { state, effects: [], wakeAt: null };
        const all: Effect[] = [];
        const heard = events(event);
        for (const each of heard.length > 0 ? heard : [{ type: "wake", at: event.at } as Received<K>]) {
          last = base.receive(last.state, each);
          all.push(...(last.effects ?? []));
        }
        return twisted({ ...last, effects: all });
      },
    },
  };
};

/** In the place of an action: it is forgotten. */
export const nothing = (): void => {};
