/**
 * The HTTP API from a second process: messages posted at a fixed rate, whatever the answers take, until each is durable (202); and a
 * hundred readers of events. The server is a whole supervisor with its SQLite store; its devices are not linked, so nothing is sent.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { pino } from "pino";
import { parseFleetData } from "../src/config/index.ts";
import { type Production, startProduction } from "../src/runtime/production.ts";
import type { Told, Wanted } from "./http.child.ts";
import { startChild } from "./peer/index.ts";
import { type BenchOptions, type Figure, median, quantile, report, type Report } from "./report.ts";

const PER_SECOND = 500;
const READERS = 100;
const EVENTS_PER_SECOND = 100;

export const runHttpBench = async (options: BenchOptions): Promise<Report> => {
  const folder = mkdtempSync(join(process.env["GREENROOM_BENCH_DIR"] ?? tmpdir(), "greenroom-http-"));
  const production = await start(folder);
  try {
    const { secret } = await production.handlers.keyCreate({ name: "bench", role: "operator", lines: null, expiresIn: null });
    const from = { url: production.api ?? "", key: secret };
    const seconds = options.quick ? 4 : 20;
    // Caches, and code that has become fast.
    await ask({ ...from, kind: "post", perSecond: PER_SECOND, seconds: 3 });
    const posted = await watched(() => ask({ ...from, kind: "post", perSecond: PER_SECOND, seconds }));
    const heard = await watched(() => listen(production, { ...from, kind: "listen", readers: READERS }, seconds));
    return report("http", [...postFigures(posted), ...eventFigures(heard, seconds)], options);
  } finally {
    await production.stop();
    rmSync(folder, { recursive: true, force: true });
  }
};

const start = async (folder: string): Promise<Production> => {
  const account = { role: "master" as const, devices: ["a"] };
  const parsed = parseFleetData(
    {
      fleet: "bench",
      accounts: { one: account, two: account, three: account },
      lines: { sales: { masters: ["one", "two", "three"], outboxLimit: 1_000_000 } },
      api: { port: 0, rateLimit: { perSecond: 100_000, burst: 100_000 } },
    },
    folder,
    {},
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  const logger = pino({ level: "silent" });
  return startProduction({ fleet: parsed.fleet, env: {}, logger, onStop: () => undefined });
};

/** Has the other process do it, and gives what it measured. `onReady`: it has begun to listen. */
const ask = (wanted: Wanted, onReady?: () => Promise<void>): Promise<Told> =>
  new Promise((resolve, reject) => {
    const child = startChild(new URL("./http.child.ts", import.meta.url));
    child.once("exit", (code) => reject(new Error(`the client ended without figures (${code})`)));
    child.on("message", (message: Told | "ready") => {
      if (message !== "ready") {
        resolve(message);
        child.disconnect();
      } else void onReady?.().then(() => child.send("enough"), reject);
    });
    child.send(wanted);
  });

const listen = (production: Production, wanted: Wanted, seconds: number): Promise<Told> =>
  ask(wanted, async () => {
    const begun = performance.now();
    for (let told = 0; told < seconds * EVENTS_PER_SECOND; ) {
      const due = Math.floor(((performance.now() - begun) * EVENTS_PER_SECOND) / 1000);
      for (; told < due; told++)
        production.supervisor.report({
          type: "bench.told",
          subject: "sales",
          data: { n: told, at: performance.timeOrigin + performance.now() },
        });
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    // The last ones are on their way.
    await new Promise((resolve) => setTimeout(resolve, 500));
  });

interface Watched {
  readonly told: Told;
  /** Milliseconds by which a timer of the server was late. */
  readonly loop: { readonly p99: number; readonly max: number };
  /** Of one core, of the server. */
  readonly share: number;
}
const watched = async (work: () => Promise<Told>): Promise<Watched> => {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const cpu = process.cpuUsage();
  const begun = performance.now();
  delay.enable();
  const told = await work();
  delay.disable();
  const { user, system } = process.cpuUsage(cpu);
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - 1);
  return {
    told,
    loop: { p99: late(delay.percentile(99)), max: late(delay.max) },
    share: (user + system) / 10 / (performance.now() - begun),
  };
};

/** A machine that does something else for a moment spoils one second, and not all. */
const secondsOf = (times: readonly number[]): (readonly number[])[] =>
  Array.from({ length: Math.floor(times.length / PER_SECOND) }, (_, second) =>
    times.slice(second * PER_SECOND, (second + 1) * PER_SECOND),
  );

const postFigures = ({ told: { times, count, faults, late }, loop, share }: Watched): Figure[] => [
  { what: "messages posted a second", value: count, unit: "", bound: { is: ">=", than: PER_SECOND * 0.99 } },
  { what: "posts that were not answered with 202", value: faults, unit: "", bound: { is: "<=", than: 0 } },
  { what: "POST to durable 202, p50", value: quantile(times, 0.5), unit: "ms" },
  { what: "POST to durable 202, p99", value: quantile(times, 0.99), unit: "ms", bound: { is: "<", than: 20 } },
  {
    what: "POST to durable 202, p99 of the median second",
    value: median(secondsOf(times).map((each) => quantile(each, 0.99))),
    unit: "ms",
  },
  { what: "POST to durable 202, longest", value: quantile(times, 1), unit: "ms" },
  { what: "server's event loop meanwhile, p99", value: loop.p99, unit: "ms late" },
  { what: "server's event loop meanwhile, longest", value: loop.max, unit: "ms late" },
  { what: "client's event loop meanwhile, p99", value: late, unit: "ms late" },
  { what: "server's processor time meanwhile", value: share, unit: "% of a core" },
];

const eventFigures = ({ told: { times, count, faults, late }, loop, share }: Watched, seconds: number): Figure[] => [
  {
    what: `events to each of ${READERS} readers`,
    value: count / READERS,
    unit: "",
    bound: { is: ">=", than: seconds * EVENTS_PER_SECOND },
  },
  { what: "events out of order, or streams that ended", value: faults, unit: "", bound: { is: "<=", than: 0 } },
  { what: "event to reader, p50", value: quantile(times, 0.5), unit: "ms" },
  { what: "event to reader, p99", value: quantile(times, 0.99), unit: "ms" },
  { what: "server's event loop with readers, p99", value: loop.p99, unit: "ms late", bound: { is: "<", than: 20 } },
  { what: "server's event loop with readers, longest", value: loop.max, unit: "ms late" },
  { what: "client's event loop with its readers, p99", value: late, unit: "ms late" },
  { what: "server's processor time with readers", value: share, unit: "% of a core" },
];
