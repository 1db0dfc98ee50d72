/**
 * What the SQLite store does on this machine and disk: commits one after another and in batches, how long the event loop stands
 * still meanwhile, and whether `outbox.open` stays flat with a million rows. Run alone: `node bench/store.ts [--json]`.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { accountId, deviceId, lineId, nodeId, seatId, seatTerm, type LeaseTerm, type RequestId } from "../machines/ports/ids.ts";
import type { OutboxDraft, StoreAnswer, StoreCommand, StoreOp, StoreOps } from "../machines/ports/store.ts";
import { openSqliteStore, type SqliteStore } from "../src/adapters/sqlite/store.ts";
import { systemClock } from "../src/runtime/clock.ts";

export interface Timing {
  readonly perSecond: number;
  /** Milliseconds from question to answer. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Milliseconds by which a 1 ms timer was late, p99 and longest. */
  readonly loopP99: number;
  readonly loopMax: number;
}
export interface StoreBenchReport {
  readonly node: string;
  readonly folder: string;
  /** One question at a time, each in a transaction of its own. */
  readonly single: Readonly<Record<string, Timing>>;
  /** Questions asked at a fixed rate a second, as they come. */
  readonly steady: Readonly<Record<string, Timing>>;
  /** A thousand questions in one turn. */
  readonly batched: Timing;
  /** The first 200 open rows of a seat, in milliseconds, by rows in its outbox: all open, or all but the last acknowledged. */
  readonly open: readonly { readonly rows: number; readonly state: string; readonly p50: number; readonly p99: number }[];
  /** Time to open the file with that many rows in it, and its size. */
  readonly reopen: { readonly rows: number; readonly ms: number; readonly megabytes: number };
}

interface Options {
  /** Print nothing: the caller wants the figures. */
  readonly json: boolean;
  /** Rows of the large outbox. */
  readonly rows?: number;
  /** Commits a measurement. */
  readonly commits?: number;
}

const [ACCOUNT, LINE] = [accountId("bench-1"), lineId("bench")];
const [DEVICE, SEAT] = [deviceId(ACCOUNT, "a"), seatId(LINE, ACCOUNT)];
const AUDIT = { at: 0, actor: "bench", action: "bench", subject: SEAT, text: "", evidence: {} };

