/** `greenroom chaos`: many runs of a fleet under faults, each judged against the ground truth, in as many threads as there are cores. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { checkTimers } from "../machines/account/timers.ts";
import type { Millis } from "../machines/ports/ids.ts";
import { openProgress } from "./chaos/progress.ts";
import { Pool, RunHangs } from "./chaos/pool.ts";
import { RUN_ENDS, whatOf } from "./chaos/judge.ts";
import { type Answer, type Draw, planFor, type Profile } from "./chaos/task.ts";
import { type ChaosDocument, type FoundViolation, Totals } from "./chaos/totals.ts";
import type { Film } from "../machines/driver/film.ts";
import type { Output } from "./demo.ts";
import { faultKinds, isFaultKind } from "./faults/catalogue.ts";
import { timersOf } from "./plan/config.ts";
import { LEAST_LENGTH } from "./plan/draw.ts";
import type { Plan, PlannedFleet } from "./plan/plan.ts";
import { DAY } from "./plan/year.ts";
import { filmOfPlan } from "./report/film.ts";
import { fileFault, writeTo } from "./report/files.ts";
import { reportHtml } from "./report/html.ts";
import { junit, timersJunit } from "./report/junit.ts";
import { summary } from "./report/summary.ts";
import { pageOf } from "./report/page.ts";
import { refuse } from "./report/refusal.ts";
import { percent } from "./report/table.ts";

export interface ChaosArguments {
  /** null: the reference fleet of 20 accounts on 3 lines. */
  readonly fleet: PlannedFleet | null;
  /** The file that it stands in, for the commands that repeat a run. */
  readonly fleetFile?: string;
  readonly profile?: Profile;
  /** So many seeds; or this one, run twice; or as many as fit into so many minutes. */
  readonly runs: { readonly seeds: number } | { readonly seed: string } | { readonly minutes: number };
  /** Of many seeds the first, from 1; the others follow it. Default 1. */
  readonly firstSeed?: number;
  /** Simulated length of each run. Default 10 minutes; of the year profile always a day. */
  readonly for?: Millis;
  /** Kinds of fault; null: all. */
  readonly faults?: readonly string[] | null;
  /** Threads. Default: as many as cores. */
  readonly jobs?: number;
  /** After so many ms of real time a run counts as one without an end. Default: `patienceFor`. */
  readonly patience?: Millis;
  /** Where failing plans go, one file each. */
  readonly out?: string | null;
  readonly json: boolean;
  readonly junit?: string | null;
  readonly html?: string | null;
  readonly stdout?: Output;
  readonly stderr?: Output;
  /** Aborted, it ends with what it has so far, and exits with 130. */
  readonly signal?: AbortSignal;
}
export interface ChaosOutcome {
  /** What `--json` prints; null when nothing was begun. */
  readonly document: ChaosDocument | null;
  /** 0 everything held, 1 something did not, 2 bad arguments, 130 interrupted. */
  readonly exitCode: 0 | 1 | 2 | 130;
}

export const CHAOS_DEFAULTS = { seeds: 100, for: 600_000, yearDays: 365 } as const;
/** One seed in so many is run a second time, to see that it is the same run. */
const REPEATED = 50;
/** Each takes minutes, and the next would hardly be another case: after so many no more are begun. */
const MOST_HUNG = 3;

export const runChaos = async (args: ChaosArguments): Promise<ChaosOutcome> => {
  const { stdout = process.stdout, stderr = process.stderr, json } = args;
  const fault = badArguments(args);
  if (fault !== null) {
    refuse(fault, args);
    return { document: null, exitCode: 2 };
  }
  const timers = timerViolations(args.fleet);
  if (timers !== null) {
    refuse(timers, args);
    const unwritten = reportTimers(args.junit, timers);
    if (unwritten !== null) stderr.write(`${unwritten}\n`);
    return { document: null, exitCode: 1 };
  }
  const unwritable = fileFault([args.junit, args.html], [args.out]);
  if (unwritable !== null) {
    refuse(unwritable, args);
    return { document: null, exitCode: 2 };
  }
  const document = await carryOut(args, stderr);
  const left = leave(document, args);
  for (const each of left.faults) stderr.write(`${each}\n`);
  stdout.write(json ? `${JSON.stringify(document, null, 2)}\n` : summary(document, left));
  if (document.interrupted) return { document, exitCode: 130 };
  return { document, exitCode: document.violations.length > 0 ? 1 : left.faults.length > 0 ? 2 : 0 };
};

