/**
 * Whether being watched costs a failover anything: the same seats of the same fleet fail by turns with nobody looking, and with five
 * dashboards and a Prometheus that scrapes each second. Production's own composition, real connections; those who watch are another process.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import type { DeviceId, SeatId } from "../machines/ports/ids.ts";
import type { FailoverRecord } from "../machines/ports/records.ts";
import { parseFleet } from "../src/config/index.ts";
import { type Production, startProduction } from "../src/runtime/production.ts";
import { seedFleet, shaped } from "./fleet.ts";
import { type Peer, startChild, startPeer } from "./peer/index.ts";
import type { DeviceAddress } from "./peer/messages.ts";
import { type BenchOptions, type Figure, median, quantile, report, type Report } from "./report.ts";
import type { Watch } from "./watching.child.ts";

/** Twelve seats, each with a twin and nobody else. Each fault strikes another one: who has just left a seat may not come back at once. */
const SHAPE = { lines: 12, mastersPerLine: 1, devicesPerMaster: 2, servantsPerLine: 1 };
const DASHBOARDS = 5;
const ROUNDS = { drop: 20, silence: 6 };
const QUICK = { drop: 2, silence: 1 };
/** Milliseconds that the median of the pairs' differences may be, either way. */
const BOUND = 50;
const PATIENCE = 60_000;
/** A fleet that was just hurt is given time to be whole again. */
const CALM = 3000;

type Fault = keyof typeof ROUNDS;
const SINCE: Readonly<Record<Fault, string>> = { drop: "fault", silence: "last sign of life" };
interface Bench {
  readonly production: Production;
  readonly peer: Peer;
  readonly addresses: ReadonlyMap<DeviceId, DeviceAddress>;
  readonly ended: ((record: FailoverRecord) => void)[];
  /** So many struck. */
  faults: number;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const until = async (test: () => boolean, what: string): Promise<void> => {
  const end = Date.now() + PATIENCE;
  while (!test()) {
    if (Date.now() > end) throw new Error(`not within ${PATIENCE / 1000} s: ${what}`);
    await sleep(20);
  }
};

export const runWatchingBench = async (options: BenchOptions): Promise<Report> => {
  const peer = await startPeer();
  const directory = mkdtempSync(join(tmpdir(), "greenroom-watching-"));
  let bench: Bench | undefined;
  try {
    bench = await open(peer, directory);
    const rounds = options.quick ? QUICK : ROUNDS;
    const { secret } = await bench.production.handlers.keyCreate({ name: "bench", role: "viewer", lines: null, expiresIn: null });
    const figures: Figure[] = [];
    for (const fault of ["drop", "silence"] as const) figures.push(...(await pairs(bench, fault, rounds[fault], secret)));
    return report("watching", figures, options);
  } finally {
    await bench?.production.stop();
    peer.stop();
    rmSync(directory, { recursive: true, force: true });
  }
};

const open = async (peer: Peer, directory: string): Promise<Bench> => {
  const declaration = shaped(SHAPE);
  const addresses = await seedFleet(peer, directory, declaration);
  const file = {
    fleet: "bench",
    store: { file: "./bench.db", key: "${env:KEY}" },
    api: { port: 0 },
    // So many faults in a row would make the brake stop them: that is another measurement.
    brake: { seats: 100 },
    whatsapp: { endpoint: peer.url, rootKey: peer.root },
    accounts: Object.fromEntries(
      declaration.accounts.map(({ id, role, devices }) => [id, { role, devices: devices.map((device) => device.split("/")[1]) }]),
    ),
    lines: Object.fromEntries(declaration.lines.map(({ id, masters, servants }) => [id, { masters, servants }])),
  };
  const env = { KEY: Buffer.alloc(32, 1).toString("base64") };
  const parsed = parseFleet(join(directory, "fleet.yaml"), JSON.stringify(file), env);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed));
  const ended: Bench["ended"] = [];
  const production = await startProduction({
    fleet: parsed.fleet,
    env,
    logger: pino({ level: process.env["GREENROOM_LOG"] ?? "silent" }, pino.destination(2)),
    onStop: () => undefined,
    onFailoverEnd: (record) => {
      for (const listener of ended) listener(record);
    },
  });
  const bench = { production, peer, addresses, ended, faults: 0 };
  await whole(bench);
  return bench;
};

