/** Sometimes: which transitions of the charts were taken. What no seed ever takes is either dead or untested. */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { ACTORS } from "../../machines/driver/actors.ts";

const isChart = (actor: unknown): actor is AnyStateMachine => typeof actor === "object" && actor !== null && "root" in actor;

const nodesOf = (node: AnyStateNode): AnyStateNode[] => [node, ...Object.values(node.states).flatMap(nodesOf)];
const transitionsOf = (machine: AnyStateMachine): AnyTransitionDefinition[] =>
  nodesOf(machine.root).flatMap((node) => [...[...node.transitions.values()].flat(), ...(node.always ?? [])]);

/** "seat: serving + holder.failed → asking". */
const nameOf = (kind: string, transition: AnyTransitionDefinition): string => {
  const { source, eventType, target, guard } = transition;
  const from = source.parent ? source.key : "any";
  const to = target?.[0]?.key ?? "same";
  const after = /^xstate\.after\.(.+?)\..*$/.exec(eventType);
  const event = eventType === "" ? "always" : after ? `after ${after[1]}` : eventType;
  const condition =
    guard === undefined ? "" : ` if ${typeof guard === "string" ? guard : ((guard as { type?: string }).type ?? "?")}`;
  return `${kind}: ${from} + ${event}${condition} → ${to}`;
};

/** Every transition that a chart has, by name, in order. */
export const allTransitions: readonly string[] = Object.entries(ACTORS)
  .flatMap(([kind, actor]) => (isChart(actor) ? transitionsOf(actor).map((transition) => nameOf(kind, transition)) : []))
  .filter((name, i, all) => all.indexOf(name) === i);

/** Counts what was taken over any number of runs. */
export class Coverage {
  readonly #names = new Map<AnyTransitionDefinition, string>();
  readonly taken = new Map<string, number>();

  readonly observe = (kind: string, transition: AnyTransitionDefinition): void => {
    let name = this.#names.get(transition);
    if (name === undefined) {
      name = nameOf(kind, transition);
      this.#names.set(transition, name);
    }
    this.taken.set(name, (this.taken.get(name) ?? 0) + 1);
  };
}
