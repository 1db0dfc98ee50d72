/** What is lit in the chart of an actor: the state that it is in, and the arrow that led there. */
import { ANY } from "../../drawing/graph.ts";
import type { Drawing } from "../../drawing/layout.ts";
import type { Stand } from "./reel.ts";

export const lightsOf = ({ arrows }: Drawing, { state, before }: Stand): ReadonlySet<string> => {
  if (state === null) return new Set();
  const lit = new Set(pathOf(state));
  const froms = before === null ? [] : [...pathOf(before).toReversed(), ANY];
  for (const from of froms) {
    const arrow = arrows.find((each) => each.from === from && lit.has(each.to));
    if (arrow) return lit.add(`${arrow.from} -> ${arrow.to}`);
  }
  return lit;
};

/** "a.b" is in "a" too. */
const pathOf = (state: string): string[] => {
  const parts = state.split(".");
  return parts.map((_part, place) => parts.slice(0, place + 1).join("."));
};
