/** `greenroom demo`: a fleet of real Baileys connections on a WhatsApp of its own, broken in front of you and timed. */
import { DEMO_FAULTS, faultsNamed } from "./demo/faults.ts";
import { runFaults, type DemoResult } from "./demo/run.ts";
import { summary } from "./demo/summary.ts";
import { openView } from "./demo/view.ts";

/** Where text goes: `process.stdout` and `process.stderr` are two. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Of the terminal. Default 80 and 24. */
  readonly columns?: number;
  readonly rows?: number;
}

export interface DemoArguments {
  /** Names of faults, or "all", which is also what null means. */
  readonly faults: readonly string[] | "all" | null;
  /** Rounds: each plays every chosen fault. A whole number from 1. */
  readonly repeat: number;
  /** No new fault begins after so many seconds for each round, counted from the first fault; the rest is listed as not played. More than 0. */
  readonly seconds: number;
  /** One document on `stdout` and nothing else; progress goes to `stderr`. */
  readonly json: boolean;
  /** Where the supervisor's journal goes when all is over, one record a line. Default: nowhere. */
  readonly journal?: string | null;
  readonly stdout?: Output;
  readonly stderr?: Output;
  /** Aborted, the demo stops cleanly, tells what it has seen so far, and exits with 130. */
  readonly signal?: AbortSignal;
}
export interface DemoOutcome {
  /** What `--json` prints; null when nothing was begun. */
  readonly document: DemoResult | null;
  /** 0 all targets met, 1 something missed, 2 bad arguments, 130 interrupted. */
  readonly exitCode: 0 | 1 | 2 | 130;
}

/** With linking before and settling after, this ends within three minutes. */
export const DEMO_DEFAULTS = { repeat: 1, seconds: 162 } as const;
export const DEMO_FAULT_NAMES: readonly string[] = DEMO_FAULTS.map(({ name }) => name);

export const runDemo = async (args: DemoArguments): Promise<DemoOutcome> => {
  const { repeat, seconds, json, journal, signal, stdout = process.stdout, stderr = process.stderr } = args;
  const { faults, unknown } = faultsNamed(args.faults ?? "all");
  if (unknown.length > 0) {
    stderr.write(`E_UNKNOWN_FAULT ${unknown.join(", ")}: choose from ${DEMO_FAULT_NAMES.join(", ")}, or "all"\n`);
    return { document: null, exitCode: 2 };
  }
  const isLive = !json && stdout.isTTY === true;
  const view = openView(json ? stderr : stdout, isLive);
  let result: DemoResult;
  try {
    result = await runFaults({ faults, repeat, seconds, journal, signal, witness: view.witness });
  } finally {
    view.close();
  }
  stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : summary(result));
  return { document: result, exitCode: result.interrupted ? 130 : result.met ? 0 : 1 };
};
