import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { begin, FLOOR, PLAY, type Reading, step, type Trend } from "../../machines/delivery/balance/trend.ts";

interface At {
  readonly reading: Reading;
  readonly after: number;
}
const readings: fc.Arbitrary<Reading> = fc.record({
  slowness: fc.double({ min: 0, max: 20, noNaN: true }),
  errors: fc.double({ min: 0, max: 1, noNaN: true }),
});
const spans = fc.integer({ min: 0, max: 20_000 });
const stories = fc.array(fc.record({ reading: readings, after: spans }), { maxLength: 60 });
const WELL: Reading = { slowness: 1, errors: 0 };

/** The trend after each reading. */
const play = (story: readonly At[], from: Trend = begin(0)): Trend[] => {
  let trend = from;
  return story.map(({ reading, after }) => (trend = step(trend, reading, trend.at + after)));
};
const lasting = (reading: Reading, seconds: number, from?: Trend): Trend =>
  play(
    Array.from({ length: seconds }, () => ({ reading, after: 1000 })),
    from,
  ).at(-1) ?? begin(0);

describe("the trend of a seat", () => {
  it("stays between the floor and the whole weight", () => {
    fc.assert(
      fc.property(stories, (story) => {
        for (const { share } of play(story)) expect(Math.min(Math.max(share, FLOOR), 1)).toBe(share);
      }),
    );
  });

  it("gives a seat that was never better no more than one that was never worse", () => {
    const pairs = fc.array(
      fc.record({
        reading: readings,
        worse: fc.record({
          slowness: fc.double({ min: 0, max: 10, noNaN: true }),
          errors: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
        after: spans,
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(pairs, (story) => {
        const better = play(story);
        const worse = play(
          story.map(({ reading, worse: by, after }) => ({
            reading: { slowness: reading.slowness + by.slowness, errors: Math.min(1, reading.errors + by.errors) },
            after,
          })),
        );
        for (const [no, { share }] of worse.entries()) expect(share).toBeLessThanOrEqual((better[no]?.share ?? 0) + 1e-12);
      }),
    );
  });

  it("does not move for readings that waver within the play, and so can't oscillate with them", () => {
    // A fifth of what errors may be between well and worst is a fifth of 1 - floor + play: less than the play.
    const wavering = fc.array(fc.record({ by: fc.double({ min: 0, max: 0.1, noNaN: true }), after: spans }), { maxLength: 60 });
    expect(0.2 * (1 - FLOOR + PLAY)).toBeLessThan(PLAY);
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 0.5, noNaN: true }), wavering, (errors, waves) => {
        const settled = lasting({ slowness: 1, errors: errors + 0.1 }, 600);
        const later = play(
          waves.map(({ by, after }) => ({ reading: { slowness: 1, errors: errors + by }, after })),
          lasting({ slowness: 1, errors }, 600, settled),
        );
        const goals = new Set(later.map(({ goal }) => goal));
        expect(goals.size).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("makes no jumps: in a second it goes no more than a fifth of what there is", () => {
    fc.assert(
      fc.property(fc.array(readings, { maxLength: 60 }), (story) => {
        const shares = [1, ...play(story.map((reading) => ({ reading, after: 1000 }))).map(({ share }) => share)];
        for (const [no, share] of shares.entries()) expect(Math.abs(share - (shares[no - 1] ?? share))).toBeLessThan(0.2);
      }),
    );
  });

  it("does not depend on how often it is read", () => {
    fc.assert(
      fc.property(readings, fc.integer({ min: 1, max: 100 }), (reading, parts) => {
        const once = step(begin(0), reading, 10_000);
        const often = play(Array.from({ length: parts }, () => ({ reading, after: 10_000 / parts }))).at(-1);
        expect(often?.share).toBeCloseTo(once.share, 9);
      }),
    );
  });

  it("sheds within seconds, and gives everything back in a few minutes", () => {
    const bad = lasting({ slowness: 8, errors: 0 }, 15);
    expect(bad.share).toBeLessThan(0.15);
    expect(lasting({ slowness: 1, errors: 0.7 }, 15).share).toBeLessThan(0.15);
    expect(lasting(WELL, 15, bad).share).toBeLessThan(0.6);
    expect(lasting(WELL, 240, bad).share).toBeGreaterThan(0.999);
    // One slow answer among ordinary ones is no trend.
    expect(lasting({ slowness: 2.8, errors: 0 }, 15).share).toBe(1);
  });
});