/** Tells a CI of timers that can't meet the targets; says what is wrong with the file, if anything is. */
export const reportTimers = (file: string | null | undefined, text: string): string | null =>
  file ? (fileFault([file]) ?? writeTo(file, () => timersJunit(text))) : null;

// ---- before anything runs ----

const badArguments = ({ runs, firstSeed = 1, for: length, faults, jobs, profile }: ChaosArguments): string | null => {
  if (faults?.length === 0) return `E_USAGE --faults names none: choose from ${faultKinds.join(", ")}`;
  const unknown = faults?.filter((name) => !isFaultKind(name)) ?? [];
  if (unknown.length > 0) return `E_UNKNOWN_FAULT ${unknown.join(", ")}: choose from ${faultKinds.join(", ")}`;
  if ("seeds" in runs && !(Number.isInteger(runs.seeds) && runs.seeds > 0))
    return "E_USAGE --seeds must be a whole number from 1";
  if (!(Number.isSafeInteger(firstSeed) && firstSeed > 0)) return "E_USAGE --first-seed must be a whole number from 1";
  if ("minutes" in runs && !(runs.minutes > 0)) return "E_USAGE --minutes must be more than 0";
  if (jobs !== undefined && !(Number.isInteger(jobs) && jobs > 0)) return "E_USAGE --jobs must be a whole number from 1";
  if (profile !== "year" && length !== undefined && length < LEAST_LENGTH) {
    return `E_USAGE --for must be at least ${LEAST_LENGTH / 60_000} minutes: a shorter run leaves no time to recover from its faults`;
  }
  return null;
};

/** A fleet whose own settings can't meet the targets needs no simulation. */
const timerViolations = (fleet: PlannedFleet | null): string | null => {
  const broken = fleet ? checkTimers(timersOf(fleet.settings)) : [];
  if (broken.length === 0) return null;
  const lines = broken.map(
    ({ name, relation, figures, settings, remedy }) =>
      `E_TIMERS ${name}: ${relation}\n  ${figures}. Change ${settings.map((setting) => `timers.${setting}`).join(" or ")}: ${remedy}.`,
  );
  return `${lines.join("\n")}\nWith these settings the targets can't be met, so nothing was run.`;
};

// ---- the runs ----

const carryOut = async (args: ChaosArguments, stderr: Output): Promise<ChaosDocument> => {
  const { runs, firstSeed = 1, signal } = args;
  const jobs = threadsFor(args);
  const draw = drawOf(args);
  const totals = new Totals(draw.kinds, draw.fleet !== null);
  const from = performance.now();
  const seconds = (): number => (performance.now() - from) / 1_000;
  const progress = openProgress(stderr, "seeds" in runs ? runs.seeds : null);
  const pool = new Pool(jobs, draw, args.patience);
  const isEnough = (): boolean => signal?.aborted === true || totals.hung >= MOST_HUNG;
  try {
    const seeds = seedsOf(runs, firstSeed, () => seconds(), isEnough);
    await Promise.all(Array.from({ length: jobs }, () => work(pool, seeds, totals, () => progress.show(totals))));
    progress.close();
    const wallSeconds = seconds();
    const violations = [...(await explained(pool, draw, totals, signal)), ...ofTheWhole(totals)];
    return totals.document(wallSeconds, violations, signal?.aborted);
  } finally {
    progress.close();
    await pool.close();
  }
};

