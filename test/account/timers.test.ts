import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkTimers, DEFAULT_TIMERS, type Timers } from "../../machines/account/timers.ts";

/** Each timer as it is by default, or anything. */
const anyTimers: fc.Arbitrary<Timers> = fc.record(
  Object.fromEntries(
    Object.entries(DEFAULT_TIMERS).map(([name, ms]) => [name, fc.oneof(fc.constant(ms), fc.nat(20_000))]),
  ) as unknown as { readonly [K in keyof Timers]: fc.Arbitrary<Timers[K]> },
);
const REMEDY = /^(?:raise (?<raise>[\w ]+?))?(?:, or )?(?:lower (?<lower>[\w ]+?))? by at least (?<by>\d+) ms in all$/;
const FIGURES = /^(?<left>\d+(?: \+ \d+)*)(?: = (?<sum>\d+))? ms, must be (?<is>below|at most) (?<bound>\d+) ms$/;
const named = (list: string | undefined): (keyof Timers)[] => (list ? (list.split(" or ") as (keyof Timers)[]) : []);

const broken = (change: Partial<Timers>): string[] => checkTimers({ ...DEFAULT_TIMERS, ...change }).map(({ name }) => name);

describe("timer relations", () => {
  it("hold for the defaults", () => {
    expect(checkTimers(DEFAULT_TIMERS)).toEqual([]);
  });

  it("name the one that is broken, its figures and what to change", () => {
    expect(checkTimers({ ...DEFAULT_TIMERS, failed: 4800 })).toEqual([
      {
        name: "detect-in-time",
        relation: "failed + frame in flight + loopLate < target: a failed holder is detected within 5 s",
        figures: "4800 + 200 + 250 = 5250 ms, must be below 5000 ms",
        settings: ["failed", "loopLate"],
        remedy: "lower failed or loopLate by at least 251 ms in all",
      },
    ]);
  });

  it.each<[string, Partial<Timers>]>([
    ["detect-in-time", { failed: 4550 }],
    ["no-false-alarm", { failed: 4000 }],
    ["no-false-alarm", { probe: 2000 }],
    ["speak-in-time", { verify: 1300 }],
    ["resolve-in-time", { resolve: 1300 }],
    ["quiet-first", { quiet: 2000 }],
    ["probe-before-suspicion", { suspect: 1300 }],
    ["suspect-before-repair", { suspect: 3500 }],
    ["repair-before-failed", { repair: 4500 }],
    ["candidates-at-hand", { suspect: 3700 }],
    ["failed-before-twin", { moveToTwin: 4000 }],
    ["re-dial-before-move", { repair: 4400 }],
    ["twin-before-number", { moveToNumber: 5000 }],
    ["fresh-candidates", { candidateFresh: 800 }],
    ["verify-by-probe", { verify: 800 }],
    ["quiet-probes", { probeWhenQuiet: 1100 }],
    ["standby-probes", { standbyProbe: 500 }],
    ["servant-probes", { servantProbe: 500 }],
    ["outage-in-one", { together: 1000 }],
    ["dial-can-succeed", { connectTimeout: 1000 }],
    ["boot-without-moves", { bootGrace: 3000 }],
    ["deep-check-rate", { deepCheck: 31_000 }],
  ])("break %s by %o", (name, change) => {
    expect(broken(change)).toContain(name);
  });

  it("that are broken name remedies of which each one mends, and less would not", () => {
    fc.assert(
      fc.property(anyTimers, (timers) => {
        for (const { name, relation, remedy, settings } of checkTimers(timers)) {
          const { raise, lower, by } = REMEDY.exec(remedy)?.groups ?? {};
          expect(settings).toEqual([...named(raise), ...named(lower)]);
          const ways = [...named(raise).map((each) => [each, 1] as const), ...named(lower).map((each) => [each, -1] as const)];
          expect(ways).not.toEqual([]);
          for (const [setting, sign] of ways) {
            const after = (change: number) => checkTimers({ ...timers, [setting]: timers[setting] + sign * change });
            expect(after(Number(by)).map((each) => each.name)).not.toContain(name);
            // What is counted twice mends by half of it.
            const terms = relation.replace(/:.*/, "").split(/ [+<] | <= /);
            const isCountedTwice = terms.filter((term) => term === setting).length > 1;
            const lessMends = !after(Number(by) - 1).some((each) => each.name === name);
            expect(lessMends && !isCountedTwice).toBe(false);
          }
        }
      }),
    );
  });

  it("that are broken show figures that add up, and that are too large", () => {
    fc.assert(
      fc.property(anyTimers, (timers) => {
        for (const { figures } of checkTimers(timers)) {
          const { left = "", sum, is, bound } = FIGURES.exec(figures)?.groups ?? {};
          const terms = left.split(" + ").map(Number);
          const total = terms.reduce((all, term) => all + term, 0);
          expect(sum).toBe(terms.length > 1 ? String(total) : undefined);
          expect(is === "below" ? total >= Number(bound) : total > Number(bound)).toBe(true);
        }
      }),
    );
  });

  it("do not hold for what is no number", () => {
    expect(broken({ failed: Number.NaN })).toContain("detect-in-time");
  });
});
