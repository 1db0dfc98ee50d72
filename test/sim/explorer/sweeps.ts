/** Sweeps with one cast, and their figures in words. */
import type { Sweep } from "../../../sim/explorer/bounds.ts";
import { Search, type Found } from "../../../sim/explorer/search.ts";
import { Cast } from "../../../sim/explorer/world.ts";

interface Swept extends Found {
  readonly name: string;
}

export const swept = (sweeps: readonly Sweep[]): { found: readonly Swept[]; cast: Cast } => {
  const cast = new Cast();
  return { found: sweeps.map(({ name, bounds }) => ({ name, ...new Search(bounds, cast).run() })), cast };
};

export const printed = (found: readonly Swept[]): string =>
  found
    .map(({ name, states, transitions, depth }) => `${name}: ${states} states, ${transitions} steps tried, ${depth} deep\n`)
    .join("");