/** No more than there is to do. */
const threadsFor = ({ runs, jobs = availableParallelism() }: ChaosArguments): number =>
  "seed" in runs ? 1 : "seeds" in runs ? Math.min(jobs, runs.seeds) : jobs;

const drawOf = ({ profile = "swarm", fleet, for: length, faults }: ChaosArguments): Draw => ({
  profile,
  fleet,
  for: profile === "year" ? DAY : (length ?? CHAOS_DEFAULTS.for),
  kinds: (faults ?? faultKinds).filter(isFaultKind),
});

interface Turn {
  readonly seed: string;
  /** To be run a second time. */
  readonly isRepeated: boolean;
}

/** One seed after the other, until there are enough or the time is over. */
const seedsOf = function* (
  runs: ChaosArguments["runs"],
  first: number,
  elapsed: () => number,
  isEnough: () => boolean,
): Generator<Turn> {
  if ("seed" in runs) return yield { seed: runs.seed, isRepeated: true };
  const more = (no: number): boolean => !isEnough() && ("seeds" in runs ? no < runs.seeds : elapsed() < runs.minutes * 60);
  for (let no = 0; more(no); no++) yield { seed: String(first + no), isRepeated: no % REPEATED === 0 };
};

const work = async (pool: Pool, turns: Iterator<Turn>, totals: Totals, done: () => void): Promise<void> => {
  for (let next = turns.next(); !next.done; next = turns.next()) {
    const { seed, isRepeated: wantsTrace } = next.value;
    try {
      const answer = await pool.do({ kind: "seed", seed, wantsTrace });
      if (answer.kind === "seed") totals.add(answer.verdict, answer.covered);
      if (wantsTrace) {
        const again = await pool.do({ kind: "seed", seed, wantsTrace });
        if (again.kind === "seed") totals.compare(again.verdict);
      }
    } catch (error) {
      if (error instanceof RunHangs) totals.addHung(seed, error.message);
      else totals.addDead(seed, `its thread died: ${whatOf(error)}`);
    }
    done();
  }
};

/** Each property that broke, with the smallest plan that breaks it; of what takes its thread with it, and once interrupted, the plan as it is. */
const explained = (pool: Pool, draw: Draw, totals: Totals, signal?: AbortSignal): Promise<FoundViolation[]> =>
  Promise.all(
    [...totals.broken].map(async ([property, { seed, text, isDeadly, count, others }]) => {
      const answer = isDeadly ? null : await unlessAborted(pool.do({ kind: "shrink", seed, property }), signal).catch(() => null);
      const plans =
        answer?.kind === "shrink"
          ? { plan: answer.plan, shrunk: answer.shrunk.plan }
          : { plan: planOrNone(draw, seed), shrunk: null };
      const more = count > 1 ? ` (${andMore(count - 1, [...others])})` : "";
      const cut = property === RUN_ENDS && totals.hung >= MOST_HUNG ? `; after ${MOST_HUNG} such, no more runs were begun` : "";
      return { property, seed, text: `${text}${more}${cut}`, ...plans };
    }),
  );

const unlessAborted = (answer: Promise<Answer>, signal?: AbortSignal): Promise<Answer | null> =>
  Promise.race([
    answer,
    new Promise<null>((resolve) => {
      if (signal?.aborted) resolve(null);
      signal?.addEventListener("abort", () => resolve(null));
    }),
  ]);

const planOrNone = (draw: Draw, seed: string): Plan | null => {
  try {
    return planFor(draw, seed);
  } catch {
    return null;
  }
};

/** Of many seeds a dozen are named: more than anybody looks at. */
const NAMED = 12;
const andMore = (count: number, seeds: readonly string[]): string => {
  if (seeds.length === 0) return `and ${count} more`;
  const named = seeds.slice(0, NAMED).join(", ");
  return `and ${count} more, ${seeds.length > 1 ? "seeds" : "seed"} ${named}${seeds.length > NAMED ? ", …" : ""}`;
};

