import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Limits, type Measure, startWatch, watch } from "../../machines/alerts/watch.ts";

const LIMITS: Limits = { isLow: false, warning: 10, critical: 50, holds: 15_000 };
const EVERY = 5000;

describe("a figure that is watched", () => {
  it("is raised when it stays beyond its limit, and not sooner", () => {
    expect(seen([11, 11, 11, 9, 11, 11, 11, 11, 11])).toEqual(["35000: raise warning"]);
  });
  it("is raised again when it grows worse, and not when it grows less bad", () => {
    expect(seen([51, 51, 51, 51, 11, 11, 51, 51])).toEqual(["15000: raise critical"]);
    expect(seen([11, 11, 11, 11, 51, 51, 51, 51])).toEqual(["15000: raise warning", "35000: raise critical"]);
  });
  it("is resolved when it stays within its limit, and when it is no longer measured", () => {
    const bad = [11, 11, 11, 11];
    expect(seen([...bad, 1, 1, 11, 1, 1, 1, 1, 1, 1, 1])).toEqual(["15000: raise warning", "65000: resolve"]);
    expect(seen([...bad, ...Array.from({ length: 8 }, () => null)])).toEqual(["15000: raise warning", "50000: resolve"]);
  });
  it("may be one that must not be low", () => {
    const low: Limits = { isLow: true, warning: 1, critical: null, holds: 0 };
    expect(seen([1, 0.9, 0.1, 2], low)).toEqual(["5000: raise warning"]);
  });
  it("of an earlier life is resolved by the next one, and not raised again if it still holds", () => {
    const known = startWatch([{ rule: "queue.age", subject: "l/a", level: "warning" }]);
    expect(seen([11, 11, 11, 11, 11], LIMITS, known)).toEqual([]);
    expect(seen([1, 1, 1, 1, 1, 1, 1], LIMITS, known)).toEqual(["30000: resolve"]);
  });
  it("whatever it does: raise and resolve alternate, but for a raise that is worse", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(1, 11, 51, null), { maxLength: 80 }), (values) => {
        const words = seen(values).map((line) => line.slice(line.indexOf(" ") + 1));
        const story = words.join(",");
        expect(`${story},`).toMatch(/^((raise warning,)?(raise critical,)?resolve,)*(raise warning,)?(raise critical,)?,?$/);
      }),
    );
  });
});

function seen(values: readonly (number | null)[], limits = LIMITS, known = startWatch([])): string[] {
  let state = known;
  return values.flatMap((value, index) => {
    const at = index * EVERY;
    const measures: Measure[] =
      value === null ? [] : [{ rule: "queue.age", subject: "l/a", value, says: "it is old", over: "it is young" }];
    const step = watch(state, measures, () => limits, at);
    state = step.state;
    return step.effects.map((effect) => `${at}: ${effect.op === "raise" ? `raise ${effect.level}` : "resolve"}`);
  });
}
