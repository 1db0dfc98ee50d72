import { expect, it } from "vitest";
import { systemClock } from "../../src/runtime/clock.ts";

it("a timer that is longer than Node's longest does not fire at once: what waits a month would be looked at a thousand times a second", async () => {
  const fired: string[] = [];
  const timers = [2 ** 31, 30 * 86_400_000, 1e15].map((after) => systemClock.setTimeout(() => fired.push(String(after)), after));
  // Node fires in the order of due times.
  await new Promise((resolve) => systemClock.setTimeout(() => resolve(undefined), 5));
  for (const timer of timers) systemClock.clearTimeout(timer);
  expect(fired).toEqual([]);
});
