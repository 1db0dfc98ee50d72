/**
 * Every fault of the demo, on a seat with a twin and on one without, again and again: the distributions that the targets are about.
 *
 * Several processes play side by side, each with a fleet and a WhatsApp of its own; a round heals each fault as soon as it is
 * measured. How late the event loops were is printed with the figures: a machine that can't keep up measures itself.
 */
import { DEMO_FAULT_NAMES } from "../sim/demo.ts";
import { TARGETS } from "../sim/demo/judge.ts";
import type { DemoResult } from "../sim/demo/run.ts";
import { table } from "../sim/demo/summary.ts";
import type { FailoverOrder, FailoverWord } from "./failover.child.ts";
import { atLeastOne, readOptions } from "./options.ts";
import { startChild } from "./peer/index.ts";
import { machine, quantile } from "./report.ts";

type Row = DemoResult["faults"][number];
type Step = "detectedMs" | "chosenMs" | "inServiceMs" | "firstAckMs" | "selectionMs" | "serviceMs";
const STEPS: readonly Step[] = ["detectedMs", "chosenMs", "inServiceMs", "firstAckMs", "selectionMs", "serviceMs"];

export interface Distribution {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}
interface Group {
  readonly fault: string;
  readonly twin: boolean;
  readonly ladder: Row["ladder"];
  readonly count: number;
  readonly met: number;
  readonly steps: { readonly [S in Step]: Distribution | null };
}
export interface FailoverFigures {
  readonly machine: string;
  readonly repeat: number;
  readonly jobs: number;
  readonly seconds: number;
  readonly groups: readonly Group[];
  readonly rows: readonly Row[];
  readonly messages: Readonly<Record<Count, number>>;
  readonly load: { readonly cpuShare: number; readonly lagP99Ms: number; readonly lagMaxMs: number };
  readonly missed: readonly string[];
}
export interface FailoverOptions {
  /** Print nothing. */
  readonly json: boolean;
  /** One round: to see that it works, not to quote. */
  readonly quick?: boolean;
  readonly repeat?: number;
  /** Processes side by side. */
  readonly jobs?: number;
  readonly faults?: readonly string[] | "all";
}

const REPEAT = 20;
/** A stage takes 40 % of a core: three of them leave two cores room to be in time. */
const JOBS = 3;

export const runFailoverBench = async (options: FailoverOptions): Promise<FailoverFigures> => {
  const { json, quick = false, repeat = quick ? 1 : REPEAT, faults = "all" } = options;
  const jobs = Math.min(options.jobs ?? JOBS, repeat);
  const startedAt = performance.now();
  const shares = Array.from({ length: jobs }, (_, job) => Math.ceil((repeat - job) / jobs));
  const rows: Row[] = [];
  const note = (row: Row): void => {
    rows.push(row);
    const ack = row.firstAckMs === null ? "no ack" : `first ack after ${Math.round(row.firstAckMs)} ms`;
    process.stderr.write(
      `${rows.length} ${row.fault} ${row.twin ? "twin" : "alone"}: ${row.ladder}, ${ack}${row.met ? "" : " MISSED"}\n`,
    );
  };
  const ends = await Promise.all(shares.map((share) => play({ faults, repeat: share }, note)));
  const results = ends.filter((end) => typeof end !== "string");
  const figures: FailoverFigures = {
    machine: machine(),
    repeat,
    jobs,
    seconds: Math.round((performance.now() - startedAt) / 1000),
    groups: groupsOf(rows),
    rows,
    messages: sumUp(results),
    load: {
      cpuShare: Math.round(results.reduce((sum, { load }) => sum + load.cpuShare, 0) * 100) / 100,
      lagP99Ms: Math.max(0, ...results.map(({ load }) => load.lagMs.p99)),
      lagMaxMs: Math.max(0, ...results.map(({ load }) => load.lagMs.max)),
    },
    missed: [
      ...ends.filter((end) => typeof end === "string"),
      ...rows.filter(({ met }) => !met).map(({ fault, seat, missed }) => `${fault} on ${seat}: ${missed.join("; ")}`),
      ...results.flatMap(({ messages }) => messages.troubles),
      ...results.flatMap(({ messages: { inbound } }) => [
        ...inbound.troubles,
        ...(inbound.repeated > 0 ? [`inbound: ${inbound.repeated} stored twice`] : []),
      ]),
    ],
  };
  if (!json) print(figures);
  return figures;
};

/** A process, and what it found; or why it found nothing. */
const play = (order: FailoverOrder, note: (row: Row) => void): Promise<DemoResult | string> =>
  new Promise((resolve) => {
    const child = startChild(new URL("./failover.child.ts", import.meta.url), [], 2);
    let result: DemoResult | undefined;
    child.on("message", (word: FailoverWord) => {
      if ("row" in word) note(word.row);
      else result = word.result;
    });
    child.once("exit", (code) => resolve(result ?? `a process ended without figures (exit ${code})`));
    child.send(order);
  });

