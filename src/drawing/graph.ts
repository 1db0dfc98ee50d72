/** A chart as a graph: states, and arrows with what triggers, guards and follows them. Pure; the order is the chart's own. */
import type { AnyStateMachine, AnyStateNode } from "xstate";

/** `id`s are paths with dots (`outer.inner`). The chart itself is drawn as ANY: what it takes in every state. */
export interface Graph {
  readonly name: string;
  readonly states: readonly State[];
  readonly arrows: readonly Arrow[];
}
export interface State {
  readonly id: string;
  readonly label: string;
  readonly parent: string | null;
  readonly isInitial: boolean;
  readonly isFinal: boolean;
  /** Names of what is done on the way in and out. */
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  /** Taken without leaving the state. */
  readonly inner: readonly Trigger[];
}
export interface Arrow {
  readonly from: string;
  readonly to: string;
  /** Several when one pair of states has several ways. */
  readonly triggers: readonly Trigger[];
}
export interface Trigger {
  /** The event's type; `after NAME` for a delay, `always` without an event. */
  readonly event: string;
  /** Of a delay: how long it is. */
  readonly length: string | null;
  readonly guard: string | null;
  readonly actions: readonly string[];
}

export const ANY = "any";

export const graphOf = (name: string, machine: AnyStateMachine, delays: Readonly<Record<string, string>> = {}): Graph => {
  const nodes = nodesOf(machine.root);
  const drawn = nodes.map((node) => ({ node, ways: waysOf(node, delays) }));
  const states = drawn.filter(({ node, ways }) => node.parent || ways.length > 0).map(({ node, ways }) => stateOf(node, ways));
  const arrows = new Map<string, Arrow>();
  for (const { node, ways } of drawn) {
    for (const { target, trigger } of ways) {
      if (target === null) continue;
      const key = `${idOf(node)} -> ${idOf(target)}`;
      const before = arrows.get(key);
      arrows.set(key, { from: idOf(node), to: idOf(target), triggers: [...(before?.triggers ?? []), trigger] });
    }
  }
  return { name, states, arrows: [...arrows.values()] };
};

const nodesOf = (node: AnyStateNode): AnyStateNode[] => [node, ...Object.values(node.states).flatMap(nodesOf)];
const idOf = (node: AnyStateNode): string => (node.parent ? node.path.join(".") : ANY);

const stateOf = (node: AnyStateNode, ways: readonly Way[]): State => ({
  id: idOf(node),
  label: node.parent ? node.key : "in any state",
  parent: node.parent?.parent ? idOf(node.parent) : null,
  isInitial: node.parent !== undefined && node.parent.initial.target[0] === node,
  isFinal: node.type === "final",
  entry: namesOf(node.entry),
  exit: namesOf(node.exit),
  inner: ways.filter(({ target }) => target === null).map(({ trigger }) => trigger),
});

interface Way {
  readonly target: AnyStateNode | null;
  readonly trigger: Trigger;
}

const waysOf = (node: AnyStateNode, delays: Readonly<Record<string, string>>): Way[] => {
  const after = new Map(node.after.map(({ eventType, delay }) => [eventType, String(delay)]));
  const eventful = [...node.transitions].flatMap(([event, transitions]) => transitions.map((one) => ({ event, one })));
  const eventless = (node.always ?? []).map((one) => ({ event: "always", one }));
  return [...eventless, ...eventful].map(({ event, one }) => {
    const delay = after.get(event);
    return {
      target: one.target?.[0] ?? null,
      trigger: {
        event: delay === undefined ? event.replace(/^xstate\.done\..*/, "done") : `after ${delay}`,
        length: delay === undefined ? null : (delays[delay] ?? null),
        guard: one.guard === undefined ? null : nameOf(one.guard),
        actions: namesOf(one.actions),
      },
    };
  });
};

/** Without what XState adds itself to start and stop the timers of delays. */
const namesOf = (actions: readonly unknown[]): string[] =>
  actions.filter((action) => !(typeof action === "function" && "type" in action)).map(nameOf);

/** The name under which setup() has it; parameters are left out. */
const nameOf = (thing: unknown): string => {
  if (typeof thing === "string") return thing;
  return typeof thing === "object" && thing !== null && "type" in thing ? String(thing.type) : "(in place)";
};
