/** The strategies that there are, by name. Who composes a node may add others; ours can't be replaced. */
import { geo } from "./geo.ts";
import { leastLoaded } from "./least-loaded.ts";
import { priority } from "./priority.ts";
import { roundRobin } from "./round-robin.ts";
import type { Strategy } from "./strategy.ts";

export const STRATEGIES = ["round-robin", "priority", "least-loaded", "geo"] as const;
const OURS: readonly Strategy[] = [roundRobin, priority, leastLoaded, geo];

export const isBuiltIn = (name: string): boolean => OURS.some((strategy) => strategy.name === name);

/** Throws if a name is taken: two strategies of one name can't be told apart in what is said about them. */
export const strategiesBy = (own: readonly Strategy[] = []): ReadonlyMap<string, Strategy> => {
  const known = new Map(OURS.map((strategy) => [strategy.name, strategy]));
  for (const strategy of own) {
    if (known.has(strategy.name)) throw new RangeError(`there is a strategy ${strategy.name} already: give yours another name`);
    known.set(strategy.name, strategy);
  }
  return known;
};