const COUNTS = [
  "accepted",
  "acknowledged",
  "held",
  "lost",
  "outOfOrder",
  "duplicatesMarked",
  "duplicatesUnmarked",
  "refused",
] as const;
type Count = (typeof COUNTS)[number] | "inboundWritten" | "inboundStored" | "inboundLost";

const sumUp = (results: readonly DemoResult[]): Record<Count, number> => {
  const sum = (of: (result: DemoResult) => number): number => results.reduce((total, result) => total + of(result), 0);
  const own = Object.fromEntries(COUNTS.map((key) => [key, sum(({ messages }) => messages[key])]));
  return {
    ...(own as Record<(typeof COUNTS)[number], number>),
    inboundWritten: sum(({ messages }) => messages.inbound.written),
    inboundStored: sum(({ messages }) => messages.inbound.stored),
    inboundLost: sum(({ messages }) => messages.inbound.lost),
  };
};

/** Per fault, kind of seat and rung that was really taken, in the order of the demo's list: never pooled. */
export const groupsOf = (rows: readonly Row[]): Group[] => {
  const groups = Map.groupBy(rows, ({ fault, twin, ladder }) => `${fault} ${twin} ${ladder}`);
  return [...groups.values()]
    .map((members): Group => {
      const { fault, twin, ladder } = members[0] as Row;
      const steps = Object.fromEntries(STEPS.map((step) => [step, distribution(members.map((row) => row[step]))]));
      return {
        fault,
        twin,
        ladder,
        count: members.length,
        met: members.filter(({ met }) => met).length,
        steps: steps as Group["steps"],
      };
    })
    .toSorted(
      (one, other) =>
        DEMO_FAULT_NAMES.indexOf(one.fault) - DEMO_FAULT_NAMES.indexOf(other.fault) || Number(other.twin) - Number(one.twin),
    );
};

const distribution = (values: readonly (number | null)[]): Distribution | null => {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return null;
  const at = (share: number): number => Math.round(quantile(known, share));
  return { count: known.length, p50: at(0.5), p99: at(0.99), max: Math.round(Math.max(...known)) };
};

const print = ({ groups, messages, load, repeat, jobs, seconds, missed, machine: where }: FailoverFigures): void => {
  const shown = (step: Distribution | null): string => (step ? `${step.p50} / ${step.p99} / ${step.max}` : "-");
  const head = ["fault", "twin", "ladder", "met", "detected", "chosen", "in service", "first ack"];
  const body = groups.map(({ fault, twin, ladder, count, met, steps }) => [
    fault,
    twin ? "yes" : "no",
    ladder,
    `${met}/${count}`,
    ...(["detectedMs", "chosenMs", "inServiceMs", "firstAckMs"] as const).map((step) => shown(steps[step])),
  ]);
  const lines = [
    `failover (${where})`,
    ...table([head, ...body], [3, 4, 5, 6, 7]),
    `p50 / p99 / max in ms since the fault, ${repeat} rounds in ${jobs} processes, ${seconds} s. Bounds: detected ${TARGETS.detected}, first ack ${TARGETS.firstAck}.`,
    `Messages: ${COUNTS.map((key) => `${messages[key]} ${key}`).join(", ")}. Inbound: ${messages.inboundWritten} written, ${messages.inboundStored} stored.`,
    `Load: ${load.cpuShare} cores; event loops late by ${load.lagP99Ms} ms (p99 of the worst), ${load.lagMaxMs} ms at worst.`,
    ...missed.map((line) => `MISSED ${line}`),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
};

const USAGE = `node bench/failover.ts [--faults NAME,NAME...] [--repeat N] [--jobs N] [--json]

Plays faults of the demo on real connections, each on a seat with a twin and on one without, and prints how long each step took.
Exit 1 if a target was missed or a message lost.

  --faults   ${DEMO_FAULT_NAMES.join(", ")}; default: all
  --repeat   rounds of each; default: ${REPEAT}
  --jobs     processes side by side, each with a fleet of its own; default: ${JOBS}
  --json     one document on stdout`;

if (import.meta.main) {
  const options = readOptions(USAGE, { faults: "all", repeat: String(REPEAT), jobs: String(JOBS) });
  const faults = options.faults === "all" ? "all" : options.faults.split(",");
  const unknown = faults === "all" ? [] : faults.filter((name) => !DEMO_FAULT_NAMES.includes(name));
  if (unknown.length > 0) {
    process.stderr.write(`no fault is named ${unknown.join(", ")}; there are ${DEMO_FAULT_NAMES.join(", ")}\n`);
    process.exit(2);
  }
  const [repeat, jobs] = [atLeastOne("repeat", options.repeat), atLeastOne("jobs", options.jobs)];
  const figures = await runFailoverBench({ json: options.json, repeat, jobs, faults });
  if (options.json) process.stdout.write(`${JSON.stringify(figures)}\n`);
  process.exitCode = figures.missed.length === 0 ? 0 : 1;
}
