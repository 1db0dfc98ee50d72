/**
 * Reads the transition table in a machine file's header, and the transitions of its chart, so that both can be compared.
 *
 * How a row looks: `| from | event | to |`, one for each transition, none left out.
 * - from: the state's name (`outer.inner` for a nested one), or `any` for a transition of the chart itself.
 * - event: the event's type; `after NAME` for a delay, with the name under which setup() defines it; `always` for an eventless one;
 *   `done` for onDone. A guard follows as ` if NAME`, by its name in setup(). Several rows of one state and event stand in the order
 *   in which the chart tries them.
 * - to: the target's name. A transition without a target goes to `same`; one to its own state may say `same` or the state's name.
 * - A state that only chooses where to start (nothing but `always`) may be left out altogether.
 */
import { globSync, readFileSync } from "node:fs";
import { type AnyStateMachine, type AnyStateNode, StateMachine } from "xstate";

export interface Row {
  readonly from: string;
  readonly event: string;
  readonly to: string;
}
export interface MachineFile {
  readonly path: string;
  readonly name: string;
  readonly machine: AnyStateMachine;
  readonly header: readonly Row[];
}

export const machineFiles = async (root: URL): Promise<readonly MachineFile[]> => {
  const found: MachineFile[] = [];
  for (const path of globSync("machines/**/*.ts", { cwd: root }).sort()) {
    const module = (await import(new URL(path, root).href)) as Record<string, unknown>;
    for (const [name, value] of Object.entries(module))
      if (value instanceof StateMachine)
        found.push({
          path,
          name,
          machine: value as AnyStateMachine,
          header: headerOf(readFileSync(new URL(path, root), "utf8")),
        });
  }
  return found;
};

/** The rows in the first comment of a file. */
export const headerOf = (source: string): readonly Row[] => {
  const comment = source.slice(0, source.indexOf("*/"));
  return [...comment.matchAll(/^ \* \|(.+)\|\s*$/gm)]
    .map(([, cells = ""]) => cells.split("|").map((cell) => cell.trim()))
    .flatMap(([from = "", event = "", to = "", ...more]) => {
      if (more.length > 0) throw new Error(`not three cells: | ${[from, event, to, ...more].join(" | ")} |`);
      return from === "from" || /^-+$/.test(from) ? [] : [{ from, event, to }];
    });
};

const nameOf = (node: AnyStateNode): string => (node.parent ? node.path.join(".") : "any");
export const nodesOf = (machine: AnyStateMachine): readonly AnyStateNode[] => {
  const walk = (node: AnyStateNode): AnyStateNode[] => [node, ...Object.values(node.states).flatMap(walk)];
  return walk(machine.root);
};
const isStart = (node: AnyStateNode): boolean =>
  (node.always?.length ?? 0) > 0 && [...node.transitions.values()].flat().length === 0;

/** The name of a guard or an action, `undefined` for a function in place. */
export const named = (thing: unknown): string | undefined => {
  if (typeof thing === "string") return thing;
  return typeof thing === "object" && thing !== null && "type" in thing ? String(thing.type) : undefined;
};

type Transition = AnyStateNode["transitions"] extends Map<string, (infer T)[]> ? T : never;

/** What the chart says, in the words of a table. `optional`: rows that a table may leave out. */
export const rowsOf = (machine: AnyStateMachine): readonly (Row & { readonly optional: boolean })[] =>
  nodesOf(machine).flatMap((node) => {
    const after = new Map(node.after.map((transition) => [transition.eventType, String(transition.delay)]));
    const row = (event: string, transition: Transition) => {
      const guard = transition.guard === undefined ? "" : ` if ${named(transition.guard) ?? "(a function in place)"}`;
      const target = transition.target?.[0];
      return {
        from: nameOf(node),
        event: `${event}${guard}`,
        to: target && target !== node ? nameOf(target) : "same",
        optional: isStart(node),
      };
    };
    return [
      ...(node.always ?? []).map((transition) => row("always", transition)),
      ...[...node.transitions].flatMap(([event, transitions]) => {
        const delay = after.get(event);
        const words = delay === undefined ? (event.startsWith("xstate.done.") ? "done" : event) : `after ${delay}`;
        return transitions.map((transition) => row(words, transition));
      }),
    ];
  });

/** A row as one line, with own names of targets put as `same`. */
export const line = ({ from, event, to }: Row): string => `| ${from} | ${event} | ${to === from ? "same" : to} |`;
