/** A node in the simulated world: its actors are killed one after another, and it has to come through. */
import { describe, expect, it } from "vitest";
import type { DeviceId } from "../../machines/ports/ids.ts";
import type { Address } from "../../machines/protocol.ts";
import { Fleet } from "../../sim/world/harness.ts";
import { demoFleet } from "../../sim/world/reference.ts";
import { type Injection, settled, tell, withoutTwin, withTwin } from "../sim/world/story.ts";

/** Each kind of actor that a node always has. */
const VICTIMS = [
  "connection:support-1/a",
  "health:support-1/a",
  "lease:support-1/a",
  "detector:support-1/a",
  "standing:support-1",
  "checkup:support-1",
  "master:support-1",
  "servant:support-s1",
  "dialler",
  "orchestrator",
  "roster",
  "seat:support/support-1",
  "sender:support/support-1",
  "queue:support/support-1",
] as readonly string[] as readonly Address[];

const openAlerts = (fleet: Fleet): string[] =>
  fleet.store.tables.alerts.filter(({ state }) => state === "open").map(({ key }) => key);
const driver = (fleet: Fleet) => {
  if (!fleet.node) throw new Error("no node is there");
  return fleet.node.driver;
};

describe("what an operator ordered", () => {
  it("holds through a restart, and what was lifted stays lifted", () => {
    const fleet = settled("orders", 4);
    const restart = (): void => {
      const crash: Injection = { kind: "node-crash", for: 0, tells: true, downFor: 500 };
      fleet.inject({ ...crash, target: { node: fleet.id } });
      fleet.run(100);
      expect(fleet.node).toBeNull();
      fleet.run(2_000);
    };
    fleet.node?.pause("ann");
    fleet.node?.cordon("support-1/b" as DeviceId, true);
    fleet.run(100);
    restart();
    expect(driver(fleet).peek("orchestrator")?.value).toBe("paused");
    expect(fleet.node?.roster()?.devices.get("support-1/b" as DeviceId)?.cordoned).toBe(true);
    fleet.node?.resume("ann");
    fleet.run(100);
    restart();
    expect(driver(fleet).peek("orchestrator")?.value).toBe("automatic");
  });
});

describe("an actor that dies", () => {
  it.each(VICTIMS)(
    "%s is started again from the rows; a person is told, the fleet serves on, and then a failover works",
    (victim) => {
      const fleet = settled(`kill ${victim}`, 4);
      driver(fleet).kill(victim, "killed by the test");
      fleet.run(2_000);
      expect(driver(fleet).has(victim)).toBe(true);
      expect(openAlerts(fleet)).toContain(`actor.died:${victim}`);
      fleet.run(70_000);
      expect(openAlerts(fleet)).toEqual([]);
      expect(fleet.allServing).toBe(true);
      const told = tell(fleet, withTwin, [{ kind: "silent-path", for: 60_000, keeps: false }]);
      expect(told.ladder).toBe("twin");
      expect(told.firstAck).toBeLessThan(10_000);
      expect({ lost: told.lost, unmarked: told.unmarked, outOfOrder: told.outOfOrder }).toEqual({
        lost: [],
        unmarked: [],
        outOfOrder: [],
      });
    },
  );

  it("in the middle of a failover leaves it to its successor: the seat goes on from its row", () => {
    for (const victim of [`failover:${withTwin}`, `seat:${withTwin}`, "roster", "orchestrator"] as Address[]) {
      for (const after of [1, 3, 200]) {
        const fleet = settled(`kill ${victim} ${after}`, 4);
        const holder = fleet.seat(withTwin)?.holder as DeviceId;
        fleet.inject({ kind: "logged-out", target: { device: holder }, for: "permanent" } as never);
        expect(fleet.until(() => driver(fleet).has(`failover:${withTwin}`), 1_000)).toBe(true);
        fleet.run(after);
        driver(fleet).kill(victim, "killed by the test");
        expect(fleet.until(() => fleet.allServing && fleet.seat(withTwin)?.holder !== holder, 10_000)).toBe(true);
        fleet.run(20_000).stopWorkload().run(90_000);
        expect(fleet.missing()).toEqual([]);
        expect(fleet.failovers(withTwin).filter(({ outcome }) => outcome === "running")).toEqual([]);
      }
    }
  });

  it("that dies again and again is left alone, and stays an alert", () => {
    const fleet = settled("kill four times", 4);
    for (let time = 0; time < 4; time++) {
      driver(fleet).kill("checkup:sales-1" as Address, "killed by the test");
      fleet.run(1_000);
    }
    expect(driver(fleet).has("checkup:sales-1" as Address)).toBe(false);
    fleet.run(120_000);
    expect(openAlerts(fleet)).toEqual(["actor.died:checkup:sales-1"]);
    expect(fleet.allServing).toBe(true);
  });

  it("that is an alert is started from its row, so that it can still be resolved, and raises no alert about alerts", () => {
    const fleet = settled("kill an alert", 4);
    fleet.inject({ kind: "silent-path", target: { account: "sales-2" }, for: 20_000, keeps: false } as never);
    const key = "device.failed:sales-2/a";
    expect(fleet.until(() => openAlerts(fleet).includes(key), 10_000)).toBe(true);
    driver(fleet).kill(`alert:${key}`, "killed by the test");
    fleet.run(100_000);
    expect(openAlerts(fleet)).toEqual([]);
    expect(fleet.events().filter(({ type }) => type === "actor.died")).toHaveLength(1);
  });
});

