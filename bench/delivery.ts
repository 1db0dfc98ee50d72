/**
 * Delivery, real Baileys on a loopback server in another process:
 * - how fast messages are accepted (durable, synchronous=FULL) while 50 a second are being sent, and how late the event loop is then;
 * - whether reading what is to be sent next, and memory, stay flat with a million rows in the outbox;
 * - processor time of a message's whole way, against raw Baileys with its own files and with keys in memory, in turns in one run.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { type ArmProcess, startArm, takeTurns } from "./baileys/arms.ts";
import { type Arm, type Rate, type Shape, WHOLE } from "./baileys/messages.ts";
import { Load, LINE } from "./delivery-load.ts";
import type { Look } from "./delivery.child.ts";
import { seedFleet, shaped } from "./fleet.ts";
import { fillOutbox } from "./delivery-rows.ts";
import { type Peer, startChild, startPeer } from "./peer/index.ts";
import { type BenchOptions, type Figure, median, quantile, report, type Report } from "./report.ts";

interface Size {
  readonly acceptMs: number;
  readonly rows: number;
  readonly rounds: number;
  readonly sliceMs: number;
}
const FULL: Size = { acceptMs: 20_000, rows: 1_000_000, rounds: 9, sliceMs: 700 };
const QUICK: Size = { acceptMs: 4000, rows: 50_000, rounds: 3, sliceMs: 400 };

/** A little above what must be reached, so that a pause does not make a miss of it. */
const ACCEPTED_PER_SECOND = 1050;
const ARMS: readonly [Arm, Arm, Arm] = ["raw, keys in memory", "raw, keys in its own files", WHOLE];
/** The quick one first: by the second, compilers have settled in all arms alike. */
const SENDS: readonly Shape[] = ["10x10", "1x1"];

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** At a fixed rate, whether answered or not; the time counts from when a message was due, so a standing event loop counts too. */
const accepted = async (peer: Peer, ms: number): Promise<Figure[]> => {
  const load = await Load.start(peer);
  try {
    const times: number[] = [];
    const open: Promise<void>[] = [];
    const delay = monitorEventLoopDelay({ resolution: 1 });
    const ackedBefore = load.acked;
    delay.enable();
    const cpu = process.cpuUsage();
    const from = performance.now();
    for (let asked = 0, now = from; now < from + ms; now = performance.now()) {
      for (; asked < ((now - from) * ACCEPTED_PER_SECOND) / 1000; asked++) {
        const due = from + (asked * 1000) / ACCEPTED_PER_SECOND;
        open.push(load.accept(asked).then(() => void times.push(performance.now() - due)));
      }
      await sleep(1);
    }
    await Promise.all(open);
    const elapsed = (performance.now() - from) / 1000;
    delay.disable();
    const { user, system } = process.cpuUsage(cpu);
    const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - 1); // the timer's own millisecond
    return [
      { what: "accepted, durable", value: times.length / elapsed, unit: "/s", bound: { is: ">=", than: 1000 } },
      { what: "  from due to durable, p50", value: quantile(times, 0.5), unit: "ms" },
      { what: "  from due to durable, p99", value: quantile(times, 0.99), unit: "ms", bound: { is: "<", than: 20 } },
      {
        what: "  meanwhile acknowledged by WhatsApp",
        value: (load.acked - ackedBefore) / elapsed,
        unit: "/s",
        bound: { is: ">=", than: 50 },
      },
      { what: "  event loop late, p99", value: late(delay.percentile(99)), unit: "ms", bound: { is: "<", than: 20 } },
      { what: "  event loop late, at most", value: late(delay.max), unit: "ms" },
      { what: "  CPU", value: (user + system) / 1e4 / elapsed, unit: "% of a core" },
    ];
  } finally {
    await load.close();
  }
};

/** What any durable commit on this disk waits for at present, to judge the others by: 20 kB written over and flushed. */
const flushes = (count: number): Figure[] => {
  const directory = mkdtempSync(join(tmpdir(), "greenroom-flush-"));
  const fd = openSync(join(directory, "flush"), "w");
  try {
    const block = Buffer.alloc(20_000);
    const times: number[] = [];
    for (let place = 0; place < count * 2; place++) {
      const from = performance.now();
      writeSync(fd, block, 0, block.length, (place % count) * block.length);
      fdatasyncSync(fd);
      // The first time round the file grows, which a log in use does not.
      if (place >= count) times.push(performance.now() - from);
    }
    return [
      { what: "one flush of this disk, p50", value: quantile(times, 0.5), unit: "ms" },
      { what: "one flush of this disk, p99", value: quantile(times, 0.99), unit: "ms" },
    ];
  } finally {
    closeSync(fd);
    rmSync(directory, { recursive: true, force: true });
  }
};

