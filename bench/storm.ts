/**
 * Five hundred connections in one process, fifty of them holding seats: how soon each holder that falls silent is detected, and
 * what happens when two hundred links, the holders' among them, are dropped in the same moment.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { DeviceId, SeatId } from "../machines/ports/ids.ts";
import { makeFleet, type Fleet, type FleetShape } from "./fleet.ts";
import { startPeer, type Peer } from "./peer/index.ts";
import { type BenchOptions, type Figure, quantile, report, type Report } from "./report.ts";

/** 50 masters with three devices each, 350 servants: 500 devices, 50 seats. */
const FULL: FleetShape = { lines: 10, mastersPerLine: 5, devicesPerMaster: 3, servantsPerLine: 35 };
const QUICK: FleetShape = { lines: 2, mastersPerLine: 5, devicesPerMaster: 3, servantsPerLine: 20 };
const DETECTED_WITHIN = 5000;
const SERVING_WITHIN = 10_000;
const BUDGET = 25;
const READY_WITHIN = 90_000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const runStormBench = async (options: BenchOptions): Promise<Report> => {
  const peer = await startPeer();
  const directory = mkdtempSync(join(tmpdir(), "greenroom-storm-"));
  let fleet: Fleet | undefined;
  try {
    fleet = await makeFleet(peer, directory, options.quick ? QUICK : FULL);
    await fleet.supervisor.start();
    await wholeFleet(fleet, "in service");
    const figures: Figure[] = [
      { what: "connections", value: fleet.devices.length, unit: "" },
      { what: "seats", value: fleet.supervisor.node.roster()?.seats.size ?? 0, unit: "" },
      ...(await idle(options.quick ? 3000 : 10_000)),
      ...(await drop(fleet, peer)),
      ...(await silence(fleet, peer)),
    ];
    return report("storm", figures, options);
  } finally {
    await fleet?.close();
    peer.stop();
    rmSync(directory, { recursive: true, force: true });
  }
};

const stateOf = (fleet: Fleet, device: DeviceId): string =>
  fleet.supervisor.node.roster()?.devices.get(device)?.state ?? "unknown";
const holdersOf = (fleet: Fleet): Map<SeatId, DeviceId> => {
  const seats = [...(fleet.supervisor.node.roster()?.seats.values() ?? [])];
  return new Map(seats.flatMap(({ id, holder }) => (holder ? [[id, holder] as const] : [])));
};

const wholeFleet = async (fleet: Fleet, what: string): Promise<void> => {
  const until = Date.now() + READY_WITHIN;
  const missing = (): DeviceId[] => fleet.devices.filter((device) => stateOf(fleet, device) !== "healthy");
  while (missing().length > 0 || !fleet.supervisor.isServing()) {
    if (Date.now() > until) {
      const first = missing()
        .slice(0, 5)
        .map((device) => `${device} (${stateOf(fleet, device)})`);
      throw new Error(
        `not everything is ${what}: ${missing().length} devices (${first.join(", ")}), seats ${fleet.supervisor.notServing().join(", ")}`,
      );
    }
    await sleep(100);
  }
};

/** CPU and loop of this process while `work` runs. */
const watched = async <T>(work: () => Promise<T>): Promise<{ value: T; cores: number; loopP99: number; loopMax: number }> => {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const from = performance.now();
  const cpu = process.cpuUsage();
  const value = await work();
  const { user, system } = process.cpuUsage(cpu);
  delay.disable();
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - 1);
  return {
    value,
    cores: (user + system) / 1000 / (performance.now() - from),
    loopP99: late(delay.percentile(99)),
    loopMax: late(delay.max),
  };
};
const strain = (when: string, { cores, loopP99, loopMax }: { cores: number; loopP99: number; loopMax: number }): Figure[] => [
  { what: `${when}: CPU`, value: cores * 100, unit: "% of a core" },
  { what: `${when}: event loop late, p99`, value: loopP99, unit: "ms" },
  { what: `${when}: event loop late, at most`, value: loopMax, unit: "ms" },
];

const idle = async (ms: number): Promise<Figure[]> => {
  await sleep(2000);
  return strain("all quiet", await watched(() => sleep(ms)));
};

/** Every holder's path falls silent in one moment, new connections included. */
const silence = async (fleet: Fleet, peer: Peer): Promise<Figure[]> => {
  const holders = holdersOf(fleet);
  const detected = new Map<string, number>();
  let at = Number.POSITIVE_INFINITY;
  const stop = fleet.supervisor.onEvent((event) => {
    if (event.type === "holder.failed" && !detected.has(event.subject)) detected.set(event.subject, event.at);
  });
  const others = fleet.devices.filter((device) => ![...holders.values()].includes(device));
  const accused = accusedAmong(fleet, others);
  const run = await watched(async () => {
    const answer = await peer.call({ op: "silence", targets: [...holders.values()].map((device) => fleet.address(device)) });
    at = answer["at"] as number;
    const until = Date.now() + 2 * DETECTED_WITHIN;
    while (detected.size < holders.size && Date.now() < until) await sleep(50);
  });
  stop();
  const wrong = accused.stop();
  const times = [...holders.keys()].map((seat) => (detected.get(seat) ?? Number.POSITIVE_INFINITY) - at);
  await peer.call({ op: "heal" });
  for (const device of fleet.devices) if (stateOf(fleet, device) !== "healthy") fleet.supervisor.node.redial(device);
  fleet.supervisor.node.resume("bench");
  await wholeFleet(fleet, "well again after the silence");
  await sleep(3000);
  return [
    { what: "silence: holders silenced", value: holders.size, unit: "" },
    { what: "silence: detected, median", value: quantile(times, 0.5), unit: "ms" },
    {
      what: "silence: detected, slowest",
      value: quantile(times, 1),
      unit: "ms",
      bound: { is: "<", than: DETECTED_WITHIN },
    },
    { what: "silence: others accused", value: wrong, unit: "", bound: { is: "<=", than: 0 } },
    ...strain("silence", run),
  ];
};

