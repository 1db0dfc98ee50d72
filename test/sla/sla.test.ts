import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SeatId } from "../../machines/ports/ids.ts";
import { type Downtime, DowntimeMeter, PATIENCE } from "../../src/sla/meter.ts";
import { slaReport } from "../../src/sla/report.ts";
import { lengthOf, union, within } from "../../src/sla/spans.ts";

const seat = (name: string): SeatId => name as SeatId;
const S = seat("sales/sales-1");
const DAY = 86_400_000;

describe("the downtime meter", () => {
  const oldest = (at: number | null) => new Map([[S, at]]);

  it("begins when the message's patience ended, and ends at the look that finds nothing overdue", () => {
    const meter = new DowntimeMeter();
    expect(meter.look(5_000, oldest(1_000), "seat")).toEqual([]);
    expect(meter.look(11_500, oldest(1_000), "seat")).toEqual([]);
    expect(meter.underWay(12_000)).toEqual([{ seat: S, from: 11_000, to: 12_000, blame: "seat" }]);
    expect(meter.look(13_000, oldest(12_000), "seat")).toEqual([{ seat: S, from: 11_000, to: 13_000, blame: "seat" }]);
    expect(meter.underWay(14_000)).toEqual([]);
  });

  it("goes on while one overdue message follows the other", () => {
    const meter = new DowntimeMeter();
    meter.look(11_500, oldest(1_000), "seat");
    meter.look(15_000, oldest(4_000), "seat");
    expect(meter.look(16_000, oldest(null), "seat")).toMatchObject([{ from: 11_000, to: 16_000 }]);
  });

  it("counts what passed while nobody looked", () => {
    expect(new DowntimeMeter().look(500_000, oldest(1_000), "seat")).toEqual([]);
    const meter = new DowntimeMeter();
    meter.look(500_000, oldest(1_000), "seat");
    expect(meter.look(501_000, oldest(null), "seat")).toMatchObject([{ from: 11_000, to: 501_000 }]);
  });

  it("blames what is to blame at the time", () => {
    const meter = new DowntimeMeter();
    meter.look(12_000, oldest(1_000), "seat");
    expect(meter.look(20_000, oldest(1_000), "outage")).toEqual([{ seat: S, from: 11_000, to: 20_000, blame: "seat" }]);
    expect(meter.look(30_000, oldest(null), "outage")).toEqual([{ seat: S, from: 20_000, to: 30_000, blame: "outage" }]);
  });

  it("ends with a seat that is no longer declared", () => {
    const meter = new DowntimeMeter();
    meter.look(12_000, oldest(1_000), "seat");
    expect(meter.look(13_000, new Map(), "seat")).toMatchObject([{ seat: S, to: 13_000 }]);
  });

  it("agrees with the messages themselves, to a second a downtime", () => {
    const message = fc.record({ accepted: fc.integer({ min: 0, max: 300_000 }), took: fc.integer({ min: 0, max: 60_000 }) });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 30 }), (messages) => {
        const meter = new DowntimeMeter();
        const measured: Downtime[] = [];
        for (let at = 0; at <= 400_000; at += 1000) {
          const open = messages.filter(({ accepted, took }) => accepted <= at && accepted + took > at);
          const first = open.length === 0 ? null : Math.min(...open.map(({ accepted }) => accepted));
          measured.push(...meter.look(at, new Map([[S, first]]), "seat"));
        }
        const truth = union(messages.map(({ accepted, took }) => ({ from: accepted + PATIENCE, to: accepted + took })));
        const told = union(measured);
        // Never less, but for what began and ended between two looks; and at most a second more for each.
        expect(lengthOf(told)).toBeGreaterThanOrEqual(lengthOf(truth) - 1000 * truth.length);
        expect(lengthOf(told)).toBeLessThanOrEqual(lengthOf(truth) + 1000 * truth.length);
      }),
    );
  });
});

