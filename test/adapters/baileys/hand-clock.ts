/** A clock that the test turns. */
import type { Clock } from "../../../machines/ports/clock.ts";

export const handClock = () => {
  let now = 1000;
  let timers: { at: number; fire: () => void }[] = [];
  let armed = 0;
  const clock: Clock = {
    now: () => now,
    setTimeout: (fire, after) => {
      armed += 1;
      const timer = { at: now + after, fire };
      timers.push(timer);
      return timer;
    },
    clearTimeout: (timer) => {
      timers = timers.filter((each) => each !== timer);
    },
  };
  const turn = (to: number): void => {
    for (;;) {
      const next = timers.filter(({ at }) => at <= to).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      timers = timers.filter((each) => each !== next);
      now = Math.max(now, next.at);
      next.fire();
    }
    now = to;
  };
  /** The process sleeps: what is due meanwhile fires at its end, late. */
  const sleep = (to: number): void => {
    now = to;
    turn(to);
  };
  return { clock, turn, sleep, armed: () => armed, waiting: () => timers.length };
};
