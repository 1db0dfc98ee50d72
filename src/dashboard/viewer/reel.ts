/** A film made ready to be asked what was so at a moment: columns as typed arrays, each actor's own steps, and its bands of state. */
import { type Film, GONE, NO_STATE } from "../../../machines/driver/film.ts";

export interface Reel {
  readonly film: Film;
  /** One row a step, in order of time. */
  readonly at: Float64Array;
  readonly actor: Int32Array;
  readonly cause: Int32Array;
  readonly event: Int32Array;
  readonly state: Int32Array;
  /** Rows of actor `a`, in order: `own[ownFrom[a]]` up to before `own[ownFrom[a + 1]]`. */
  readonly own: Int32Array;
  readonly ownFrom: Int32Array;
  /** As `own`, but only rows at which the actor's state became another. */
  readonly turns: Int32Array;
  readonly turnsFrom: Int32Array;
}

export interface Band {
  readonly from: number;
  readonly to: number;
  /** Place in the film's states. */
  readonly state: number;
}

export const reelOf = (film: Film): Reel => {
  const { steps } = film;
  const count = steps.after.length;
  const at = new Float64Array(count);
  let now = film.from;
  for (let row = 0; row < count; row++) {
    now += steps.after[row] ?? 0;
    at[row] = now;
  }
  const actor = Int32Array.from(steps.actor);
  const state = Int32Array.from(steps.state);
  const { rows: own, from: ownFrom } = grouped(actor, film.actors.length, () => true);
  const last = new Int32Array(film.actors.length).fill(GONE);
  const { rows: turns, from: turnsFrom } = grouped(actor, film.actors.length, (row) => {
    const who = actor[row] as number;
    const becomes = state[row] as number;
    if (becomes === NO_STATE || becomes === last[who]) return false;
    last[who] = becomes;
    return true;
  });
  const [cause, event] = [Int32Array.from(steps.cause), Int32Array.from(steps.event)];
  return { film, at, actor, cause, event, state, own, ownFrom, turns, turnsFrom };
};

/** Rows by actor. `takes` is asked once for each row, in order. */
const grouped = (actor: Int32Array, actors: number, takes: (row: number) => boolean): { rows: Int32Array; from: Int32Array } => {
  const taken = new Uint8Array(actor.length);
  const from = new Int32Array(actors + 1);
  for (let row = 0; row < actor.length; row++) {
    if (!takes(row)) continue;
    taken[row] = 1;
    const next = (actor[row] as number) + 1;
    from[next] = (from[next] as number) + 1;
  }
  for (let place = 1; place <= actors; place++) from[place] = (from[place] as number) + (from[place - 1] as number);
  const rows = new Int32Array(from[actors] ?? 0);
  const filled = from.slice();
  for (let row = 0; row < actor.length; row++) {
    if (taken[row] === 0) continue;
    const who = actor[row] as number;
    const place = filled[who] as number;
    rows[place] = row;
    filled[who] = place + 1;
  }
  return { rows, from };
};

/** How many of `rows[from..to)` are not after `time`, as a place in `rows`. */
const upTo = (reel: Reel, rows: Int32Array | null, from: number, to: number, time: number): number => {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const row = rows === null ? middle : (rows[middle] as number);
    if ((reel.at[row] as number) <= time) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** The last row at or before `time`; -1: none. */
export const rowAt = (reel: Reel, time: number): number => upTo(reel, null, 0, reel.at.length, time) - 1;

/** The last row of the actor at or before `time`; -1: none. */
export const ownRowAt = (reel: Reel, actor: number, time: number): number => {
  const from = reel.ownFrom[actor] ?? 0;
  const place = upTo(reel, reel.own, from, reel.ownFrom[actor + 1] ?? from, time);
  return place > from ? (reel.own[place - 1] as number) : -1;
};

/** Rows of the actor at or before `time`, newest first, at most `most`. */
export const ownRowsUpTo = (reel: Reel, actor: number, time: number, most: number): number[] => {
  const from = reel.ownFrom[actor] ?? 0;
  const place = upTo(reel, reel.own, from, reel.ownFrom[actor + 1] ?? from, time);
  return [...reel.own.subarray(Math.max(from, place - most), place)].toReversed();
};

export interface Stand {
  /** In words; null: it is not there. */
  readonly state: string | null;
  readonly since: number;
  /** The state before it, if the actor had one. */
  readonly before: string | null;
}

/** How an actor stood at a moment; undefined: it had not begun. */
export const standAt = (reel: Reel, actor: number, time: number): Stand | undefined => {
  const from = reel.turnsFrom[actor] ?? 0;
  const place = upTo(reel, reel.turns, from, reel.turnsFrom[actor + 1] ?? from, time);
  if (place === from) return undefined;
  const row = reel.turns[place - 1] as number;
  const earlier = place - 1 > from ? (reel.turns[place - 2] as number) : -1;
  return { state: stateOf(reel, row), since: reel.at[row] as number, before: earlier < 0 ? null : stateOf(reel, earlier) };
};

const stateOf = ({ film, state }: Reel, row: number): string | null => film.states[state[row] ?? GONE] ?? null;

/** Bands of an actor's states between two moments, in order, cut at neither end. */
export function* bandsOf(reel: Reel, actor: number, from: number, to: number): Generator<Band> {
  const first = reel.turnsFrom[actor] ?? 0;
  const end = reel.turnsFrom[actor + 1] ?? first;
  for (let place = Math.max(first, upTo(reel, reel.turns, first, end, from) - 1); place < end; place++) {
    const row = reel.turns[place] as number;
    const begins = reel.at[row] as number;
    if (begins > to) return;
    const ends = place + 1 < end ? (reel.at[reel.turns[place + 1] as number] as number) : reel.film.to;
    const state = reel.state[row] as number;
    if (state !== GONE) yield { from: begins, to: ends, state };
  }
}

/** The nearest moment of a step after (1) or before (-1) `time`, of one actor or of anybody; undefined: there is none. */
export const nextMoment = (reel: Reel, time: number, direction: 1 | -1, actor: number | null): number | undefined => {
  const rows = actor === null ? null : reel.own;
  const from = actor === null ? 0 : (reel.ownFrom[actor] ?? 0);
  const to = actor === null ? reel.at.length : (reel.ownFrom[actor + 1] ?? from);
  const timeAt = (place: number): number | undefined =>
    place < from || place >= to ? undefined : reel.at[rows === null ? place : (rows[place] as number)];
  if (direction === 1) return timeAt(upTo(reel, rows, from, to, time));
  // Before: the last one that is earlier, though several may be at `time` itself.
  return timeAt(upTo(reel, rows, from, to, time - 0.5) - 1);
};
