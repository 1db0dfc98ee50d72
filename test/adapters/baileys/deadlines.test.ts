import { describe, expect, it } from "vitest";
import type { Clock } from "../../../machines/ports/clock.ts";
import { Deadlines } from "../../../src/adapters/baileys/deadlines.ts";

/** A clock that the test turns. */
const handClock = () => {
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
  return { clock, turn, armed: () => armed, waiting: () => timers.length };
};

describe("deadlines", () => {
  it("fire at most 20 ms late and never early", () => {
    const { clock, turn } = handClock();
    const deadlines = new Deadlines(clock);
    const fired: number[] = [];
    for (const after of [5, 33, 100]) deadlines.add(after, () => fired.push(after));
    turn(1004);
    expect(fired).toEqual([]);
    turn(1053);
    expect(fired).toEqual([5, 33]);
    turn(1120);
    expect(fired).toEqual([5, 33, 100]);
  });

  it("share one timer, and none is left when all are cancelled or met", () => {
    const { clock, turn, armed, waiting } = handClock();
    const deadlines = new Deadlines(clock);
    const kept = Array.from({ length: 100 }, () => deadlines.add(1000, () => undefined));
    expect(armed()).toBe(1);
    for (const deadline of kept) deadline.cancel();
    expect(deadlines.size).toBe(0);
    turn(3000);
    expect(waiting()).toBe(0);
  });
});