const pairs = async (bench: Bench, fault: Fault, rounds: number, secret: string): Promise<Figure[]> => {
  const times = { alone: [] as number[], watched: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    // Whoever comes first in a pair alternates, so that neither has always the fresher fleet.
    const order = round % 2 === 0 ? (["alone", "watched"] as const) : (["watched", "alone"] as const);
    for (const how of order) times[how].push(how === "alone" ? await fail(bench, fault) : await watched(bench, fault, secret));
  }
  const differences = times.watched.map((time, round) => time - (times.alone[round] ?? Number.NaN));
  // A pair or two say nothing.
  const bound = rounds < ROUNDS[fault] ? {} : { bound: { is: "<=", than: BOUND } as const };
  const words = fault === "drop" ? "link dropped" : "path silent";
  return [
    { what: `${words}: pairs`, value: rounds, unit: "" },
    { what: `${words}, alone: ${SINCE[fault]} to in service, median`, value: median(times.alone), unit: "ms" },
    { what: `${words}, watched: ${SINCE[fault]} to in service, median`, value: median(times.watched), unit: "ms" },
    { what: `${words}, alone: slowest`, value: quantile(times.alone, 1), unit: "ms" },
    { what: `${words}, watched: slowest`, value: quantile(times.watched, 1), unit: "ms" },
    { what: `${words}: what watching changes, median of the pairs`, value: Math.abs(median(differences)), unit: "ms", ...bound },
  ];
};

const watched = async (bench: Bench, fault: Fault, secret: string): Promise<number> => {
  const { api } = bench.production;
  const child = startChild(new URL("./watching.child.ts", import.meta.url));
  try {
    await new Promise<void>((resolve, reject) => {
      child.once("message", () => resolve());
      child.once("exit", (code) => reject(new Error(`those who watch have ended (${code})`)));
      child.send({ api: api ?? "", key: secret, dashboards: DASHBOARDS } satisfies Watch);
    });
    return await fail(bench, fault);
  } finally {
    child.kill();
  }
};

/**
 * Milliseconds to the stand-in in service; the fleet is whole before and after. Of a silence from the last that was heard: how long
 * before the fault that was is chance, up to a probe's second, and has nothing to do with who watches.
 */
const fail = async (bench: Bench, fault: Fault): Promise<number> => {
  const { production, peer, addresses, ended } = bench;
  const { node } = production.supervisor;
  const seats = [...(node.roster()?.seats.keys() ?? [])];
  const seat = seats[bench.faults++ % seats.length] as SeatId;
  const holder = node.seat(seat)?.row.holder;
  const target = holder && addresses.get(holder);
  if (!target) throw new Error(`nobody holds ${seat}`);
  const over = Promise.withResolvers<FailoverRecord>();
  const listen = (record: FailoverRecord): void => {
    if (record.seat === seat && record.inServiceAt !== null) over.resolve(record);
  };
  ended.push(listen);
  const { at } = await peer.call({ op: fault, targets: [target] });
  const late = setTimeout(() => over.reject(new Error(`${seat} was not moved away from ${holder} (${fault})`)), PATIENCE);
  const record = await over.promise;
  clearTimeout(late);
  ended.splice(ended.indexOf(listen), 1);
  if (fault === "silence") {
    await peer.call({ op: "heal" });
    node.redial(holder);
  }
  await whole(bench);
  const since = fault === "drop" ? Number(at) : (record.lastEvidenceAt ?? Number.NaN);
  const took = (record.inServiceAt ?? Number.NaN) - since;
  process.stderr.write(`${fault} on ${seat}: ${Math.round(took)} ms (${record.ladder})\n`);
  return took;
};

const whole = async ({ production }: Bench): Promise<void> => {
  const { node } = production.supervisor;
  const isWell = (): boolean => [...(node.roster()?.devices.values() ?? [])].every(({ state }) => state === "healthy");
  await until(() => isWell() && production.supervisor.isServing(), "every device healthy and every seat in service");
  await sleep(CALM);
};

if (import.meta.main) {
  const { missed } = await runWatchingBench({ json: process.argv.includes("--json"), quick: process.argv.includes("--quick") });
  process.exit(missed.length === 0 ? 0 : 1);
}