describe("an alert", () => {
  it("is one actor of its chart, however often it is said, from its beginning to its end, through restarts", () => {
    const fleet = settled("one actor an alert", 4);
    const actors = (): string[] =>
      driver(fleet)
        .addresses()
        .filter((address) => address.startsWith("alert:"));
    const say = (level: "warning" | "critical"): void =>
      driver(fleet).perform("orchestrator", [{ op: "raise", key: "r:s", rule: "r", subject: "s", level, text: "again" }]);
    expect(actors()).toEqual([]);
    say("warning");
    say("warning");
    expect(driver(fleet).peek("alert:r:s")?.value).toBe("warning");
    say("critical");
    fleet.run(1_000);
    fleet.inject({ kind: "node-crash", for: 0, tells: true, downFor: 500, target: { node: fleet.id } } as never);
    fleet.run(3_000);
    expect(actors()).toEqual(["alert:r:s"]);
    expect(driver(fleet).peek("alert:r:s")?.value).toBe("critical");
    driver(fleet).perform("roster", [{ op: "resolve", key: "r:s", text: "over" }]);
    fleet.run(1_000);
    expect(actors()).toEqual([]);
    expect(
      fleet
        .events()
        .filter(({ type }) => type.startsWith("alert."))
        .map(({ type }) => type),
    ).toEqual(["alert.raised", "alert.escalated", "alert.resolved"]);
  });
});

describe("alerts of one turn", () => {
  it("are the end of one and the beginning of another when a resolve is followed by a raise", () => {
    const fleet = settled("resolve and raise", 4);
    const raise = { op: "raise", key: "k", rule: "r", subject: "s", level: "warning", text: "again" } as const;
    const resolve = { op: "resolve", key: "k", text: "over" } as const;
    driver(fleet).perform("roster", [raise, resolve, raise]);
    fleet.run(1_000);
    const states = fleet.store.tables.alerts.filter(({ key }) => key === "k").map(({ state }) => state);
    expect(states.at(-1)).toBe("open");
    driver(fleet).perform("roster", [resolve]);
    fleet.run(1_000);
    expect(openAlerts(fleet)).not.toContain("k");
  });
});

describe("what charts are told and do not know", () => {
  /** Nothing: whoever is told something has a transition for it, be it one that changes nothing. */
  const EXPECTED: readonly string[] = [];

  it("is nothing but what is named here, over stories with every kind of end", () => {
    const ignored = new Set<string>();
    const collect = (fleet: Fleet): void => {
      for (const what of driver(fleet).ignored.keys()) ignored.add(what);
    };
    collect(tell(settled("ignored 1"), withTwin, [{ kind: "silent-path", for: 30_000, keeps: true }]).fleet);
    collect(tell(settled("ignored 2"), withoutTwin, [{ kind: "banned", for: "permanent", code: 406 }]).fleet);
    collect(tell(settled("ignored 3"), withTwin, [{ kind: "restricted", for: 30_000, announced: true }]).fleet);
    collect(tell(settled("ignored 4"), withoutTwin, [{ kind: "replaced", for: 0, returns: 0 }]).fleet);
    collect(tell(settled("ignored 5"), withoutTwin, [{ kind: "close", for: 0, code: 428 }]).fleet);
    const stranded = settled("ignored 6");
    for (const account of ["sales-1", "sales-2"])
      stranded.inject({ kind: "silent-path", target: { account }, for: 40_000, keeps: false } as never);
    collect(tell(stranded, withoutTwin, []).fleet);
    const crashed = tell(settled("ignored 7"), withTwin, [{ kind: "node-crash", for: 0, tells: true, downFor: 1_000 }], {
      node: "n1" as never,
    });
    collect(crashed.fleet);
    const fresh = new Fleet({ seed: "ignored 8", declaration: demoFleet() });
    fresh.run(60_000);
    collect(fresh);
    expect([...ignored].filter((what) => !EXPECTED.includes(what))).toEqual([]);
  });
});
