import { describe, expect, it } from "vitest";
import { Deadlines } from "../../../src/adapters/baileys/deadlines.ts";
import { handClock } from "./hand-clock.ts";

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
