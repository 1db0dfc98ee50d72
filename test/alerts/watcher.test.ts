/** The watcher over a fleet that is made up, on a clock that moves when it is told to. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { RULES } from "../../machines/alerts/rules.ts";
import type { Effect } from "../../machines/protocol.ts";
import { LeaseWatch } from "../../src/runtime/lease-watch.ts";
import { Watcher, type WatcherOptions } from "../../src/alerts/watcher.ts";
import { HandClock } from "./kit.ts";

describe("the watcher", () => {
  it.each(["silent", "failing"] as const)(
    "says that a store is out of reach that is %s, and does not take what it no longer hears for an end",
    async (store) => {
      const fleet = new Fleet();
      fleet.queue = [{ seat: "sales/s-1", state: "accepted", count: 1, oldest: fleet.clock.now() - 100_000 }];
      await fleet.look(5);
      expect(fleet.said).toEqual(["raise queue.age:sales/s-1"]);
      fleet.store = store;
      for (let look = 0; look < 12; look++) await fleet.clock.pass(10_000);
      expect(fleet.said.slice(1)).toEqual(["raise store.slow:fleet"]);
      fleet.store = "well";
      fleet.queue = [];
      await fleet.look(12);
      expect(fleet.said.slice(2).toSorted()).toEqual(["resolve queue.age:sales/s-1", "resolve store.slow:fleet"]);
    },
  );

  it("counts no device as a stand-in that is to hold no seat", async () => {
    const fleet = new Fleet();
    await fleet.look(10);
    expect(fleet.said).toEqual([]);
    fleet.isCordoned = true;
    await fleet.look(10);
    expect(fleet.said).toEqual(["raise standby.none:sales"]);
  });

  it("judges by the last five minutes, not by what was long ago", async () => {
    const fleet = new Fleet();
    await fleet.look(1);
    fleet.traffic = { answered: 100, failed: 100 };
    await fleet.look(1);
    expect(fleet.said).toEqual(["raise error.rate:sales/s-1"]);
    await fleet.look(61);
    fleet.traffic = { answered: 300, failed: 100 };
    await fleet.look(8);
    expect(fleet.said.at(-1)).toBe("resolve error.rate:sales/s-1");
  });

  it("says that a pause lasts long, counted from its beginning", async () => {
    const fleet = new Fleet();
    fleet.isPaused = true;
    await fleet.look(700);
    expect(fleet.said).toEqual([]);
    await fleet.look(25);
    expect(fleet.said).toEqual(["raise fleet.paused:fleet"]);
    fleet.isPaused = false;
    await fleet.look(10);
    expect(fleet.said.at(-1)).toBe("resolve fleet.paused:fleet");
  });

  it("says that the store is no longer its own, once that has been so for longer than between two looks", async () => {
    const fleet = new Fleet();
    await fleet.look(3);
    fleet.isOurs = false;
    await fleet.look(2);
    expect(fleet.said).toEqual([]);
    await fleet.look(1);
    expect(fleet.said).toEqual(["raise lease.age:fleet"]);
    fleet.isOurs = true;
    await fleet.look(8);
    expect(fleet.said.at(-1)).toBe("resolve lease.age:fleet");
  });

  it.each([3600_000, -3600_000])("says that this machine's clock was set by %i ms, and when it is right again", async (by) => {
    const fleet = new Fleet();
    await fleet.look(2);
    fleet.setBy = by;
    await fleet.look(8);
    expect(fleet.said).toEqual(["raise clock.off:fleet"]);
    fleet.setBy = 0;
    await fleet.look(8);
    expect(fleet.said.at(-1)).toBe("resolve clock.off:fleet");
  });

  it("warns that a phone is away once that has held for ten minutes, while a device is linked that could be lost", async () => {
    const fleet = new Fleet();
    fleet.unseenSince = fleet.clock.now() - 10 * 86_400_000;
    await fleet.look(119);
    expect(fleet.said).toEqual([]);
    await fleet.look(5);
    expect(fleet.said).toEqual(["raise account.phone:s-2"]);
    fleet.isLinked = false;
    await fleet.look(8);
    expect(fleet.said.slice(1)).toContain("resolve account.phone:s-2");
    fleet.isLinked = true;
    await fleet.look(125);
    expect(fleet.said.at(-1)).toBe("raise account.phone:s-2");
    fleet.unseenSince = null;
    await fleet.look(8);
    expect(fleet.said.at(-1)).toBe("resolve account.phone:s-2");
  });

  it("looks at the rest where a part can't be looked at, and says so", async () => {
    const fleet = new Fleet();
    fleet.deadLetters = () => Promise.reject(new Error("no such table"));
    fleet.isCordoned = true;
    await fleet.look(10);
    expect(fleet.said).toContain("raise standby.none:sales");
    expect(fleet.said).toContain("fault Error: no such table");
    fleet.deadLetters = () => Promise.resolve({ crm: 2 });
    await fleet.look(1);
    expect(fleet.said.at(-1)).toBe("raise webhook.dead:crm");
  });

  it("looks once a minute at what costs something", async () => {
    const fleet = new Fleet();
    await fleet.look(60);
    expect(fleet.asked.filter((op) => op === "outbox.counts")).toHaveLength(60);
    expect(fleet.asked.filter((op) => op === "failover.list")).toHaveLength(5);
  });
});

/** Two numbers that stand by for each other. */
class Fleet {
  readonly clock = new HandClock();
  readonly said: string[] = [];
  readonly asked: string[] = [];
  store: "well" | "silent" | "failing" = "well";
  queue: readonly object[] = [];
  isPaused = false;
  isCordoned = false;
  /** Of the second one. */
  unseenSince: number | null = null;
  isLinked = true;
  isOurs = true;
  /** Of this machine's clock. */
  setBy = 0;
  deadLetters = (): Promise<Record<string, number>> => Promise.resolve({});
  traffic = { answered: 0, failed: 0 };
  #looks = 0;

