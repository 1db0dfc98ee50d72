/**
 * VIPs first: contacts of a tier get the seat where they wait least, the others are shared out in turn over the seats that are
 * not kept free for them. Which message of a seat leaves first is the queue's business: see `urgencyOf`.
 */
import { type Newcomer, NOBODY, type Policy, type Strategy, type Tiers } from "./strategy.ts";
import { leastWaiting } from "./least-loaded.ts";
import { inTurn } from "./round-robin.ts";
import { placesOf, Turns } from "./turns.ts";

const ORDINARY = 5;
const MOST_URGENT = 9;

/** What a message to that contact is worth in the queue unless whoever sends says otherwise: 9, 8, 7, 6 by tier, 5 without. */
export const urgencyOf = ({ tiers }: Tiers, tier: string | null): number => {
  const rank = tier === null ? -1 : tiers.indexOf(tier);
  return rank < 0 ? ORDINARY : Math.max(ORDINARY + 1, MOST_URGENT - rank);
};

export const priority: Strategy = {
  name: "priority",
  begin: ({ masters, priority: { tiers, reserved } }, seats): Policy => {
    const kept = new Set(masters.slice(0, reserved));
    const open = new Turns(placesOf(seats).filter((place) => !kept.has(seats.account(place))));
    const ranked = leastWaiting(seats);
    const anywhere = inTurn(seats);
    return (_, newcomer, at) => {
      if (hasTier(newcomer, tiers)) return ranked(seats, newcomer, at);
      const place = open.next(seats.able, seats.weights);
      return place !== NOBODY ? place : anywhere(seats, newcomer, at);
    };
  },
};

const hasTier = ({ tier }: Newcomer, tiers: readonly string[]): boolean => tier !== null && tiers.includes(tier);
