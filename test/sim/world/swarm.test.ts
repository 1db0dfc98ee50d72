import { describe, expect, it } from "vitest";
import { describeFault } from "../../../sim/faults/catalogue.ts";
import { drawSwarm } from "../../../sim/faults/swarm.ts";
import type { Recorded } from "../../../sim/world/ledger.ts";
import { Fleet, NODE, REGIONS } from "../../../sim/world/harness.ts";
import { createRandom } from "../../../sim/world/random.ts";
import { demoFleet, referenceFleet } from "../../../sim/world/reference.ts";

const drawn = (seed: number, most = 8) => {
  const random = createRandom(seed).stream("swarm");
  const declaration = random.chance(0.5) ? referenceFleet() : demoFleet();
  const faults = drawSwarm(random, { declaration, nodes: [NODE], regions: REGIONS, from: 60_000, to: 150_000, most });
  return { declaration, faults };
};

const lived = (seed: number): Fleet => {
  const { declaration, faults } = drawn(seed);
  const fleet = new Fleet({ seed, declaration, faults, workload: { sends: 3, writes: 1 } });
  return fleet.run(20_000).startWorkload().run(200_000);
};

describe("a swarm of faults", () => {
  it("is a function of its seed, in order of time, and plain data", () => {
    for (let seed = 0; seed < 50; seed++) {
      const { faults } = drawn(seed);
      expect(drawn(seed).faults).toEqual(faults);
      expect(JSON.parse(JSON.stringify(faults))).toEqual(faults);
      expect(faults.map(({ at }) => at)).toEqual(faults.map(({ at }) => at).toSorted((x, y) => x - y));
    }
  });

  it.each([1, 2, 3, 4, 5, 6])("seed %i lives the same life twice", (seed) => {
    const [one, other] = [lived(seed), lived(seed)];
    expect(other.world.ledger.digest()).toBe(one.world.ledger.digest());
    expect(other.store.tables.audit).toEqual(one.store.tables.audit);
    expect(one.accepted.length).toBeGreaterThan(100);
  });

  it.each([11, 12, 13, 14, 15, 16, 17, 18])("seed %i: the world itself stays within what WhatsApp could do", (seed) => {
    const fleet = lived(seed);
    const { events, board } = { events: fleet.world.ledger.events, board: fleet.world.board };
    const story = board.faults.map(describeFault).join("; ");
    expect({ story, broken: broken(events) }).toEqual({ story, broken: [] });
  });
});

/** One link of a device at a time on our side; shown was accepted, accepted was written, written passed the gate; no key twice. */
const broken = (events: readonly Recorded[]): string[] => {
  const up = new Set<string>();
  const known = new Set<string>();
  return events.flatMap((event) => {
    const say = (wrong: boolean, what: string): string[] => (wrong ? [`${event.at}: ${what}`] : []);
    switch (event.kind) {
      case "dialled": {
        const twice = up.has(event.device);
        up.add(event.device);
        return say(twice, `${event.device} has two links`);
      }
      case "dropped":
      case "ended":
        up.delete(event.device);
        return [];
      case "gate":
        known.add(`gate ${event.message} ${event.attempt}`);
        return [];
      case "written":
        known.add(`written ${event.message} ${event.attempt}`);
        return say(!known.has(`gate ${event.message} ${event.attempt}`), `${event.message} was written and passed no gate`);
      case "accepted":
        known.add(`accepted ${event.message}`);
        return say(!known.has(`written ${event.message} ${event.attempt}`), `${event.message} was accepted and not written`);
      case "shown":
        return say(!known.has(`accepted ${event.message}`), `${event.message} was shown and not accepted`);
      case "unreadable":
        return say(true, "a key was used twice");
      default:
        return [];
    }
  });
};