/** Measures, prints a table unless `json`, and gives the figures. Takes about a minute. */
export const runStoreBench = async ({ json, rows = 1_000_000, commits = 5000 }: Options): Promise<StoreBenchReport> => {
  const folder = mkdtempSync(join(process.env["GREENROOM_BENCH_DIR"] ?? tmpdir(), "greenroom-bench-"));
  try {
    const report = await measure(folder, rows, commits);
    if (!json) console.log(table(report));
    return report;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const measure = async (folder: string, rows: number, commits: number): Promise<StoreBenchReport> => {
  const file = join(folder, "bench.db");
  const key = crypto.getRandomValues(new Uint8Array(32));
  const open = () => openSqliteStore({ file, key, clock: systemClock });
  let bench = await Bench.start(open());
  const single: Record<string, Timing> = {};
  await bench.each(commits, (n) => bench.accept(n)); // warm: caches, and a log that need not grow any more
  for (const [name, ask] of bench.hotPath()) single[name] = await bench.each(commits, ask);
  const steady: Record<string, Timing> = {};
  for (const rate of [500, 3000]) steady[`outbox.accept, ${rate}/s`] = await bench.atRate(rate, rate * 2, (n) => bench.accept(n));
  const batched = await bench.together(20, 1000, (n) => bench.accept(n));

  const openTimes: { rows: number; state: string; p50: number; p99: number }[] = [];
  const look = async (state: string): Promise<void> => {
    const { p50, p99 } = await bench.each(200, () => bench.ask({ op: "outbox.open", seat: SEAT, afterSeq: 0, limit: 200 }));
    openTimes.push({ rows: bench.accepted, state, p50, p99 });
  };
  await bench.settle(0);
  await look("all acknowledged");
  const done = bench.accepted;
  await bench.fill(rows - done);
  await look("all but the first open");
  await bench.settle(1);
  await look("one open");

  bench.close();
  const megabytes = round(statSync(file).size / 1e6);
  const from = performance.now();
  bench = new Bench(open());
  const reopen = { rows: done + rows - done, ms: round(performance.now() - from), megabytes };
  bench.close();
  return { node: process.version, folder, single, steady, batched, open: openTimes, reopen };
};

type Ask = (n: number) => Promise<unknown>;

class Bench {
  readonly #store: SqliteStore;
  #term = 1 as LeaseTerm;
  #asked = 0;
  /** Messages accepted so far; they are numbered from 0. */
  accepted = 0;
  /** The first message that is not acknowledged yet. */
  #first = 0;

  constructor(store: SqliteStore) {
    this.#store = store;
  }
  static async start(store: SqliteStore): Promise<Bench> {
    const bench = new Bench(store);
    const fleet = {
      accounts: [{ id: ACCOUNT, role: "master" as const, devices: [DEVICE] }],
      lines: [{ id: LINE, masters: [ACCOUNT], servants: [], strategy: "sticky" }],
    };
    await bench.ask({ op: "fleet.declare", fleet });
    const { granted } = (await bench.ask({
      op: "lease.acquire",
      devices: [DEVICE],
      node: nodeId("bench"),
      ttl: 1000,
    })) as Extract<StoreAnswer<"lease.acquire">, { kind: "leases" }>;
    bench.#term = granted[0]?.term ?? bench.#term;
    await bench.ask({
      op: "seat.change",
      seat: SEAT,
      expect: seatTerm(0),
      holder: DEVICE,
      phase: "serving",
      failover: null,
      audit: AUDIT,
    });
    return bench;
  }
  close(): void {
    this.#store.close();
  }

  ask<K extends StoreOp>(question: { op: K } & StoreOps[K]["in"]): Promise<StoreAnswer<K>> {
    const command = { ...question, reqId: `b${++this.#asked}` as RequestId } as unknown as StoreCommand<K>;
    return new Promise((resolve, reject) => {
      this.#store.ask(command, (answer) => {
        if (answer.kind === "failed" || answer.kind === "stale" || answer.kind === "full")
          reject(new Error(JSON.stringify(answer)));
        else resolve(answer);
      });
    });
  }
  accept(_n: number): Promise<unknown> {
    return this.ask({ op: "outbox.accept", messages: [message(this.accepted++)], limit: 1e9 });
  }

  /** What one message costs, step by step. */
  hotPath(): readonly (readonly [string, Ask])[] {
    const first = this.accepted;
    const session = crypto.getRandomValues(new Uint8Array(1500));
    return [
      ["outbox.accept", (n) => this.accept(n)],
      ["keys.load", (n) => this.ask({ op: "keys.load", device: DEVICE, type: "session", ids: [`s${n % 500}`] })],
      [
        "keys.commit with attempt",
        (n) =>
          this.ask({
            op: "keys.commit",
            device: DEVICE,
            leaseTerm: this.#term,
            keys: [{ type: "session", id: `s${n % 500}`, value: session }],
            creds: null,
            inbound: [],
            attempt: { message: message(first + n).id, number: 1, device: DEVICE, seat: SEAT, seatTerm: seatTerm(1), at: n },
          }),
      ],
      [
        "outbox.record",
        (n) =>
          this.ask({
            op: "outbox.record",
            changes: [
              {
                id: message(first + n).id,
                state: "acknowledged",
                reason: null,
                attempt: { number: 1, outcome: "acknowledged", detail: "ack" },
              },
            ],
          }),
      ],
    ];
  }

  /** One after another. */
  each(count: number, ask: Ask): Promise<Timing> {
    return timed(count, async (clock) => {
      for (let n = 0; n < count; n++) await clock(ask(n));
    });
  }
  /** As they come, `perSecond` of them, whether answered or not. */
  atRate(perSecond: number, count: number, ask: Ask): Promise<Timing> {
    return timed(count, async (clock) => {
      const answers: Promise<void>[] = [];
      const from = performance.now();
      while (answers.length < count) {
        const due = Math.min(count, Math.floor(((performance.now() - from) * perSecond) / 1000));
        while (answers.length < due) answers.push(clock(ask(answers.length)));
        await new Promise((resolve) => {
          setTimeout(resolve, 1);
        });
      }
      await Promise.all(answers);
    });
  }
  together(batches: number, size: number, ask: Ask): Promise<Timing> {
    return timed(batches * size, async (clock) => {
      for (let b = 0; b < batches; b++) await Promise.all(Array.from({ length: size }, (_, n) => clock(ask(n))));
    });
  }

  async fill(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 1000) {
      const messages = Array.from({ length: Math.min(1000, left) }, () => message(this.accepted++));
      await this.ask({ op: "outbox.accept", messages, limit: 1e9 });
    }
  }
  /** Everything but the last `open` messages is acknowledged. */
  async settle(open: number): Promise<void> {
    while (this.#first < this.accepted - open) {
      const until = Math.min(this.#first + 1000, this.accepted - open);
      const changes = Array.from({ length: until - this.#first }, (_, i) => ({
        id: message(this.#first + i).id,
        state: "acknowledged" as const,
        reason: null,
      }));
      await this.ask({ op: "outbox.record", changes });
      this.#first = until;
    }
  }
}

