/**
 * What metrics cost a fleet of 500 devices, 100 of them holders: the counters at the ports for a second's traffic, and a scrape each
 * 15 s. The counters are measured as the difference between the same port with and without them, in turns.
 */
import type { ConnectionCommand, ConnectionFact, ConnectionPort } from "../machines/ports/connection.ts";
import type { StoreAnswer, StoreCommand, StorePort } from "../machines/ports/store.ts";
import { countingConnections, countingStore } from "../src/metrics/counting-ports.ts";
import { createMetrics } from "../src/metrics/metrics.ts";
import type { StatusAnswer } from "../src/runtime/control-protocol.ts";
import { type BenchOptions, type Figure, quantile, report, type Report } from "./report.ts";

/** A second of such a fleet: 100 holders probed each second, the rest each 10 s, and 50 messages with all that belongs to them. */
const SECOND = { probes: 140, evidence: 400, messages: 50, store: 400 };
const SCRAPE_EVERY = 15;
/** Per cent of a core. */
const BOUND = 2;

type Connections = ConnectionPort & { shutdown(): Promise<void> };

/** Plays the facts of a second to whoever listens. */
class Traffic {
  #listener: (fact: ConnectionFact) => void = () => undefined;
  readonly port: Connections = {
    perform: () => undefined,
    onFact: (listener) => {
      this.#listener = listener;
    },
    shutdown: async () => undefined,
  };
  #no = 0;

  second(connections: Connections, store: StorePort): void {
    for (let n = 0; n < SECOND.probes; n++) {
      connections.perform({ op: "probe", device: "a/a", probe: n, deadline: 2000 } as ConnectionCommand);
      this.#tell({ kind: "probed", device: "a/a", dial: 1, at: n, probe: n, rtt: 80 });
    }
    for (let n = 0; n < SECOND.evidence; n++) this.#tell({ kind: "evidence", device: "a/a", dial: 1, at: n });
    for (let n = 0; n < SECOND.messages; n++) {
      const [message, waId] = [`m${++this.#no}`, `w${this.#no}`];
      connections.perform({ op: "send", device: "a/a", message, waId } as unknown as ConnectionCommand);
      this.#tell({ kind: "sent", device: "a/a", at: 1, message, attempt: 1 });
      this.#tell({ kind: "acked", device: "a/a", at: 90, waId });
      this.#tell({ kind: "receipt", device: "a/a", at: 200, waId, receipt: "delivered" });
    }
    for (let n = 0; n < SECOND.store; n++) store.ask({ op: "keys.commit" } as unknown as StoreCommand, () => undefined);
  }
  #tell(fact: object): void {
    this.#listener(fact as ConnectionFact);
  }
}

const STORE: StorePort = { ask: (_, reply) => reply({ kind: "committed" } as unknown as StoreAnswer<never>) };

const STATUS = {
  startedAt: 0,
  mode: "automatic",
  seats: Array.from({ length: 100 }, (_, n) => ({
    id: `line-${n % 10}/account-${n}`,
    phase: "serving",
    term: 1,
    queue: { open: n, oldestMs: n, held: 0 },
  })),
  devices: Array.from({ length: 500 }, () => ({ health: "healthy", link: "linked" })),
  accounts: Array.from({ length: 300 }, () => ({ standing: "good" })),
  alerts: [],
} as unknown as StatusAnswer;

/** Microseconds that a second's traffic takes, as the median of many. */
const timed = (rounds: number, work: () => void): number => {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    work();
    times.push((performance.now() - began) * 1000);
  }
  return quantile(times, 0.5);
};

export const runMetricsBench = async (options: BenchOptions): Promise<Report> => {
  const { quick = false } = options;
  const rounds = quick ? 300 : 3000;
  const metrics = createMetrics();
  const [plain, counted] = [new Traffic(), new Traffic()];
  const counting = countingConnections(counted.port, metrics.instruments);
  const countedStore = countingStore(STORE, metrics.instruments);
  plain.port.onFact(() => undefined);
  counting.onFact(() => undefined);
  const without = (): void => plain.second(plain.port, STORE);
  const within = (): void => counted.second(counting, countedStore);
  timed(rounds / 3, without);
  timed(rounds / 3, within);
  const [base, full] = [timed(rounds, without), timed(rounds, within)];

  const scrapes: number[] = [];
  for (let n = 0; n < (quick ? 20 : 100); n++) {
    const began = performance.now();
    await metrics.scrape(STATUS);
    scrapes.push(performance.now() - began);
  }
  const scrape = quantile(scrapes, 0.5);
  const perSecond = Math.max(0, full - base) / 1000 + scrape / SCRAPE_EVERY;
  const figures: Figure[] = [
    { what: "counting a second of 500 devices", value: Math.max(0, full - base), unit: "µs" },
    { what: "a scrape, p50", value: scrape, unit: "ms" },
    { what: "of a core, scraped each 15 s", value: perSecond / 10, unit: "%", bound: { is: "<", than: BOUND } },
  ];
  return report("metrics", figures, options);
};

if (import.meta.main) {
  const { missed } = await runMetricsBench({ json: process.argv.includes("--json"), quick: process.argv.includes("--quick") });
  process.exit(missed.length === 0 ? 0 : 1);
}
