/**
 * What a seat's trend leaves of its weight: a seat that gets slower than it used to be, or where attempts come to nothing, is
 * given fewer new conversations before it fails, and gets its weight back once it is well.
 *
 * The goal follows the readings with some play, so that readings which waver by less move nothing; the share follows the goal
 * smoothly, down faster than up. Laws (test/delivery/trend.test.ts): between FLOOR and 1; worse readings never give more; readings that
 * waver within the play don't move it; no jumps; a seat that stays well has all of its weight.
 */
import type { Millis } from "../../ports/ids.ts";

export interface Reading {
  /** Time to answer, as a multiple of what is usual for the seat. */
  readonly slowness: number;
  /** Share of attempts that came to nothing, 0 to 1. */
  readonly errors: number;
}
export interface Trend {
  readonly share: number;
  readonly goal: number;
  readonly at: Millis;
}

/** Never less: somebody has to find out that it is well again. */
export const FLOOR = 0.05;
export const PLAY = 0.25;
/** Time in which two thirds of the way are gone. */
const DOWN: Millis = 5_000;
const UP: Millis = 30_000;
/** Up to the first all is well; at the second nothing is left. */
const SLOWNESS = { well: 2, worst: 6 };
const ERRORS = { well: 0.1, worst: 0.6 };

export const begin = (at: Millis): Trend => ({ share: 1, goal: 1, at });

export const step = ({ share, goal, at: before }: Trend, reading: Reading, at: Millis): Trend => {
  const wanted = wantedBy(reading);
  const moved = Math.min(Math.max(goal, wanted), Math.max(FLOOR, wanted + PLAY));
  const way = 1 - Math.exp(-Math.max(0, at - before) / (moved < share ? DOWN : UP));
  return { share: share + (moved - share) * way, goal: moved, at: Math.max(before, at) };
};

/** 1: all of its weight; falls in a straight line with either, to as much below the floor as there is play. */
const wantedBy = ({ slowness, errors }: Reading): number => {
  const left = Math.min(leftOf(slowness, SLOWNESS), leftOf(errors, ERRORS));
  return FLOOR - PLAY + left * (1 - FLOOR + PLAY);
};

const leftOf = (value: number, { well, worst }: { readonly well: number; readonly worst: number }): number =>
  Math.min(1, Math.max(0, (worst - value) / (worst - well)));
