/**
 * The demo's fleet without any fault, on a network that trembles. Nobody may be given up: no change of number, no change to a twin.
 * Suspicions are allowed, and counted.
 *
 * What is applied: each frame that the server sends leaves 50 to 400 ms late, one in a hundred up to 2.5 s, counted from when it
 * was to be sent; frames behind it wait for it, so that order is kept, and their delays do not add up to its. What clients send is
 * not delayed: a request and its answer are late once. In both directions two tails would meet now and then, and keep an answer
 * for up to 5 s; a stall of 3 s and more is a fault, which the supervisor is to act on. The longest stall that was really inflicted
 * is printed, because a machine that is late itself adds to it: where it is 3 s or more, a move may have been right. It fails the run
 * all the same.
 */
import type { ConnectionFact } from "../machines/ports/connection.ts";
import type { DeviceId } from "../machines/ports/ids.ts";
import type { FailoverRecord } from "../machines/ports/records.ts";
import { isIntact } from "../sim/demo/count.ts";
import { SEATS } from "../sim/demo/fleet.ts";
import { measureLoad } from "../sim/demo/load.ts";
import { type Stage, setStage } from "../sim/demo/stage.ts";
import { type Account, Traffic } from "../sim/demo/traffic.ts";
import { pause } from "../sim/demo/waiting.ts";
import { atLeastOne, readOptions } from "./options.ts";
import { type Figure, quantile, type Report, report } from "./report.ts";

export interface CalmOptions {
  /** Print nothing. */
  readonly json: boolean;
  /** Half a minute: to see that it works, not to quote. */
  readonly quick?: boolean;
  readonly minutes?: number;
}

const MINUTES = 10;
const JITTER = { ways: "out", min: 50, max: 400, tailChance: 0.01, tailMaxMs: 2500 } as const;

export const runCalmBench = async ({ json, quick = false, minutes = quick ? 0.5 : MINUTES }: CalmOptions): Promise<Report> => {
  const loadSoFar = measureLoad();
  const watch = new CalmWatch();
  const stage = await setStage({ say: () => undefined, latencyMs: JITTER, onFact: (fact) => watch.take(fact) });
  const traffic = new Traffic(stage);
  try {
    await stage.linkAll();
    watch.begin(stage);
    await traffic.start();
    await pause(minutes * 60_000);
    const failovers = await watch.end(stage);
    traffic.stop();
    const account = await traffic.settle({ wasCutShort: false });
    const { lagMs, cpuShare } = loadSoFar();
    for (const failover of failovers) process.stderr.write(`${told(failover)}\n`);
    return report(
      "calm",
      [
        { what: "without a fault, with jitter", value: minutes, unit: "min" },
        { what: "longest that a frame was kept back", value: Math.round(stage.loopback.longestStall()), unit: "ms" },
        ...movesIn(failovers),
        ...watch.figures(),
        ...messagesOf(account),
        { what: "CPU", value: cpuShare * 100, unit: "% of a core" },
        { what: "event loop late, p99", value: lagMs.p99, unit: "ms" },
        { what: "event loop late, worst", value: lagMs.max, unit: "ms" },
      ],
      { json },
    );
  } finally {
    traffic.stop();
    await stage.close();
  }
};

/** The evidence, for whoever has to find out why. */
const told = ({ seat, cause, from, to, outcome, lastEvidenceAt, detectedAt, steps }: FailoverRecord): string =>
  `${seat}: ${from} ${cause}, detected ${detectedAt - (lastEvidenceAt ?? detectedAt)} ms after the last stanza, ${outcome}${to ? ` with ${to}` : ""}: ${steps.map(({ at, text }) => `+${at - detectedAt} ms ${text}`).join("; ")}`;

const none = { is: "<=", than: 0 } as const;

