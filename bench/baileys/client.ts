/** One arm, in a process of its own: connects, measures, reports, ends. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Arm, Figures, Rate, Ready, ServerOp } from "./messages.ts";
import { greenroomClient } from "./greenroom-client.ts";
import { rawClient } from "./raw-client.ts";

/** What each arm must be able to do. Connections are numbered from 0. */
export interface Client {
  /** Links and opens connections until there are `count`. */
  connect(count: number): Promise<void>;
  /** What must be there before `messages` can be sent: outbox rows. */
  prepare(connection: number, contact: number, messages: number): Promise<void>;
  /** Sends one and resolves with its ack. */
  send(connection: number, contact: number): Promise<void>;
  onReceived(listener: () => void): void;
  probe(connection: number): Promise<void>;
  close(): Promise<void>;
}
export interface Bench {
  readonly ready: Ready;
  readonly directory: string;
  readonly call: (op: ServerOp) => Promise<Record<string, unknown>>;
  /** A number by connection; people by contact. */
  readonly numberOf: (connection: number) => string;
  readonly personOf: (contact: number) => string;
}

export const CONTACTS = 8;
const MEMORY_CONNECTIONS = 20;
const WRITERS = 10;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const cpuMs = (since: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
};
const percentile = (sorted: readonly number[], share: number): number =>
  Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 100) / 100;

const sendRate = async (client: Client, connections: number, inFlight: number, seconds: number): Promise<Rate> => {
  const expected = Math.ceil((seconds * 2500) / connections / CONTACTS);
  for (let connection = 0; connection < connections; connection += 1) {
    for (let contact = 0; contact < CONTACTS; contact += 1) await client.prepare(connection, contact, expected);
  }
  // First messages to each contact pay for look-ups and sessions: not what is measured.
  for (let connection = 0; connection < connections; connection += 1) {
    for (let contact = 0; contact < CONTACTS; contact += 1) await client.send(connection, contact);
  }
  const latencies: number[] = [];
  const cpu = process.cpuUsage();
  const from = performance.now();
  const until = from + seconds * 1000;
  const loop = async (connection: number, lane: number): Promise<void> => {
    for (let turn = lane; performance.now() < until; turn += 1) {
      const start = performance.now();
      await client.send(connection, turn % CONTACTS);
      latencies.push(performance.now() - start);
    }
  };
  const loops: Promise<void>[] = [];
  for (let connection = 0; connection < connections; connection += 1) {
    for (let lane = 0; lane < inFlight; lane += 1) loops.push(loop(connection, lane));
  }
  await Promise.all(loops);
  const elapsed = performance.now() - from;
  latencies.sort((a, b) => a - b);
  return {
    messages: latencies.length,
    perSecond: Math.round((latencies.length / elapsed) * 1000),
    cpuMs: Math.round((cpuMs(cpu) / latencies.length) * 1000) / 1000,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
  };
};

const receiveRate = async (client: Client, bench: Bench, connections: number, seconds: number): Promise<Rate> => {
  const to = Array.from({ length: connections }, (_, connection) => bench.numberOf(connection));
  const write = (writer: number, count: number): Promise<unknown> =>
    bench.call({ op: "write", from: bench.personOf(CONTACTS + writer), to, count });
  let missing = 0;
  let complete = (): void => undefined;
  client.onReceived(() => {
    missing -= 1;
    if (missing === 0) complete();
  });
  const arrival = (of: number): Promise<void> => {
    missing = of;
    return new Promise((resolve) => (complete = resolve));
  };
  const first = arrival(WRITERS * connections);
  for (let writer = 0; writer < WRITERS; writer += 1) await write(writer, 1);
  await first;
  const each = Math.ceil((seconds * 500) / WRITERS / connections);
  const total = each * WRITERS * connections;
  const all = arrival(total);
  const cpu = process.cpuUsage();
  const from = performance.now();
  for (let writer = 0; writer < WRITERS; writer += 1) void write(writer, each);
  await all;
  const elapsed = performance.now() - from;
  return {
    messages: total,
    perSecond: Math.round((total / elapsed) * 1000),
    cpuMs: Math.round((cpuMs(cpu) / total) * 1000) / 1000,
    p50: null,
    p99: null,
  };
};

