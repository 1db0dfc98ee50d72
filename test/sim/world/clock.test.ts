import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodeId } from "../../../machines/ports/ids.ts";
import { createClock } from "../../../sim/world/clock.ts";
import { createRandom } from "../../../sim/world/random.ts";

describe("the world's clock", () => {
  it("fires by time, and in order of creation at the same time", () => {
    const clock = createClock();
    const seen: string[] = [];
    clock.setTimeout(() => seen.push("late"), 20);
    clock.setTimeout(() => seen.push("first"), 10);
    clock.setTimeout(() => seen.push("second"), 10);
    clock.run(100);
    expect(seen).toEqual(["first", "second", "late"]);
    expect(clock.now()).toBe(100);
  });

  it("steps to each due time, so that chained timers unfold", () => {
    const clock = createClock();
    const at: number[] = [];
    const again = (): void => {
      at.push(clock.now());
      clock.setTimeout(again, 1_000);
    };
    clock.setTimeout(again, 1_000);
    clock.run(3_500);
    expect(at).toEqual([1_000, 2_000, 3_000]);
  });

  it("agrees with a sorted list on what fires when, cancellations included", () => {
    const random = createRandom(7).stream("test");
    const clock = createClock();
    const fired: string[] = [];
    const expected: { at: number; no: number }[] = [];
    const timers: unknown[] = [];
    for (let no = 0; no < 5_000; no++) {
      const at = random.int(0, 500);
      timers.push(clock.setTimeout(() => fired.push(`${clock.now()}:${no}`), at));
      expected.push({ at, no });
    }
    const cancelled = new Set<number>();
    for (let i = 0; i < 4_000; i++) {
      const no = random.int(0, 4_999);
      cancelled.add(no);
      clock.clearTimeout(timers[no]);
      clock.clearTimeout(timers[no]);
    }
    expect(clock.pending).toBe(5_000 - cancelled.size);
    clock.run(1_000);
    const order = expected.filter(({ no }) => !cancelled.has(no)).sort((x, y) => x.at - y.at || x.no - y.no);
    expect(fired).toEqual(order.map(({ at, no }) => `${at}:${no}`));
  });

  it("agrees with it as well while time passes: over seconds, with what was held back entered again, and with fractions, which are whole milliseconds", () => {
    const entries = fc.record({
      after: fc.oneof(
        fc.integer({ min: 0, max: 30 }),
        fc.integer({ min: 0, max: 20_000 }),
        fc.double({ min: 0, max: 9_000, noNaN: true }),
      ),
      cancels: fc.option(fc.nat(400), { nil: null }),
    });
    const step = fc.oneof(
      fc.record({ what: fc.constant("enter" as const), entries: fc.array(entries, { maxLength: 8 }) }),
      fc.record({ what: fc.constant("run" as const), for: fc.integer({ min: 0, max: 12_000 }) }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), fc.array(step, { maxLength: 60 }), (startAt, steps) => {
        const clock = createClock(startAt);
        const fired: number[] = [];
        const due: { at: number; no: number; timer: unknown }[] = [];
        const expected: number[] = [];
        const fall = (until: number): void => {
          due.sort((x, y) => x.at - y.at || x.no - y.no);
          while (due[0] && due[0].at <= until) expected.push(due.shift()?.no ?? -1);
        };
        let no = 0;
        for (const step of steps) {
          if (step.what === "run") {
            fall(clock.now() + step.for);
            clock.run(clock.now() + step.for);
            continue;
          }
          for (const { after, cancels } of step.entries) {
            const mine = no++;
            due.push({ at: Math.ceil(clock.now() + after), no: mine, timer: clock.setTimeout(() => fired.push(mine), after) });
            const place = cancels === null ? -1 : due.findIndex((other) => other.no === cancels);
            if (place >= 0) clock.clearTimeout(due.splice(place, 1)[0]?.timer);
          }
          expect(clock.pending).toBe(due.length);
        }
        fall(clock.now() + 30_000);
        clock.run(clock.now() + 30_000);
        expect(fired).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it("stops with an error when events follow one another without time passing", () => {
    const clock = createClock();
    const spin = (): void => void clock.setTimeout(spin, 0);
    spin();
    expect(() => clock.run(1)).toThrow(/no progress/);
  });
});

describe("a node's view of it", () => {
  const n1 = nodeId("n1");

  it("runs nothing of a stalled node; then what fell due by time, then what the network brought", () => {
    const clock = createClock();
    const node = clock.node(n1);
    const seen: string[] = [];
    const note = (what: string) => () => void seen.push(`${what}@${clock.now()}`);
    node.arrive(note("frame"), 10);
    node.setTimeout(note("second"), 30);
    node.setTimeout(note("first"), 20);
    clock.setTimeout(note("world"), 25);
    node.stall(100);
    clock.run(1_000);
    expect(seen).toEqual(["world@25", "first@100", "second@100", "frame@100"]);
  });

  it("lets a timer that ran late cancel another that waits behind it", () => {
    const clock = createClock();
    const node = clock.node(n1);
    const seen: string[] = [];
    const second = node.setTimeout(() => seen.push("second"), 30);
    node.setTimeout(() => node.clearTimeout(second), 20);
    node.stall(100);
    clock.run(1_000);
    expect(seen).toEqual([]);
  });

  it("extends a stall, and does not shorten one", () => {
    const clock = createClock();
    const node = clock.node(n1);
    const at: number[] = [];
    node.setTimeout(() => at.push(clock.now()), 10);
    node.stall(100);
    clock.run(50);
    node.stall(200);
    node.stall(10);
    clock.run(1_000);
    expect(at).toEqual([250]);
  });

  it("forgets everything of a stopped node, and gives its next life a view of its own", () => {
    const clock = createClock();
    const first = clock.node(n1);
    const seen: string[] = [];
    first.setTimeout(() => seen.push("old"), 10);
    first.stop();
    const second = clock.node(n1);
    second.setTimeout(() => seen.push("new"), 20);
    first.setTimeout(() => seen.push("ghost"), 5);
    clock.run(100);
    expect(seen).toEqual(["new"]);
    expect([first.alive, second.alive]).toEqual([false, true]);
  });

  it("shows a stepped system clock to the next life of a node only, and goes on from there", () => {
    const clock = createClock(1_000);
    const node = clock.node(n1);
    node.skew(-500);
    expect(node.now()).toBe(1_000);
    node.stop();
    const next = clock.node(n1);
    expect(next.now()).toBe(500);
    next.skew(0);
    clock.run(1_600);
    expect(next.now()).toBe(1_100);
  });

  it("stretches timers by the rate of a clock, and keeps what it gained", () => {
    const clock = createClock(1_600);
    const node = clock.node(n1);
    node.skew(0, 2);
    const at: number[] = [];
    node.setTimeout(() => at.push(clock.now(), node.now()), 100);
    clock.run(2_000);
    expect(at).toEqual([1_650, 1_700]);
    node.skew(0);
    expect(node.now()).toBe(2_400);
    clock.run(2_100);
    expect(node.now()).toBe(2_500);
  });

  it("fires timers late when told to, arrivals never", () => {
    const clock = createClock();
    const node = clock.node(n1);
    const seen: string[] = [];
    node.delayTimers(() => 7);
    node.setTimeout(() => seen.push(`timer@${clock.now()}`), 10);
    node.arrive(() => seen.push(`frame@${clock.now()}`), 10);
    clock.run(100);
    expect(seen).toEqual(["frame@10", "timer@17"]);
    node.setTimeout(() => seen.push(`late@${clock.now()}`), 10);
    node.delayTimers(null);
    clock.run(200);
    expect(seen.at(-1)).toBe("late@110");
  });
});

describe("random streams", () => {
  it("give the same numbers for the same seed and name, and others for other names", () => {
    const draw = (seed: number, name: string) => {
      const stream = createRandom(seed).stream(name);
      return Array.from({ length: 5 }, () => stream.int(0, 1_000_000));
    };
    expect(draw(1, "network")).toEqual(draw(1, "network"));
    expect(draw(1, "network")).not.toEqual(draw(1, "faults"));
    expect(draw(1, "network")).not.toEqual(draw(2, "network"));
  });

  it("do not shift each other", () => {
    const alone = createRandom(1).stream("network").float();
    const source = createRandom(1);
    source.stream("faults").float();
    expect(source.stream("network").float()).toBe(alone);
  });

  it("have the distributions that they claim", () => {
    const stream = createRandom(3).stream("test");
    const mean = (draw: () => number) => Array.from({ length: 20_000 }, draw).reduce((sum, value) => sum + value, 0) / 20_000;
    const median = (draw: () => number) => Array.from({ length: 20_001 }, draw).sort((x, y) => x - y)[10_000] ?? 0;
    expect(mean(() => stream.float())).toBeCloseTo(0.5, 1);
    expect(mean(() => stream.exponential(10)) / 10).toBeCloseTo(1, 1);
    expect(median(() => stream.lognormal(120, 0.45)) / 120).toBeCloseTo(1, 1);
    expect(median(() => stream.pareto(400, 2)) / (400 * Math.SQRT2)).toBeCloseTo(1, 1);
    expect(stream.shuffle([1, 2, 3, 4]).toSorted((x, y) => x - y)).toEqual([1, 2, 3, 4]);
    expect(() => stream.pick([])).toThrow(RangeError);
  });
});