const movesIn = (failovers: readonly FailoverRecord[]): Figure[] => {
  const moved = (ladder: string): number =>
    failovers.filter((one) => one.ladder === ladder && one.committedAt !== null && one.cause !== "operator").length;
  return [
    { what: "changes of number", value: moved("account"), unit: "", bound: none },
    { what: "changes to a twin", value: moved("twin"), unit: "", bound: none },
    { what: "failovers that were averted", value: failovers.filter(({ outcome }) => outcome === "averted").length, unit: "" },
  ];
};

const messagesOf = (account: Account): Figure[] => [
  { what: "messages accepted", value: account.accepted, unit: "" },
  { what: "messages acknowledged", value: account.acknowledged, unit: "", bound: { is: ">=", than: account.accepted } },
  {
    what: "lost, out of order or repeated, either way",
    value: isIntact(account, account.inbound) ? 0 : Math.max(1, account.lost + account.outOfOrder + account.duplicatesUnmarked),
    unit: "",
    bound: none,
  },
];

/** What the connections and the supervisor say between `begin` and `end`. */
class CalmWatch {
  readonly #roundTrips: number[] = [];
  readonly #heardAt = new Map<DeviceId, number>(SEATS.map(({ home }) => [home, Number.POSITIVE_INFINITY]));
  #silence = 0;
  #isOn = false;
  #from = 0;
  #unanswered = 0;
  #suspicions = 0;
  #redials = 0;
  #alerts = 0;

  take(fact: ConnectionFact): void {
    if (!this.#isOn) return;
    if (fact.kind === "evidence") this.#heard(fact.device, fact.at);
    else if (fact.kind === "probed" && fact.rtt === null) this.#unanswered++;
    else if (fact.kind === "probed") this.#roundTrips.push(fact.rtt ?? 0);
    else if (fact.kind === "closed") this.#redials++;
  }

  begin(stage: Stage): void {
    this.#isOn = true;
    this.#from = stage.now();
    stage.supervisor.onEvent(({ type }) => {
      if (type === "holder.suspect") this.#suspicions++;
      if (type === "alert.raised") this.#alerts++;
    });
  }

  /** Failovers since the beginning. */
  async end(stage: Stage): Promise<readonly FailoverRecord[]> {
    this.#isOn = false;
    const list = await stage.supervisor.ask("failover.list", { seat: null, limit: 10_000 });
    if (list.kind !== "failovers") throw new Error(`the failovers could not be read: ${list.message}`);
    return list.rows.filter(({ detectedAt }) => detectedAt >= this.#from);
  }

  #heard(device: DeviceId, at: number): void {
    const before = this.#heardAt.get(device);
    if (before === undefined) return;
    this.#silence = Math.max(this.#silence, at - before);
    this.#heardAt.set(device, at);
  }

  figures(): Figure[] {
    const trip = (what: string, share: number): Figure => ({
      what: `round trip of a probe, ${what}`,
      value: Math.round(quantile(this.#roundTrips, share)),
      unit: "ms",
    });
    return [
      { what: "longest silence of a seat's holder", value: this.#silence, unit: "ms" },
      { what: "suspicions", value: this.#suspicions, unit: "" },
      { what: "links that ended", value: this.#redials, unit: "" },
      { what: "alerts", value: this.#alerts, unit: "" },
      { what: "probes answered", value: this.#roundTrips.length, unit: "" },
      { what: "probes without an answer in time", value: this.#unanswered, unit: "" },
      trip("p50", 0.5),
      trip("p90", 0.9),
      trip("p99", 0.99),
      trip("p99.9", 0.999),
      trip("max", 1),
    ];
  }
}

const USAGE = `node bench/calm.ts [--minutes N] [--json]

Jitter and no faults, on real connections: nobody may be accused. Exit 1 if a seat moved or a message was lost.

  --minutes  how long; default: ${MINUTES}
  --json     one document on stdout`;

if (import.meta.main) {
  const options = readOptions(USAGE, { minutes: String(MINUTES) });
  const result = await runCalmBench({ json: options.json, minutes: atLeastOne("minutes", options.minutes) });
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exitCode = result.missed.length === 0 ? 0 : 1;
}