  constructor() {
    const watcher = new Watcher({
      supervisor: { node: this.#node(), ask: (op: string) => this.#ask(op) } as unknown as WatcherOptions["supervisor"],
      clock: this.clock,
      // The room on the disk is this machine's.
      limits: { ...RULES, "disk.low": { ...RULES["disk.low"], warning: null, critical: null } },
      storeFile: join(tmpdir(), "g.db"),
      deadLetters: () => this.deadLetters(),
      phone: (account) => ({ seenAt: null, unseenSince: account === "s-2" ? this.unseenSince : null }),
      lease: new LeaseWatch(
        async () => this.isOurs,
        () => this.clock.now(),
      ),
      wall: () => this.clock.now() + this.setBy,
      isPaused: () => this.isPaused,
      onLook: () => void this.#looks++,
      onFault: (error) => this.said.push(`fault ${String(error)}`),
    });
    watcher.begin([]);
  }

  /** So many looks, each to its end: the disk is asked for real. */
  async look(times: number): Promise<void> {
    for (let look = 0; look < times; look++) {
      const before = this.#looks;
      await this.clock.pass(5000);
      while (this.#looks === before) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #ask(op: string): Promise<object> {
    this.asked.push(op);
    if (this.store === "silent") return new Promise(() => undefined);
    if (this.store === "failing") return Promise.resolve({ kind: "failed" });
    return Promise.resolve(op === "outbox.counts" ? { kind: "counts", seats: this.queue } : { kind: "failovers", rows: [] });
  }
  #node(): object {
    const accounts = ["s-1", "s-2"];
    return {
      roster: () => ({
        lines: new Map([["sales", { id: "sales", masters: accounts }]]),
        seats: new Map([["sales/s-1", { id: "sales/s-1", line: "sales", account: "s-1", holder: "s-1/a" }]]),
        accounts: new Map(accounts.map((id) => [id, { role: "master", standing: "good", devices: [`${id}/a`] }])),
        devices: new Map(
          accounts.map((id) => [
            `${id}/a`,
            { linked: this.isLinked, state: "healthy", cordoned: id === "s-2" && this.isCordoned },
          ]),
        ),
      }),
      seat: () => ({ row: { holder: "s-1/a" }, state: "serving" }),
      line: () => ({ seats: [{ seat: "sales/s-1", p99: null, ...this.traffic }] }),
      driver: {
        perform: (_: string, effects: readonly Extract<Effect, { op: "raise" | "resolve" }>[]) =>
          this.said.push(...effects.map(({ op, key }) => `${op} ${key}`)),
      },
    };
  }
}
