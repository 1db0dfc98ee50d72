/** A graph as a Mermaid state diagram, for pages that render it. */
import type { Graph, State, Trigger } from "./graph.ts";

export const mermaidOf = ({ states, arrows }: Graph): string => {
  const inside = (parent: string | null, depth: number): string[] =>
    states.filter((state) => state.parent === parent).flatMap((state) => declare(state, depth, inside(state.id, depth + 1)));
  const starts = states.filter(({ isInitial, parent }) => isInitial && parent === null).map(({ id }) => `  [*] --> ${safe(id)}`);
  const moves = arrows.flatMap(({ from, to, triggers }) =>
    triggers.map((trigger) => `  ${safe(from)} --> ${safe(to)}: ${text(trigger)}`),
  );
  const ends = states.filter(({ isFinal }) => isFinal).map(({ id }) => `  ${safe(id)} --> [*]`);
  return ["stateDiagram-v2", ...inside(null, 1), ...starts, ...moves, ...ends, ""].join("\n");
};

const declare = ({ id, label, isInitial, parent }: State, depth: number, children: readonly string[]): string[] => {
  const indent = "  ".repeat(depth);
  const start = isInitial && parent !== null ? [`${indent}[*] --> ${safe(id)}`] : [];
  const head = `${indent}state "${label}" as ${safe(id)}`;
  return children.length > 0 ? [`${head} {`, ...children, `${indent}}`, ...start] : [head, ...start];
};

/** Mermaid knows no dots in names, and `:` and `;` end a label. */
const safe = (id: string): string => id.replaceAll(".", "__");
const text = ({ event, length, guard }: Trigger): string =>
  `${event}${length ? ` (${length})` : ""}${guard ? ` [${guard}]` : ""}`.replaceAll(/[:;#]/g, ",");
