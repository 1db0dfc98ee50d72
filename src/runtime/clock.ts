import type { Clock } from "../../machines/ports/clock.ts";

/** Wall time that never goes back: the epoch at start plus the monotonic clock, so a stepped system clock moves no deadline. */
export const systemClock: Clock = {
  now: () => Math.round(performance.timeOrigin + performance.now()),
  setTimeout: (fire, after) => setTimeout(fire, after),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
