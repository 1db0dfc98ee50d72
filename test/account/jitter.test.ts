import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoff, draw, hash } from "../../machines/account/jitter.ts";

describe("a draw", () => {
  it("is that of Mulberry32 as published, and brings the next seed", () => {
    expect(draw(1).value).toBe(0.6270739405881613);
    const first = draw(0);
    expect([first.value, draw(first.seed).value]).toEqual([0.26642920868471265, 0.0003297457005828619]);
  });
});

describe("the hash of a name", () => {
  it("is that of FNV-1a as published", () => {
    expect(["", "a", "foobar"].map(hash)).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968]);
  });
});

describe("a pause", () => {
  it("doubles with each try, and is spread by a fifth to either side", () => {
    expect([0, 1, 2, 3].map((times) => backoff(500, 60_000, times, 0.5))).toEqual([500, 1000, 2000, 4000]);
    expect([0, 0.25, 0.75].map((value) => backoff(500, 60_000, 1, value))).toEqual([800, 900, 1100]);
  });

  it("is never longer than the cap, whatever is drawn and however often it was tried, and a whole number", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.nat(2000),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (base, times, value) => {
          const pause = backoff(base, 60_000, times, value);
          expect(pause).toBeLessThanOrEqual(60_000);
          expect(pause).toBeGreaterThanOrEqual(Math.floor(Math.min(60_000, base) * 0.8));
          expect(Number.isInteger(pause)).toBe(true);
        },
      ),
    );
    expect(backoff(500, 60_000, 50, 0)).toBe(48_000);
    expect(backoff(500, 60_000, 50, 0.9)).toBe(60_000);
  });
});
