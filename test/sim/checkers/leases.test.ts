import { describe, expect, it } from "vitest";
import type { DeviceId } from "../../../machines/ports/ids.ts";
import { linksEndWithLeases } from "../../../sim/checkers/leases.ts";
import { eventsOf, type Life } from "../../../sim/checkers/life.ts";
import { lifeOf } from "../../../sim/plan/life.ts";
import { runPlan } from "../../../sim/plan/run.ts";
import { DIRECTED } from "../../../sim/scenarios/directed.ts";
import { brokenIn, first, withEvents, without } from "./doctored.ts";

const device = "sales-1/a" as DeviceId;
const shared = DIRECTED["a-shared-store-and-many-dials"];

let lived: Life | undefined;
const honest = (): Life => {
  lived ??= lifeOf(shared, runPlan(shared));
  return lived;
};
/** Nobody renewed the device's lease after its first. */
const unrenewed = (): Life => {
  const [, ...more] = eventsOf(honest(), "lease").filter((event) => event.device === device && event.node === "n1");
  return without(honest(), ...more);
};

describe("where leases end with time", () => {
  it("an honest life has links, leases that were renewed, and a time without either", () => {
    const leases = eventsOf(honest(), "lease").filter((event) => event.device === device);
    expect(leases.length).toBeGreaterThan(50);
    expect(brokenIn(linksEndWithLeases, honest())).toEqual([]);
  });

  it("the checker notices a link that outlived its lease, and one that is still up at the end", () => {
    const life = unrenewed();
    const times = [...linksEndWithLeases.broken(life)].map(({ at }) => at);
    const kindAt = new Map(
      [...eventsOf(life, "dropped"), ...eventsOf(life, "ended")].flatMap((event) =>
        event.device === device ? [[event.at, event.kind] as const] : [],
      ),
    );
    expect(times.map((at) => (at === life.to ? "still up" : kindAt.get(at ?? 0)))).toEqual(["ended", "dropped", "still up"]);
  });

  it("the checker notices a link that had no lease at all", () => {
    const none = without(honest(), ...eventsOf(honest(), "lease").filter((event) => event.device === device));
    expect(brokenIn(linksEndWithLeases, none).length).toBeGreaterThan(0);
  });

  it("the checker notices a lease that was taken again after a time without one", () => {
    const renewals = eventsOf(honest(), "lease").filter((event) => event.device === device && event.node === "n1");
    const gap = without(honest(), ...renewals.slice(10, 20));
    expect(brokenIn(linksEndWithLeases, gap)[0]).toMatch(/^the link of sales-1\/a was up \d+ ms after its lease had ended$/);
  });

  it("a node that stood still could end nothing", () => {
    const life = unrenewed();
    const paused = { kind: "node-pause" as const, target: { all: true as const }, at: 0, for: "permanent" as const };
    const began = { ...first(life, "fault"), index: life.faults.length, fault: "node-pause", devices: [] };
    const stopped = withEvents({ ...life, faults: [...life.faults, paused] }, (events) => [
      { ...began, at: life.from },
      ...events,
    ]);
    expect(brokenIn(linksEndWithLeases, stopped)).toEqual([]);
  });

  it("nothing is asked of a store of our own, whose leases end with the process", () => {
    const { lease: _, ...settings } = shared.fleet.settings;
    const own = { ...unrenewed(), plan: { ...shared, fleet: { ...shared.fleet, settings } } };
    expect(brokenIn(linksEndWithLeases, own)).toEqual([]);
  });
});
