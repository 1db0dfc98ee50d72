/** Without a fault nobody is given up, however much the network trembles. The same with real connections: bench/calm.ts. */
import { describe, expect, it } from "vitest";
import { isProved } from "../../../machines/delivery/outbox-state.ts";
import { Fleet } from "../../../sim/world/harness.ts";
import type { Random } from "../../../sim/world/random.ts";
import { demoFleet } from "../../../sim/world/reference.ts";

const MINUTE = 60_000;
/** 50 to 400 ms for a round trip, one in a hundred up to 2.5 s. */
const roundTrip = (random: Random): number => (random.chance(0.01) ? random.int(400, 2500) : random.int(50, 400));

describe("a fleet on a network that trembles", () => {
  it("moves no seat, and has every message acknowledged", () => {
    const workload = { sends: 20, writes: 4, peoplePerLine: 80 };
    const fleet = new Fleet({ seed: "calm", declaration: demoFleet(), workload, tuning: { roundTrip } });
    expect(fleet.until(() => fleet.allServing, 2 * MINUTE)).toBe(true);
    fleet.run(MINUTE);
    const terms = fleet.seats().map(({ term }) => term);
    fleet.startWorkload();
    fleet
      .run(5 * MINUTE)
      .stopWorkload()
      .run(MINUTE);
    expect(fleet.seats().map(({ term }) => term)).toEqual(terms);
    expect(fleet.accepted.length).toBeGreaterThan(5000);
    expect(fleet.store.tables.outbox.filter(({ state }) => !isProved(state))).toEqual([]);
  });
});