/** Devices out of a list that were ever suspected or worse. */
const accusedAmong = (fleet: Fleet, devices: readonly DeviceId[]): { stop(): number } => {
  const accused = new Set<DeviceId>();
  const timer = setInterval(() => {
    for (const device of devices) if (!["healthy", "recovering"].includes(stateOf(fleet, device))) accused.add(device);
  }, 10);
  return {
    stop: () => {
      clearInterval(timer);
      return accused.size;
    },
  };
};

/** The links of all holders, of one other device each, and of servants up to two fifths of the fleet, mixed. */
const drop = async (fleet: Fleet, peer: Peer): Promise<Figure[]> => {
  const holders = new Set(holdersOf(fleet).values());
  const seats = holdersOf(fleet).size;
  const count = Math.round(fleet.devices.length * 0.4);
  const masters = fleet.supervisor.node.roster()?.accounts;
  const spare = fleet.devices.filter((device) => !holders.has(device));
  const twins = [...holders].flatMap((holder) => {
    const account = [...(masters?.values() ?? [])].find(({ devices }) => devices.includes(holder));
    return account?.devices.find((device) => !holders.has(device)) ?? [];
  });
  const dropped = [...new Set([...holders, ...twins, ...spare.toReversed()])].slice(0, count);
  // Neither first nor last: every fourth.
  const mixed = dropped.toSorted((one, other) => (dropped.indexOf(one) % 4) - (dropped.indexOf(other) % 4));
  const rest = fleet.devices.filter((device) => !dropped.includes(device));
  const accused = accusedAmong(fleet, rest);
  const dials: { device: DeviceId; at: number }[] = [];
  fleet.onDial((device) => dials.push({ device, at: performance.now() }));
  let servedAfter = Number.POSITIVE_INFINITY;
  let allAfter = Number.POSITIVE_INFINITY;
  const run = await watched(async () => {
    const closed = new Promise<void>((resolve) => {
      const stop = fleet.supervisor.onFact((fact) => {
        if (fact.kind !== "closed") return;
        stop();
        resolve();
      });
    });
    const answer = await peer.call({ op: "drop", targets: mixed.map((device) => fleet.address(device)) });
    const at = answer["at"] as number;
    await closed;
    // All closes have been seen once every dropped device has left "healthy"; seats are looked at until none is without service.
    let lastOut = Date.now();
    let lastDown = Date.now();
    const until = Date.now() + 3 * SERVING_WITHIN;
    while (Date.now() < until) {
      const now = Date.now();
      if (!fleet.supervisor.isServing()) lastOut = now;
      if (dropped.some((device) => stateOf(fleet, device) !== "healthy" && stateOf(fleet, device) !== "recovering"))
        lastDown = now;
      if (now - lastDown > 1500 && now - lastOut > 1500) break;
      await sleep(10);
    }
    servedAfter = lastOut - at;
    allAfter = lastDown - at;
  });
  fleet.onDial(() => undefined);
  const wrong = accused.stop();
  await wholeFleet(fleet, "well again after the drop");
  const lastHolder = dials.findLastIndex(({ device }) => holders.has(device));
  const before = dials.slice(0, lastHolder).filter(({ device }) => !holders.has(device)).length;
  const span = ((dials.at(-1)?.at ?? 0) - (dials[0]?.at ?? 0)) / 1000;
  return [
    { what: "drop: links dropped at once", value: dropped.length, unit: "" },
    { what: "drop: seats among them", value: seats, unit: "" },
    { what: "drop: dials", value: dials.length, unit: "" },
    { what: "drop: others dialled before the last holder", value: before, unit: "", bound: { is: "<=", than: 0 } },
    { what: "drop: dials a second", value: (dials.length - 1) / span, unit: "", bound: { is: ">=", than: BUDGET } },
    {
      what: "drop: last seat in service again",
      value: servedAfter,
      unit: "ms",
      bound: { is: "<", than: SERVING_WITHIN },
    },
    { what: "drop: last connection in service again", value: allAfter, unit: "ms" },
    { what: `drop: accused among the other ${rest.length}`, value: wrong, unit: "", bound: { is: "<=", than: 0 } },
    ...strain("drop", run),
  ];
};

if (import.meta.main) {
  const { missed } = await runStormBench({ json: process.argv.includes("--json"), quick: process.argv.includes("--quick") });
  process.exit(missed.length === 0 ? 0 : 1);
}
