/** How fast simulated time passes: the bare clock, links that are probed with nobody listening, and whole fleets. */
import { accountId, deviceId, nodeId, type LeaseTerm, type RequestId } from "../machines/ports/ids.ts";
import { createClock } from "../sim/world/clock.ts";
import { createFaultyStore } from "../sim/world/faulty-store.ts";
import { Fleet } from "../sim/world/harness.ts";
import { referenceFleet } from "../sim/world/reference.ts";
import { createMemoryStore } from "../sim/world/store.ts";
import { createWorld } from "../sim/world/whatsapp.ts";

const timed = (work: () => void): number => {
  const from = performance.now();
  work();
  return (performance.now() - from) / 1000;
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

const thousands = (value: number): string => Math.round(value).toLocaleString("en");
export const benchWorld = (): void => {
  console.log(`clock, set and fire:      ${thousands(best(bareClock))} a second`);
  console.log(`clock, set and cancel:    ${thousands(best(cancelled))} a second`);
  console.log(`20 links, probed:         ${thousands(best(idleFleet))} simulated seconds a second`);
  console.log(`fleet of 20, idle:        ${thousands(best(() => wholeFleet(0)))} simulated seconds a second`);
  console.log(`fleet of 20, 1 message/s: ${thousands(best(() => wholeFleet(1)))} simulated seconds a second`);
};
if (import.meta.main) benchWorld();
