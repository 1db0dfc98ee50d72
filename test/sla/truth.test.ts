/** The meter beside a simulated fleet, against what really happened in it. */
import { describe, expect, it } from "vitest";
import { lineId, type Millis, type SeatId } from "../../machines/ports/ids.ts";
import type { Fault } from "../../sim/faults/catalogue.ts";
import { Fleet } from "../../sim/world/harness.ts";
import { declare, referenceConfig } from "../../sim/world/reference.ts";
import { type Downtime, DowntimeMeter, PATIENCE } from "../../src/sla/meter.ts";
import { lengthOf, type Span, union } from "../../src/sla/spans.ts";

const LINE = lineId("sales");
const LENGTH: Millis = 300_000;

interface Measured {
  readonly fleet: Fleet;
  readonly told: readonly Downtime[];
}
const lives = new Map<number, Measured>();
const measuredIn = (seed: number): Measured => {
  const life = lives.get(seed) ?? live(seed);
  lives.set(seed, life);
  return life;
};

const live = (seed: number): Measured => {
  const declaration = declare({ name: LINE, masters: [1, 1], servants: 0 });
  const faults = [0, 1].map((no) => ({
    kind: "silent-path",
    at: 60_000 + ((seed * 7919 + no * 3571) % 40_000),
    for: 20_000 + ((seed * 104_729 + no * 1299) % 90_000),
    target: { device: `sales-${no + 1}/a` },
    keeps: false,
  })) as unknown as Fault[];
  const config = { ...referenceConfig(declaration), whenNumberChanges: () => "resend" as const };
  const fleet = new Fleet({ seed, declaration, config, workload: { sends: 1, writes: 0, peoplePerLine: 20, warm: 1 }, faults });
  fleet.run(20_000).startWorkload();
  const meter = new DowntimeMeter();
  const told: Downtime[] = [];
  while (fleet.now < LENGTH) {
    fleet.run(1000);
    if (fleet.now > LENGTH - 40_000) fleet.stopWorkload();
    told.push(...meter.look(fleet.world.clock.now(), fleet.node?.owesSince() ?? new Map(), "seat"));
  }
  return { fleet, told: [...told, ...meter.underWay(fleet.world.clock.now())] };
};

/** From the messages and the words that came back, as the world has them. */
const trueDowntimes = (fleet: Fleet, seat: SeatId): Span[] => {
  const provedAt = new Map<string, Millis>();
  for (const event of fleet.world.ledger.events)
    if ((event.kind === "ackTold" || event.kind === "proofTold") && !provedAt.has(event.waId)) provedAt.set(event.waId, event.at);
  const end = fleet.world.clock.now();
  return union(
    fleet.accepted
      .filter((message) => message.seat === seat)
      .map(({ waId, at }) => ({ from: at + PATIENCE, to: provedAt.get(waId) ?? end })),
  );
};

describe("the downtime meter in a simulated fleet", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])("agrees with the world, to a second a downtime (seed %i)", (seed) => {
    const { fleet, told } = measuredIn(seed);
    for (const seat of ["sales/sales-1", "sales/sales-2"] as SeatId[]) {
      const truth = trueDowntimes(fleet, seat);
      const measured = union(told.filter((each) => each.seat === seat));
      const slack = 1100 * Math.max(1, truth.length);
      expect(Math.abs(lengthOf(measured) - lengthOf(truth))).toBeLessThanOrEqual(slack);
    }
  });

  it("has something to measure: both numbers out of reach are downtime, one alone is not", () => {
    const totals = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => lengthOf(union(measuredIn(seed).told)));
    expect(totals.some((total) => total > 10_000)).toBe(true);
  });
});
