/**
 * Near the contact: its region's seats in turn, and when none of them can, those of the region next to it. A contact's region is
 * the one that whoever sends has named, else its country's, else the line's `otherwise`; without any, every seat is as near. A seat
 * for which another number speaks at present is in no region.
 */
import { type Geography, type Newcomer, NOBODY, type Policy, type Seats, type Strategy } from "./strategy.ts";
import { inTurn } from "./round-robin.ts";
import { placesOf, Turns } from "./turns.ts";

export const geo: Strategy = {
  name: "geo",
  begin: ({ geo: geography }, seats): Policy => {
    const turns = new Map(geography.regions.map(({ name, masters }) => [name, new Turns(placesIn(seats, masters))]));
    const ways = new Map(
      geography.regions.map(({ name }) => [name, nearestFirst(geography, name).map((each) => turns.get(each))]),
    );
    const anywhere = inTurn(seats);
    const home = homes(geography);
    return (_, newcomer, at) => {
      if (seats.eligible === 0) return NOBODY;
      for (const region of ways.get(home(newcomer) ?? "") ?? []) {
        const place = region?.next(seats.atHome, seats.weights) ?? NOBODY;
        if (place !== NOBODY) return place;
      }
      return anywhere(seats, newcomer, at);
    };
  },
};

/** All regions, the nearest first; those that no distance names come last, in the order in which they stand. */
export const nearestFirst = ({ regions }: Geography, from: string): readonly string[] => {
  const named = new Map(regions.map((region) => [region.name, region]));
  const distance = (to: string): number =>
    to === from ? -1 : (named.get(from)?.distances[to] ?? named.get(to)?.distances[from] ?? Number.MAX_VALUE);
  return regions.map(({ name }) => name).toSorted((one, other) => distance(one) - distance(other));
};

const homes = ({ regions, otherwise }: Geography): ((newcomer: Newcomer) => string | null) => {
  const byCountry = new Map(regions.flatMap(({ name, countries }) => countries.map((country) => [country, name])));
  const known = new Set(regions.map(({ name }) => name));
  return ({ country, region }) => {
    if (region !== null && known.has(region)) return region;
    return (country === null ? undefined : byCountry.get(country)) ?? otherwise;
  };
};

const placesIn = (seats: Seats, masters: readonly string[]): readonly number[] =>
  placesOf(seats).filter((place) => masters.includes(seats.account(place)));