const probeCost = async (client: Client, connections: number, seconds: number): Promise<Figures["probe"]> => {
  const idle = process.cpuUsage();
  await sleep(1000);
  const idleMs = cpuMs(idle);
  const cpu = process.cpuUsage();
  const from = performance.now();
  let probes = 0;
  const waiting: Promise<void>[] = [];
  // 100 a second, evenly: as many as 100 holders get.
  while (performance.now() - from < seconds * 1000) {
    waiting.push(client.probe(probes % connections));
    probes += 1;
    await sleep(Math.max(0, from + probes * 10 - performance.now()));
  }
  await Promise.all(waiting);
  const elapsed = performance.now() - from;
  const each = (cpuMs(cpu) - (idleMs * elapsed) / 1000) / probes;
  return { cpuMs: Math.round(each * 1000) / 1000, coreShareAt100: Math.round(each * 100) / 1000 };
};

const collect = async (): Promise<NodeJS.MemoryUsage> => {
  for (let turn = 0; turn < 4; turn += 1) {
    (globalThis as { gc?: () => void }).gc?.();
    await sleep(100);
  }
  return process.memoryUsage();
};

const measure = async (arm: Arm, seconds: number, bench: Bench): Promise<Figures> => {
  const people = Array.from({ length: CONTACTS + WRITERS }, (_, contact) => bench.personOf(contact));
  await bench.call({ op: "people", numbers: people, reads: false });
  const { lids } = (await bench.call({ op: "people", numbers: people, reads: false })) as { lids: string[] };
  const client = arm === "greenroom, everything durable" ? await greenroomClient(bench, lids) : rawClient(arm, bench, lids);
  await client.connect(1);
  const one = await collect();
  await client.connect(MEMORY_CONNECTIONS + 1);
  await sleep(1500);
  const many = await collect();
  const perConnection = (key: "rss" | "heapUsed"): number => Math.round((many[key] - one[key]) / MEMORY_CONNECTIONS / 1024);
  const memory = {
    connections: MEMORY_CONNECTIONS,
    rssPerConnectionKiB: perConnection("rss"),
    heapPerConnectionKiB: perConnection("heapUsed"),
  };
  const probe = await probeCost(client, MEMORY_CONNECTIONS, seconds);
  const send = {
    "1x1": await sendRate(client, 1, 1, seconds),
    "1x20": await sendRate(client, 1, 20, seconds),
    "10x10": await sendRate(client, 10, 10, seconds),
  };
  const receive = { "1": await receiveRate(client, bench, 1, seconds), "10": await receiveRate(client, bench, 10, seconds) };
  await client.close();
  return { arm, send, receive, probe, memory };
};

let lastCall = 0;
const calls = new Map<number, (answer: Record<string, unknown>) => void>();
interface Start {
  readonly start: { arm: Arm; ready: Ready; seconds: number; base: number };
}
process.on("message", (message: Start | { re: number; error?: string }) => {
  if ("re" in message) {
    if (message.error) throw new Error(message.error);
    calls.get(message.re)?.(message);
    calls.delete(message.re);
    return;
  }
  const { arm, ready, seconds, base } = message.start;
  const directory = mkdtempSync(join(tmpdir(), "greenroom-bench-"));
  const bench: Bench = {
    ready,
    directory,
    call: (op) =>
      new Promise((resolve) => {
        lastCall += 1;
        calls.set(lastCall, resolve);
        process.send?.({ call: { id: lastCall, ...op } });
      }),
    numberOf: (connection) => `49155${base}${String(connection).padStart(5, "0")}`,
    personOf: (contact) => `49176${base}${String(contact).padStart(5, "0")}`,
  };
  void measure(arm, seconds, bench)
    .then((figures) => process.send?.({ figures }))
    .finally(() => {
      rmSync(directory, { recursive: true, force: true });
      setTimeout(() => process.exit(0), 50);
    });
});
process.on("disconnect", () => process.exit(1));