/** The same fleet on the same store, in a process of its own: with what the queue reads at once, and with a million. */
const manyRows = async (peer: Peer, rows: number): Promise<Figure[]> => {
  const directory = mkdtempSync(join(tmpdir(), "greenroom-delivery-"));
  try {
    const declaration = shaped({ lines: 1, mastersPerLine: 1, devicesPerMaster: 1, servantsPerLine: 0 });
    await seedFleet(peer, directory, declaration);
    const few = 1000;
    await fillOutbox(directory, LINE, 0, few);
    const before = await look(peer, directory);
    const from = performance.now();
    await fillOutbox(directory, LINE, few, rows);
    const filled = ((rows - few) / (performance.now() - from)) * 1000;
    const after = await look(peer, directory);
    const name = rows.toLocaleString("en");
    const grown = (after.heapUsed - before.heapUsed) / 2 ** 20;
    return [
      { what: `rows of the outbox, all waiting`, value: rows, unit: "" },
      { what: "  written in batches", value: filled, unit: "/s" },
      { what: `  claim, p50, with ${few} rows`, value: before.claim, unit: "ms" },
      { what: `  claim, p50, with ${name}`, value: after.claim, unit: "ms" },
      { what: `  claim from the middle, p50`, value: after.claimMiddle, unit: "ms" },
      {
        what: "  claim, many over few",
        value: Math.max(after.claim, after.claimMiddle) / before.claim,
        unit: "",
        bound: { is: "<=", than: 2 },
      },
      { what: `  accept, alone, p50, with ${few}`, value: before.accept, unit: "ms" },
      { what: `  accept, alone, p50, with ${name}`, value: after.accept, unit: "ms" },
      { what: "  heap of the process with few", value: before.heapUsed / 2 ** 20, unit: "MiB" },
      // What a message in memory takes is over a kilobyte: a million of them would be a thousand times this.
      { what: "  heap that many add", value: grown, unit: "MiB", bound: { is: "<", than: 4 } },
      { what: "  RSS that many add (SQLite's page cache: at most 32)", value: (after.rss - before.rss) / 2 ** 20, unit: "MiB" },
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

const look = (peer: Peer, directory: string): Promise<Look> =>
  new Promise((resolve, reject) => {
    const child = startChild(new URL("./delivery.child.ts", import.meta.url), ["--expose-gc"]);
    let seen: Look | undefined;
    child.on("message", (message: Look) => {
      seen = message;
    });
    child.once("exit", (code) => (seen ? resolve(seen) : reject(new Error(`the process that looks ended (${code})`))));
    child.send({ url: peer.url, root: peer.root, directory });
  });

const cpuOfASend = async (peer: Peer, { rounds, sliceMs }: Size): Promise<Figure[]> => {
  const arms: ArmProcess[] = ARMS.map((arm, index) => startArm(arm, index + 1, peer));
  try {
    for (const arm of arms) {
      await arm.measure({ measure: "connect", count: 10 });
      await arm.measure({ measure: "warm", receives: false });
    }
    const figures: Figure[] = [];
    for (const shape of SENDS) {
      await takeTurns(arms, 1, { measure: "send", shape, ms: sliceMs * 2 });
      const slices = await takeTurns(arms, rounds, { measure: "send", shape, ms: sliceMs });
      figures.push(...compared(shape, slices));
    }
    return figures;
  } finally {
    for (const arm of arms) arm.stop();
  }
};

const compared = (shape: Shape, slices: ReadonlyMap<Arm, readonly Rate[]>): Figure[] => {
  const [memory, files, ours] = ARMS.map((arm) => (slices.get(arm) ?? []).map(({ cpuMs }) => cpuMs));
  const over = (others: readonly number[] = []): number =>
    median((ours ?? []).map((cpu, round) => cpu / (others[round] ?? Number.NaN)));
  return [
    ...ARMS.map(
      (arm): Figure => ({
        what: `CPU of a sent message, ${shape}, ${arm}`,
        value: median((slices.get(arm) ?? []).map(({ cpuMs }) => cpuMs)),
        unit: "ms",
      }),
    ),
    { what: `  ${shape}: ours over raw on files`, value: over(files), unit: "", bound: { is: "<", than: 1 } },
    { what: `  ${shape}: ours over raw in memory`, value: over(memory), unit: "", bound: { is: "<=", than: 1.5 } },
  ];
};

export const runDeliveryBench = async (options: BenchOptions): Promise<Report> => {
  const size = options.quick ? QUICK : FULL;
  const peer = await startPeer();
  try {
    const figures = [
      ...flushes(200),
      ...(await accepted(peer, size.acceptMs)),
      ...(await manyRows(peer, size.rows)),
      ...(await cpuOfASend(peer, size)),
    ];
    return report("delivery", figures, options);
  } finally {
    peer.stop();
  }
};
