import { describe, expect, it } from "vitest";
import { describeFault } from "../../../sim/faults/catalogue.ts";
import { drawSwarm } from "../../../sim/faults/swarm.ts";
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
    const { events } = fleet.world.ledger;
    const story = fleet.world.board.faults.map(describeFault).join("; ");
    // One link of a device at a time, on our side.
    const up = new Map<string, number>();
    for (const event of events) {
      if (event.kind === "dialled") {
        expect(up.get(event.device), story).toBeUndefined();
        up.set(event.device, event.link);
      }
      if (event.kind === "dropped" || event.kind === "ended") up.delete(event.device);
    }
    // Nothing is shown that was not accepted, nothing accepted that was not written, nothing written that did not pass the gate.
    const known = { gate: new Set<string>(), written: new Set<string>(), accepted: new Set<string>() };
    for (const event of events) {
      if (event.kind === "gate") known.gate.add(`${event.message} ${event.attempt}`);
      if (event.kind === "written") {
        expect(known.gate.has(`${event.message} ${event.attempt}`), story).toBe(true);
        known.written.add(`${event.message} ${event.attempt}`);
      }
      if (event.kind === "accepted") {
        expect(known.written.has(`${event.message} ${event.attempt}`), story).toBe(true);
        known.accepted.add(event.message);
      }
      if (event.kind === "shown") expect(known.accepted.has(event.message), story).toBe(true);
    }
    // No key was used twice: what was written before a crash is known after it.
    expect(
      events.filter(({ kind }) => kind === "unreadable"),
      story,
    ).toEqual([]);
  });
});