describe("spans", () => {
  const spansArb = fc.array(
    fc.tuple(fc.nat(1000), fc.nat(200)).map(([from, length]) => ({ from, to: from + length })),
    { maxLength: 20 },
  );
  const points = (spans: readonly { from: number; to: number }[]): Set<number> => {
    const set = new Set<number>();
    for (const { from, to } of spans) for (let at = from; at < to; at++) set.add(at);
    return set;
  };

  it("are as long together as the moments that they cover, within any bounds", () => {
    fc.assert(
      fc.property(spansArb, fc.nat(1000), fc.nat(500), (spans, from, length) => {
        const bounds = { from, to: from + length };
        const covered = [...points(spans)].filter((at) => at >= from && at < bounds.to);
        expect(lengthOf(within(union(spans), bounds))).toBe(covered.length);
      }),
    );
  });
});

describe("the report", () => {
  const period = { from: 0, to: 30 * DAY };
  const seats = [
    { seat: S, since: 0, goneAt: null },
    { seat: seat("sales/sales-2"), since: 10 * DAY, goneAt: null },
    { seat: seat("help/sales-1"), since: 0, goneAt: null },
  ];
  const down = (name: SeatId, from: number, minutes: number, blame: Downtime["blame"] = "seat"): Downtime => ({
    seat: name,
    from,
    to: from + minutes * 60_000,
    blame,
  });

  it("gives availability, budget and burn rate for each seat, line, account and the fleet", () => {
    const report = slaReport(period, 20 * DAY, 0.9999, seats, [
      down(S, DAY, 1),
      down(S, 2 * DAY, 2),
      down(S, 3 * DAY, 600, "outage"),
      down(S, 4 * DAY, 30, "maintenance"),
    ]);
    const [first, second] = report.seats;
    expect(first).toMatchObject({
      seat: S,
      downMs: 180_000,
      times: 2,
      longestMs: 120_000,
      outageMs: 36_000_000,
      maintenanceMs: 1_800_000,
    });
    expect(first?.measuredMs).toBe(20 * DAY - 630 * 60_000);
    expect(first?.availability).toBeCloseTo(1 - 180_000 / (20 * DAY - 630 * 60_000), 12);
    // 0.01 % of thirty days is 259.2 s.
    expect(first?.budgetLeftMs).toBeCloseTo(259_200 - 180_000, 3);
    expect(second).toMatchObject({ measuredMs: 10 * DAY, downMs: 0, availability: 1, burnRate: 0 });
    expect(report.lines.map(({ line, downMs }) => [line, downMs])).toEqual([
      ["sales", 180_000],
      ["help", 0],
    ]);
    expect(report.accounts.map(({ account, downMs }) => [account, downMs])).toEqual([
      ["sales-1", 180_000],
      ["sales-2", 0],
    ]);
    expect(report.fleet.measuredMs).toBe(report.seats.reduce((sum, each) => sum + each.measuredMs, 0));
  });

  it("measures a seat until it was no longer declared", () => {
    const gone = [{ seat: S, since: 0, goneAt: 5 * DAY }];
    expect(slaReport(period, 20 * DAY, 0.9999, gone, [down(S, DAY, 1)]).fleet).toMatchObject({
      measuredMs: 5 * DAY,
      downMs: 60_000,
    });
  });

  it("says nothing about a time in which nothing was measured", () => {
    expect(slaReport(period, 0, 0.9999, seats, []).fleet).toMatchObject({
      availability: null,
      budgetLeftMs: null,
      burnRate: null,
    });
  });

  const SINCE = { seat: seat("help/help-9"), goneAt: null };

  it("never counts a moment twice, and stays between 0 and 1", () => {
    const downArb = fc.record({
      seat: fc.constantFrom(...seats.map((each) => each.seat), SINCE.seat),
      from: fc.integer({ min: -DAY, max: 31 * DAY }),
      length: fc.integer({ min: 0, max: 3 * DAY }),
    });
    fc.assert(
      // A clock that was set back since: what was written then lies in times to come.
      fc.property(fc.array(downArb, { maxLength: 20 }), fc.nat(40 * DAY), fc.nat(40 * DAY), (list, now, since) => {
        const downtimes = list.map(({ seat: name, from, length }) => ({
          seat: name,
          from,
          to: from + length,
          blame: "seat" as const,
        }));
        const { fleet, seats: each } = slaReport(period, now, 0.999, [...seats, { ...SINCE, since }], downtimes);
        for (const { availability, downMs, measuredMs } of [fleet, ...each]) {
          expect(downMs).toBeLessThanOrEqual(measuredMs);
          expect(availability ?? 1).toBeGreaterThanOrEqual(0);
          expect(availability ?? 1).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});
