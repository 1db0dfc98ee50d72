import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LABEL_HEIGHT, placeLabels, type Wanted } from "../../../src/dashboard/viewer/labels.ts";

const any: fc.Arbitrary<Wanted[]> = fc.array(
  fc.record({
    text: fc.constantFrom("go", "holder.failed"),
    x: fc.integer({ min: 0, max: 300 }),
    width: fc.integer({ min: 10, max: 120 }),
    from: fc.integer({ min: 0, max: 400 }),
    to: fc.integer({ min: 0, max: 400 }),
  }),
  { maxLength: 40 },
);

describe("labels of arrows", () => {
  it("never lie over one another, and stay beside their arrow", () => {
    fc.assert(
      fc.property(any, (wanted) => {
        const placed = placeLabels(wanted);
        for (const [place, one] of placed.entries()) {
          expect(wanted.some(({ x, from, to }) => x === one.x && from <= one.y && one.y <= to)).toBe(true);
          for (const other of placed.slice(place + 1)) {
            const isAside = one.x + one.width <= other.x || other.x + other.width <= one.x;
            expect(isAside || Math.abs(one.y - other.y) >= LABEL_HEIGHT).toBe(true);
          }
        }
      }),
    );
  });

  it("of arrows at one moment stand one above the other; what finds no room waits until one looks closer", () => {
    const arrow = { x: 50, width: 60, from: 0, to: 40 };
    const wanted = ["a", "b", "c", "d", "e"].map((text) => ({ ...arrow, text }));
    expect(placeLabels(wanted).map(({ text, y }) => [text, y])).toEqual([
      ["a", 20],
      ["b", 6],
      ["c", 34],
    ]);
  });
});
