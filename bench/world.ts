/** How fast simulated time passes: the bare clock, links that are probed with nobody listening, and whole fleets. */
import { accountId, deviceId, nodeId, type LeaseTerm, type RequestId } from "../machines/ports/ids.ts";
import { Pool } from "../sim/chaos/pool.ts";
import { faultKinds } from "../sim/faults/catalogue.ts";
import { createClock } from "../sim/world/clock.ts";
import { createFaultyStore } from "../sim/world/faulty-store.ts";
import { Fleet } from "../sim/world/harness.ts";
import { referenceFleet } from "../sim/world/reference.ts";
import { createMemoryStore } from "../sim/world/store.ts";
import { createWorld } from "../sim/world/whatsapp.ts";
import { type BenchOptions, type Figure, type Report, report } from "./report.ts";

/** In CPU time, so that what else the machine does counts less. */
const timed = (work: () => void): number => {
  const from = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1e6;
};
const best = (work: () => number): number => Math.max(work(), work(), work());

const bareClock = (): number => {
  const fires = 3_000_000;
  const clock = createClock();
  let left = fires;
  const again = (): void => {
    if (--left > 0) clock.setTimeout(again, left % 97);
  };
  for (let i = 0; i < 200; i++) again();
  return fires / timed(() => clock.run(Number.MAX_SAFE_INTEGER));
};

const cancelled = (): number => {
  const sets = 2_000_000;
  const clock = createClock();
  return (
    sets /
    timed(() => {
      for (let i = 0; i < sets; i++) {
        clock.clearTimeout(clock.setTimeout(() => {}, 1_000));
        if (i % 100 === 0) clock.run(clock.now() + 1);
      }
    })
  );
};

const idleFleet = (): number => {
  const world = createWorld({ seed: 1 });
  const clock = world.clock.node(nodeId("n1"));
  const store = createMemoryStore({ clock: world.clock, latency: 1 });
  const port = world.connections(clock, createFaultyStore(store, clock, world.clock, world.board));
  let facts = 0;
  port.onFact(() => facts++);
  const devices = Array.from({ length: 20 }, (_, i) => deviceId(accountId(`acct-${i}`), "a"));
  for (const device of devices) world.service.addAccount(accountId(device.slice(0, -2)), "br", [device]);
  seed(devices);
  let no = 0;
  for (const device of devices) {
    port.perform({ op: "open", device, dial: 1, leaseTerm: 1 as LeaseTerm, connectTimeout: 10_000 });
    const probe = (): void => {
      port.perform({ op: "probe", device, probe: ++no, deadline: 1_000 });
      clock.setTimeout(probe, 1_000);
    };
    clock.setTimeout(probe, 2_000);
  }
  const seconds = 5_000;
  return seconds / timed(() => world.clock.run(seconds * 1_000));

  function seed(all: typeof devices): void {
    const node = nodeId("n1");
    const accounts = all.map((device) => ({ id: accountId(device.slice(0, -2)), role: "master" as const, devices: [device] }));
    const ask = { reqId: "b" as RequestId };
    store.ask({ op: "fleet.declare", ...ask, fleet: { accounts, lines: [] } }, () => {});
    store.ask({ op: "lease.acquire", ...ask, devices: all, node, ttl: 1e12 }, () => {});
    world.clock.run(10);
    for (const device of all) {
      const creds = world.service.credentials(device);
      const commit = { device, leaseTerm: 1 as LeaseTerm, keys: [], creds, inbound: [], attempt: null };
      store.ask({ op: "keys.commit", ...ask, ...commit }, () => {});
    }
    world.clock.run(20);
  }
};

/** The reference fleet of 20 accounts with the node that production runs. */
const wholeFleet = (sends: number): number => {
  const fleet = new Fleet({ seed: 1, declaration: referenceFleet(), workload: { sends, writes: sends / 5 } });
  fleet.until(() => fleet.allServing, 200_000);
  fleet.startWorkload().run(300_000);
  const seconds = 3_000;
  return seconds / timed(() => fleet.run(seconds * 1_000));
};

/** Seeds that the compilers take to settle: at first one costs twice as much, and of thousands they are a small part. */
const SETTLING = 80;

/** Seeds of the swarm as a thread of `greenroom chaos` judges them: start, faults, healing and checkers included. Cold: from the first seed on. */
const swarm = async (seeds: number): Promise<{ cold: number; settled: number }> => {
  const pool = new Pool(1, { profile: "swarm", fleet: null, for: 600_000, kinds: faultKinds });
  const judged = async (from: number, count: number): Promise<number> => {
    const since = process.cpuUsage();
    for (let seed = from; seed < from + count; seed++) await pool.do({ kind: "seed", seed: String(seed), wantsTrace: false });
    const { user, system } = process.cpuUsage(since);
    return (count * 600) / ((user + system) / 1e6);
  };
  const [cold, settled] = [await judged(1, SETTLING), await judged(1 + SETTLING, seeds)];
  await pool.close();
  return { cold, settled };
};

/** What must be reached: two thousand seeds of ten minutes in 90 s on two cores, and three times that when nothing happens. */
const LEAST = { swarm: 7_000, idle: 20_000 } as const;

export const runWorldBench = async ({ json, quick = false }: BenchOptions): Promise<Report> => {
  const rounds = (work: () => number): number => (quick ? work() : best(work));
  const perSecond = "simulated s / s";
  const { cold, settled } = await swarm(quick ? 40 : 320);
  const figures: Figure[] = [
    { what: "clock, set and fire", value: rounds(bareClock), unit: "a second" },
    { what: "clock, set and cancel", value: rounds(cancelled), unit: "a second" },
    { what: "20 links, probed", value: rounds(idleFleet), unit: perSecond },
    { what: "fleet of 20, idle", value: rounds(() => wholeFleet(0)), unit: perSecond, bound: { is: ">=", than: LEAST.idle } },
    { what: "fleet of 20, a message a second", value: rounds(() => wholeFleet(1)), unit: perSecond },
    { what: `swarm, judged, the first ${SETTLING} seeds`, value: cold, unit: perSecond },
    { what: "swarm, judged", value: settled, unit: perSecond, bound: { is: ">=", than: LEAST.swarm } },
  ];
  return report("world", figures, { json });
};

if (import.meta.main) {
  const { missed } = await runWorldBench({ json: false, quick: process.argv.includes("--quick") });
  process.exitCode = missed.length === 0 ? 0 : 1;
}
