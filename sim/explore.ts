/** `greenroom explore`: everything that can happen to a small fleet within so many faults, in every order, and what it breaks. */
import { readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import type { Output } from "./demo.ts";
import { allTransitions } from "./checkers/coverage.ts";
import { DEFAULT_BOUNDS, FAULT_KINDS, SWEEPS, type Bounds, type FaultKind, type Sweep } from "./explorer/bounds.ts";
import { Search, type Counterexample, type Found, type Progress } from "./explorer/search.ts";
import { parseTrace, replay, TraceError, traceOf, type Trace } from "./explorer/trace.ts";
import { Cast } from "./explorer/world.ts";
import { ACTORS } from "../machines/driver/actors.ts";
import { plantNamed, PLANT_NAMES } from "./plants/index.ts";
import { fileFault, writeTo } from "./report/files.ts";
import { refuse } from "./report/refusal.ts";

export interface ExploreArguments {
  /** Any of these makes one sweep of its own; without them the five that belong together are made. */
  readonly masters?: number;
  readonly seats?: number;
  readonly twins?: number;
  readonly faults?: number;
  readonly flights?: number;
  readonly kinds?: readonly string[];
  /** Give up after so many states. */
  readonly states?: number;
  /** Explore machines with this planted bug. */
  readonly plant?: string | null;
  /** Where a counterexample goes. */
  readonly out?: string | null;
  /** Carry out the counterexample in this file instead. */
  readonly replay?: string | null;
  readonly json: boolean;
  readonly stdout?: Output;
  readonly stderr?: Output;
  /** Aborted, it stops, and exits with 130. */
  readonly signal?: AbortSignal;
}

export interface SweepResult extends Omit<Found, "counterexample"> {
  readonly name: string;
  readonly bounds: Bounds;
  readonly seconds: number;
}
export interface ExploreDocument {
  readonly sweeps: readonly SweepResult[];
  readonly states: number;
  /** Transitions of the failover chart, over all sweeps. */
  readonly failover: { readonly taken: number; readonly total: number; readonly missing: readonly string[] };
  readonly counterexample: Trace | null;
  /** Ended by hand: a sweep was not gone through. */
  readonly interrupted: boolean;
}
export interface ReplayDocument {
  readonly trace: Trace;
  /** What broke again; null: nothing does any more. */
  readonly broken: string | null;
}
export interface ExploreOutcome {
  readonly document: ExploreDocument | ReplayDocument | null;
  /** 0 everything held, 1 something did not, 2 bad arguments or file, 130 interrupted. */
  readonly exitCode: 0 | 1 | 2 | 130;
}

export const runExplore = async (args: ExploreArguments): Promise<ExploreOutcome> => {
  const { stdout = process.stdout, stderr = process.stderr, json, plant = null } = args;
  const fault = badArguments(args) ?? fileFault([args.out]);
  if (fault !== null) {
    refuse(fault, args);
    return { document: null, exitCode: 2 };
  }
  if (args.replay) return again(args.replay, args);
  const cast = new Cast(plant === null ? undefined : plantNamed(plant)?.parts().actors);
  const sweeps: SweepResult[] = [];
  let counterexample: Trace | null = null;
  for (const sweep of sweepsOf(args)) {
    const from = performance.now();
    const found = await search(sweep, cast, stderr, args.signal);
    if (found === null) {
      const partial = { ...documentOf(sweeps, cast, null), interrupted: true };
      stdout.write(json ? `${JSON.stringify(partial, null, 2)}\n` : `${sweep.name}: interrupted, nothing can be said of it\n`);
      return { document: partial, exitCode: 130 };
    }
    const { counterexample: broken, ...counts } = found;
    sweeps.push({ ...sweep, ...counts, seconds: Math.round((performance.now() - from) / 100) / 10 });
    if (!json) stdout.write(lineOf(sweeps.at(-1) as SweepResult));
    if (broken) {
      counterexample = traceOf(sweep.bounds, plant, broken);
      break;
    }
  }
  const document = documentOf(sweeps, cast, counterexample);
  const unwritten = counterexample && args.out ? writeTo(args.out, () => `${JSON.stringify(counterexample, null, 2)}\n`) : null;
  if (unwritten !== null) stderr.write(`${unwritten}\n`);
  const left = unwritten === null ? (args.out ?? null) : null;
  stdout.write(json ? `${JSON.stringify(document, null, 2)}\n` : summary(document, left));
  return { document, exitCode: counterexample ? 1 : 0 };
};

// ---- arguments ----

const COUNTS = { masters: [2, 6], seats: [1, 6], twins: [0, 6], faults: [0, 12], flights: [1, 12] } as const;
type Count = keyof typeof COUNTS;

const badArguments = (args: ExploreArguments): string | null => {
  for (const [name, [least, most]] of Object.entries(COUNTS)) {
    const value = args[name as Count];
    if (value !== undefined && !(Number.isInteger(value) && value >= least && value <= most))
      return `E_USAGE --${name} must be a whole number from ${least} to ${most}`;
  }
  const masters = args.masters ?? DEFAULT_BOUNDS.masters;
  if ((args.seats ?? 1) > masters || (args.twins ?? 0) > masters) return "E_USAGE there are no more seats or twins than masters";
  if (args.states !== undefined && !(Number.isInteger(args.states) && args.states > 0))
    return "E_USAGE --states must be a whole number from 1";
  if (args.kinds?.length === 0) return `E_USAGE --kinds names none: choose from ${FAULT_KINDS.join(", ")}`;
  const unknown = args.kinds?.filter((kind) => !FAULT_KINDS.includes(kind as FaultKind)) ?? [];
  if (unknown.length > 0) return `E_UNKNOWN_FAULT ${unknown.join(", ")}: choose from ${FAULT_KINDS.join(", ")}`;
  if (args.plant && !plantNamed(args.plant)) return `E_UNKNOWN_PLANT ${args.plant}: choose from ${PLANT_NAMES.join(", ")}`;
  if (args.plant && !isExplored(args.plant))
    return `E_USAGE --plant ${args.plant} is a mistake of nothing that is explored, so it would not be there. Of those that are: ${PLANT_NAMES.filter(isExplored).join(", ")}. For the others: greenroom chaos --plant`;
  return null;
};

const EXPLORED = ["health", "lease", "seat", "failover", "orchestrator", "roster"] as const;
const isExplored = (plant: string): boolean => {
  const { actors } = plantNamed(plant)?.parts() ?? {};
  return actors !== undefined && EXPLORED.some((kind) => actors[kind] !== ACTORS[kind]);
};

const sweepsOf = ({ masters, seats, twins, faults, flights, kinds, states }: ExploreArguments): readonly Sweep[] => {
  const given = { masters, seats, twins, faults, flights, kinds: kinds as readonly FaultKind[] | undefined };
  const chosen = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<Bounds>;
  const limit = states === undefined ? {} : { states };
  if (Object.keys(chosen).length === 0) return SWEEPS.map(({ name, bounds }) => ({ name, bounds: { ...bounds, ...limit } }));
  return [{ name: "as asked for", bounds: { ...DEFAULT_BOUNDS, ...chosen, ...limit } }];
};

// ---- the search ----

const search = async ({ name, bounds }: Sweep, cast: Cast, stderr: Output, signal?: AbortSignal): Promise<Found | null> => {
  const levels = new Search(bounds, cast).levels();
  let step: IteratorResult<Progress, Found> = levels.next();
  while (!step.done) {
    if (signal?.aborted) return null;
    if (stderr.isTTY) stderr.write(`\r${name}: ${step.value.states} states, ${step.value.depth} steps deep `);
    await setImmediate();
    step = levels.next();
  }
  if (stderr.isTTY) stderr.write("\r\u001b[K");
  return step.value;
};

const again = (file: string, args: ExploreArguments): ExploreOutcome => {
  const { json, stdout = process.stdout } = args;
  try {
    const trace = parseTrace(readFileSync(file, "utf8"));
    const plant = trace.plant === null ? undefined : plantNamed(trace.plant);
    if (trace.plant !== null && !plant) throw new TraceError(`there is no planted bug ${trace.plant}`);
    const broken = replay(trace, new Cast(plant?.parts().actors));
    const document = { trace, broken };
    const end = broken === null ? "Nothing breaks any more.\n" : `Broken again: ${broken}\n`;
    stdout.write(json ? `${JSON.stringify(document, null, 2)}\n` : `${storyOf(trace)}${end}`);
    return { document, exitCode: broken === null ? 0 : 1 };
  } catch (error) {
    refuse(`E_TRACE ${file} can't be replayed: ${error instanceof Error ? error.message : String(error)}`, args);
    return { document: null, exitCode: 2 };
  }
};

// ---- what is said ----

const OF_FAILOVER = allTransitions.filter((name) => name.startsWith("failover: "));

const documentOf = (sweeps: readonly SweepResult[], cast: Cast, counterexample: Trace | null): ExploreDocument => {
  const missing = OF_FAILOVER.filter((name) => !cast.coverage.taken.has(name));
  return {
    sweeps,
    states: sweeps.reduce((sum, { states }) => sum + states, 0),
    failover: { taken: OF_FAILOVER.length - missing.length, total: OF_FAILOVER.length, missing },
    counterexample,
    interrupted: false,
  };
};

const lineOf = ({ name, bounds, states, transitions, depth, cut, exhausted, compared, seconds }: SweepResult): string =>
  [
    `${name}: ${states} states, ${transitions} steps tried, ${exhausted ? "exhausted" : "not exhausted"}, in ${seconds} s`,
    `  ${bounds.masters} masters, ${bounds.seats} seats, ${bounds.faults} faults of ${bounds.kinds.length} kinds, at most ${bounds.flights} messages on their way (${cut} times more)`,
    `  the farthest state is ${depth} steps away; ${compared} pairs taken for the same were compared, and are`,
    "",
  ].join("\n");

const summary = ({ sweeps, states, failover, counterexample }: ExploreDocument, out: string | null): string => {
  const { taken, total, missing } = failover;
  const covered = `${states} states in all; ${taken} of ${total} transitions of a failover taken\n`;
  const rest = missing.map((name) => `  not taken: ${name}\n`).join("");
  const end = sweeps.every(({ exhausted }) => exhausted) ? "Everything held." : "Everything held as far as it went.";
  if (!counterexample) return `${covered}${rest}${end}\n`;
  return `${covered}\n${storyOf(counterexample)}Broken: ${counterexample.property}\n${out ? `Again: greenroom explore --replay ${out}\n` : ""}`;
};

const storyOf = ({ steps }: Counterexample): string =>
  steps.map(({ text }, i) => `${String(i + 1).padStart(3)}. ${text}\n`).join("");
