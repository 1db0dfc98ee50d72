import type { Clock } from "../../machines/ports/clock.ts";
import type { Millis } from "../../machines/ports/ids.ts";

/** Some 25 days. Node fires a longer timer at once; this one fires early, and whoever has to wait longer waits again. */
const LONGEST: Millis = 2 ** 31 - 1;

/** Wall time that never goes back: the epoch at start plus the monotonic clock, so a stepped system clock moves no deadline. */
export const systemClock: Clock = {
  now: () => Math.round(performance.timeOrigin + performance.now()),
  setTimeout: (fire, after) => setTimeout(fire, Math.min(after, LONGEST)),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