const ofTheWhole = (totals: Totals): FoundViolation[] => {
  const found: FoundViolation[] = [];
  if (totals.excludedShare > totals.mostExcluded) {
    const text = `${percent(totals.excludedShare)} of the timed cases are excluded, of which ${percent(totals.mostExcluded, 0)} are allowed: the figures prove nothing`;
    found.push({ property: "too-many-excluded", seed: "-", text, plan: null, shrunk: null });
  }
  if (totals.diverged.length > 0) {
    const text = "the same plan gave another run: something is not a function of the plan";
    found.push({ property: "determinism", seed: totals.diverged[0] ?? "-", text, plan: null, shrunk: null });
  }
  return found;
};

// ---- what is left behind ----

interface Left {
  /** The command that runs one violation's plan again. */
  readonly replay: (violation: FoundViolation) => string;
  /** What could not be written: sentences. */
  readonly faults: readonly string[];
}

const leave = (document: ChaosDocument, args: ChaosArguments): Left => {
  const { out, junit: junitFile, html } = args;
  const faults: string[] = [];
  const written = new Set<FoundViolation>();
  const put = (file: string, make: () => string): boolean => {
    const fault = writeTo(file, make);
    if (fault !== null) faults.push(fault);
    return fault === null;
  };
  for (const violation of document.violations) {
    const plan = violation.shrunk ?? violation.plan;
    if (!out || !plan) continue;
    const { property, text } = violation;
    if (put(fileOf(violation, out), () => `${JSON.stringify({ property, text, plan }, null, 2)}\n`)) written.add(violation);
  }
  const replay = (violation: FoundViolation): string =>
    out && written.has(violation) ? `greenroom replay ${word(fileOf(violation, out))}` : chaosCommand(violation, document, args);
  if (junitFile) put(junitFile, () => junit(document, replay));
  if (html) put(html, () => pageOf(filmOf(document, args), reportHtml(document, replay)));
  return { replay, faults };
};

/** A seed is any text: in the name of a file it may lead nowhere else. */
const fileOf = ({ property, seed }: FoundViolation, out: string): string =>
  join(out, `${property}-${seed.replaceAll(/[^\w.-]/g, "_")}.json`);

/** What is most worth watching: the smallest run that breaks something, else the one that came closest to it. */
const filmOf = ({ violations, timings }: ChaosDocument, args: ChaosArguments): Film => {
  const broken = violations.find(({ plan, property }) => plan !== null && property !== RUN_ENDS);
  const plan = broken?.shrunk ?? broken?.plan;
  if (broken && plan) return filmOfPlan(plan, `Greenroom: seed ${broken.seed}, which breaks ${broken.property}`);
  const { firstAck, inService, detection } = timings;
  const worst = firstAck.worstSeed ?? inService.worstSeed ?? detection.worstSeed;
  if (worst === null && violations.some(({ property }) => property === RUN_ENDS)) throw new Error("no run came to its end");
  const seed = worst ?? ("seed" in args.runs ? args.runs.seed : "1");
  return filmOfPlan(
    planFor(drawOf(args), seed),
    `Greenroom: seed ${seed}${worst === null ? "" : ", the slowest of those that held"}`,
  );
};

/** With all that the run was drawn from: another fleet, or other kinds of fault, would be another run. */
const chaosCommand = ({ seed }: FoundViolation, { runs }: ChaosDocument, args: ChaosArguments): string => {
  const { fleetFile, profile = "swarm", for: length, faults } = args;
  return [
    "greenroom chaos",
    seed === "-" ? `--seeds ${runs}` : `--seed ${word(seed)}`,
    ...(fleetFile === undefined ? [] : [`--fleet ${word(fleetFile)}`]),
    ...(profile === "swarm" ? [] : [`--profile ${profile}`]),
    ...(length === undefined ? [] : [`--for ${length / 1_000}s`]),
    ...(faults ? [`--faults ${faults.join(",")}`] : []),
  ].join(" ");
};

/** As a shell takes it for one word. */
const word = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
