/** One arm, in a process of its own: measures what it is told, when it is told. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { questions } from "../peer/index.ts";
import type { Answer, PeerOp } from "../peer/messages.ts";
import { median } from "../report.ts";
import type { Bench, Client } from "./client.ts";
import { CONTACTS, WRITERS } from "./client.ts";
import { greenroomClient } from "./greenroom-client.ts";
import { type Arm, type Measure, type Memory, type Rate, SHAPES, type Start, WHOLE } from "./messages.ts";
import { rawClient } from "./raw-client.ts";
import { supervisorClient } from "./supervisor-client.ts";

/** More than any arm sends in a second. */
const MOST_PER_SECOND = 4000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const cpuMs = (since: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
};

const sendRate = async (client: Client, connections: number, inFlight: number, ms: number): Promise<Rate> => {
  const expected = Math.ceil((ms * MOST_PER_SECOND) / 1000 / connections / CONTACTS);
  for (let connection = 0; connection < connections; connection += 1) {
    for (let contact = 0; contact < CONTACTS; contact += 1) await client.prepare(connection, contact, expected);
  }
  const latencies: number[] = [];
  const cpu = process.cpuUsage();
  const from = performance.now();
  const until = from + ms;
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
  return {
    messages: latencies.length,
    perSecond: (latencies.length / elapsed) * 1000,
    cpuMs: cpuMs(cpu) / latencies.length,
    p50: median(latencies),
  };
};

const receiveRate = async (client: Client, bench: Bench, connections: number, count: number): Promise<Rate> => {
  const to = Array.from({ length: connections }, (_, connection) => bench.numberOf(connection));
  const each = Math.ceil(count / WRITERS / connections);
  let missing = each * WRITERS * connections;
  const total = missing;
  const all = new Promise<void>((resolve) =>
    client.onReceived(() => {
      missing -= 1;
      if (missing === 0) resolve();
    }),
  );
  const cpu = process.cpuUsage();
  const from = performance.now();
  const writing = Array.from({ length: WRITERS }, (_, writer) =>
    bench.call({ op: "write", from: bench.personOf(CONTACTS + writer), to, count: each }),
  );
  await Promise.all([all, ...writing]);
  const elapsed = performance.now() - from;
  return { messages: total, perSecond: (total / elapsed) * 1000, cpuMs: cpuMs(cpu) / total, p50: null };
};

const memory = async (): Promise<Memory> => {
  for (let turn = 0; turn < 4; turn += 1) {
    (globalThis as { gc?: () => void }).gc?.();
    await sleep(100);
  }
  return process.memoryUsage();
};

/** First messages pay for look-ups and sessions, which is not what is measured. */
const warm = async (client: Client, bench: Bench, receives: boolean): Promise<void> => {
  const [connections] = SHAPES["10x10"];
  for (let connection = 0; connection < connections; connection += 1) {
    for (let contact = 0; contact < CONTACTS; contact += 1) {
      await client.prepare(connection, contact, 1);
      await client.send(connection, contact);
    }
  }
  if (receives) await receiveRate(client, bench, connections, connections * WRITERS);
};

const perform = async (client: Client, bench: Bench, what: Measure): Promise<object> => {
  switch (what.measure) {
    case "connect":
      await client.connect(what.count);
      return {};
    case "warm":
      await warm(client, bench, what.receives);
      return {};
    case "send": {
      const [connections, inFlight] = SHAPES[what.shape];
      return sendRate(client, connections, inFlight, what.ms);
    }
    case "receive":
      return receiveRate(client, bench, what.connections, what.count);
    case "memory":
      return memory();
  }
};

const directory = mkdtempSync(join(tmpdir(), "greenroom-bench-"));
const { ask, take } = questions((call) => process.send?.({ call }));
let ready: Promise<{ client: Client; bench: Bench }> | undefined;

const begin = async ({ arm, ready: peer, base }: Start): Promise<{ client: Client; bench: Bench }> => {
  const bench: Bench = {
    ready: peer,
    directory,
    call: (op: PeerOp): Promise<Answer> => ask(op),
    numberOf: (connection) => `49155${base}${String(connection).padStart(5, "0")}`,
    personOf: (contact) => `49176${base}${String(contact).padStart(5, "0")}`,
  };
  const people = Array.from({ length: CONTACTS + WRITERS }, (_, contact) => bench.personOf(contact));
  const { lids } = (await bench.call({ op: "people", numbers: people, reads: false })) as { lids: string[] };
  return { client: await clientOf(arm, bench, lids), bench };
};

const clientOf = (arm: Arm, bench: Bench, lids: readonly string[]): Client | Promise<Client> => {
  if (arm === WHOLE) return supervisorClient(bench, lids);
  return arm === "greenroom, everything durable" ? greenroomClient(bench, lids) : rawClient(arm, bench, lids);
};

process.on("message", (message: { start?: Start; id?: number; re?: number } & Partial<Measure>) => {
  if (take(message)) return;
  if (message.start) {
    ready = begin(message.start);
    return;
  }
  const id = message.id;
  ready
    ?.then(({ client, bench }) => perform(client, bench, message as Measure))
    .then((figures) => process.send?.({ re: id, figures }))
    .catch((error: unknown) => process.send?.({ re: id, error: error instanceof Error ? error.message : String(error) }));
});
process.on("disconnect", () => {
  rmSync(directory, { recursive: true, force: true });
  process.exit(0);
});