const message = (n: number): OutboxDraft => ({
  id: `01BENCH${String(n).padStart(19, "0")}` as OutboxDraft["id"],
  // Spread over the index as real ones are, and the same for the same n.
  waId: `3EB0${Math.imul(n, 0x9e3779b1).toString(16).toUpperCase()}${n}` as OutboxDraft["waId"],
  line: LINE,
  seat: SEAT,
  conversation: `${LINE}|c:${n % 1000}` as OutboxDraft["conversation"],
  contact: `c:${n % 1000}` as OutboxDraft["contact"],
  content: { kind: "text", text: "a message of about the length that people write to each other all day long" },
  priority: 5,
  expiresAt: null,
  idempotencyKey: null,
  acceptedAt: n,
});

const timed = async (
  count: number,
  work: (clock: (answer: Promise<unknown>) => Promise<void>) => Promise<void>,
): Promise<Timing> => {
  const times: number[] = [];
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const from = performance.now();
  await work(async (answer) => {
    const asked = performance.now();
    await answer;
    times.push(performance.now() - asked);
  });
  const seconds = (performance.now() - from) / 1000;
  delay.disable();
  times.sort((a, b) => a - b);
  const at = (share: number): number => round(times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN);
  const late = (nanoseconds: number): number => round(Math.max(0, nanoseconds / 1e6 - 1)); // the timer's own millisecond
  return {
    perSecond: Math.round(count / seconds),
    p50: at(0.5),
    p99: at(0.99),
    max: at(1),
    loopP99: late(delay.percentile(99)),
    loopMax: late(delay.max),
  };
};

const round = (value: number): number => Math.round(value * 1000) / 1000;

const table = (report: StoreBenchReport): string => {
  const head = ["", "a second", "p50 ms", "p99 ms", "max ms", "loop p99", "loop max"];
  const timings = [
    ...Object.entries(report.single),
    ...Object.entries(report.steady),
    ["outbox.accept, 1000 in a turn", report.batched] as const,
  ].map(([name, t]) => [name, t.perSecond, t.p50, t.p99, t.max, t.loopP99, t.loopMax].map(String));
  const opens = report.open.map(
    ({ rows, state, p50, p99 }) =>
      `outbox.open, 200 of ${rows.toLocaleString("en")} rows, ${state}: p50 ${p50} ms, p99 ${p99} ms`,
  );
  const widths = head.map((title, i) => Math.max(...[head, ...timings].map((row) => row[i]?.length ?? 0), title.length));
  const lines = [head, ...timings].map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  "),
  );
  const { rows, ms, megabytes } = report.reopen;
  return [
    `SQLite store, Node ${report.node}, in ${report.folder}; milliseconds from question to durable answer`,
    ...lines,
    ...opens,
    `opening a store of ${rows.toLocaleString("en")} rows (${megabytes} MB): ${ms} ms`,
  ].join("\n");
};

if (import.meta.main) {
  const json = process.argv.includes("--json");
  const report = await runStoreBench({ json });
  if (json) console.log(JSON.stringify(report));
}
