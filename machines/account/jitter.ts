/**
 * Randomness as a value: the next draw and the next seed are functions of the seed, so a chart stays pure and a journal replays.
 * Mulberry32 (Tommy Ettinger's generator as published by bryc): 32 bits of state, good enough to spread dials.
 */
export interface Draw {
  /** 0 up to, never reaching, 1. */
  readonly value: number;
  readonly seed: number;
}

export const draw = (seed: number): Draw => {
  const next = (seed + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(next ^ (next >>> 15), next | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return { value: ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32, seed: next };
};

/** FNV-1a: a seed, or a place in a schedule, from a name. */
export const hash = (name: string): number => {
  let sum = 0x811c9dc5;
  for (let index = 0; index < name.length; index++) sum = Math.imul(sum ^ name.charCodeAt(index), 0x01000193) >>> 0;
  return sum;
};

/** `base` doubled `times` times, at most `cap`, then spread by a fifth to either side, still at most `cap`. Whole milliseconds. */
export const backoff = (base: number, cap: number, times: number, value: number): number =>
  Math.min(cap, Math.round(Math.min(cap, base * 2 ** Math.min(times, 30)) * (0.8 + 0.4 * value)));
