/** How much memory a thread of `greenroom chaos` gets, and how V8 keeps it. */

/** MiB. */
export interface Memory {
  /** A third of it can be filled: by a run as a whole, mostly, so that it is cleared between two of them (`worker.ts`). */
  readonly nursery: number;
  /** What runs may leave behind before V8 looks for what is dead among it. */
  readonly leftBehind: number;
}
/** A thread's: more save little. Where less is available it is slower. */
export const memoryOf = (jobs: number): Memory => {
  const quarter = Math.floor(process.availableMemory() / 2 ** 20 / jobs / 4);
  return { nursery: Math.max(48, Math.min(288, quarter)), leftBehind: Math.max(64, Math.min(256, quarter)) };
};

/**
 * How V8 keeps the memory of a thread that does one run after the other. Its defaults are made for programs that last: it cleans up
 * every few dozen runs, and what nobody uses between two runs (the shapes of a fleet's objects, code compiled for its closures) is
 * gone then and made anew, a sixth of all work (docs/decisions/0025).
 */
export const flagsFor = ({ nursery, leftBehind }: Memory): readonly string[] => [
  // Each thread has a core to itself: helpers that V8 starts for its nursery take that of another one.
  "--no-parallel-scavenge",
  "--expose-gc",
  // Half of what a nursery may fill, for V8 doubles it.
  `--scavenger-max-new-space-capacity-mb=${Math.ceil(nursery / 6)}`,
  `--initial-old-space-size=${leftBehind}`,
  "--retain-maps-for-n-gc=1000000",
  "--no-flush-bytecode",
  "--no-allocation-site-pretenuring",
];
