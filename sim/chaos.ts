/** `greenroom chaos`: many runs of a fleet under faults, each judged against the ground truth, in as many threads as there are cores. */
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { checkTimers } from "../machines/account/timers.ts";
import type { Millis } from "../machines/ports/ids.ts";
import { openProgress } from "./chaos/progress.ts";
import { Pool } from "./chaos/pool.ts";
import { type Draw, planFor, type Profile } from "./chaos/task.ts";
import { type ChaosDocument, type FoundViolation, MOST_EXCLUDED, Totals } from "./chaos/totals.ts";
import type { Film } from "../machines/driver/film.ts";
import type { Output } from "./demo.ts";
import { faultKinds, isFaultKind } from "./faults/catalogue.ts";
import { timersOf } from "./plan/config.ts";
import { LEAST_LENGTH } from "./plan/draw.ts";
import type { Plan, PlannedFleet } from "./plan/plan.ts";
import { DAY } from "./plan/year.ts";
import { filmOfPlan } from "./report/film.ts";
import { reportHtml } from "./report/html.ts";
import { junit } from "./report/junit.ts";
import { summary } from "./report/summary.ts";
import { pageOf } from "./report/page.ts";
import { percent } from "./report/table.ts";

export interface ChaosArguments {
  /** null: the reference fleet of 20 accounts on 3 lines. */
  readonly fleet: PlannedFleet | null;
  readonly profile?: Profile;
  /** Seeds 1 to so many; or this one seed, run twice; or as many as fit into so many minutes. */
  readonly runs: { readonly seeds: number } | { readonly seed: string } | { readonly minutes: number };
  /** Simulated length of each run. Default 10 minutes; of the year profile always a day. */
  readonly for?: Millis;
  /** Kinds of fault; null: all. */
  readonly faults?: readonly string[] | null;
  /** Threads. Default: as many as cores. */
  readonly jobs?: number;
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

export const runChaos = async (args: ChaosArguments): Promise<ChaosOutcome> => {
  const { stdout = process.stdout, stderr = process.stderr, json } = args;
  const fault = badArguments(args);
  if (fault !== null) {
    stderr.write(`${fault}\n`);
    return { document: null, exitCode: 2 };
  }
  const timers = timerViolations(args.fleet);
  if (timers !== null) {
    (json ? stderr : stdout).write(timers);
    return { document: null, exitCode: 1 };
  }
  const { document, isInterrupted } = await carryOut(args, stderr);
  const replay = (violation: FoundViolation): string => replayCommand(violation, args);
  if (args.junit) writeFileSync(args.junit, junit(document, replay));
  if (args.html) writeFileSync(args.html, pageOf(filmOf(document, args), reportHtml(document, replay)));
  stdout.write(json ? `${JSON.stringify(document, null, 2)}\n` : summary(document, { replay }));
  return { document, exitCode: isInterrupted ? 130 : document.violations.length === 0 ? 0 : 1 };
};

// ---- before anything runs ----

const badArguments = ({ runs, for: length, faults, jobs, profile }: ChaosArguments): string | null => {
  const unknown = faults?.filter((name) => !isFaultKind(name)) ?? [];
  if (unknown.length > 0) return `E_UNKNOWN_FAULT ${unknown.join(", ")}: choose from ${faultKinds.join(", ")}`;
  if ("seeds" in runs && !(Number.isInteger(runs.seeds) && runs.seeds > 0))
    return "E_USAGE --seeds must be a whole number from 1";
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
  return `${lines.join("\n")}\nWith these settings the targets can't be met, so nothing was run.\n`;
};

// ---- the runs ----

const carryOut = async (args: ChaosArguments, stderr: Output): Promise<{ document: ChaosDocument; isInterrupted: boolean }> => {
  const { runs, jobs = availableParallelism(), signal } = args;
  const draw = drawOf(args);
  const totals = new Totals();
  const from = performance.now();
  const seconds = (): number => (performance.now() - from) / 1_000;
  const progress = openProgress(stderr, "seeds" in runs ? runs.seeds : null);
  const pool = new Pool(Math.min(jobs, "seed" in runs ? 2 : jobs), draw);
  try {
    const seeds = seedsOf(runs, () => seconds(), signal);
    await Promise.all(
      Array.from({ length: "seed" in runs ? 1 : jobs }, () =>
        work(pool, seeds, totals, "seed" in runs, () => progress.show(totals)),
      ),
    );
    progress.close();
    const wallSeconds = seconds();
    const violations = [...(await explained(pool, totals)), ...ofTheWhole(totals)];
    const document = totals.document(wallSeconds, violations);
    return { document: { ...document, violations: write(document.violations, args) }, isInterrupted: signal?.aborted === true };
  } finally {
    progress.close();
    await pool.close();
  }
};

const drawOf = ({ profile = "swarm", fleet, for: length, faults }: ChaosArguments): Draw => ({
  profile,
  fleet,
  for: profile === "year" ? DAY : (length ?? CHAOS_DEFAULTS.for),
  kinds: (faults ?? faultKinds).filter(isFaultKind),
});

/** One seed after the other, until there are enough or the time is over. */
const seedsOf = function* (runs: ChaosArguments["runs"], elapsed: () => number, signal?: AbortSignal): Generator<string> {
  if ("seed" in runs) return yield runs.seed;
  const more = (no: number): boolean =>
    signal?.aborted !== true && ("seeds" in runs ? no <= runs.seeds : elapsed() < runs.minutes * 60);
  for (let no = 1; more(no); no++) yield String(no);
};

const work = async (pool: Pool, seeds: Iterator<string>, totals: Totals, isSingle: boolean, done: () => void): Promise<void> => {
  for (let next = seeds.next(); !next.done; next = seeds.next()) {
    const seed = next.value;
    const wantsTrace = isSingle || Number(seed) % REPEATED === 0;
    const answer = await pool.do({ kind: "seed", seed, wantsTrace });
    if (answer.kind === "seed") totals.add(answer.verdict, answer.covered);
    if (wantsTrace) {
      const again = await pool.do({ kind: "seed", seed, wantsTrace });
      if (again.kind === "seed") totals.compare(again.verdict);
    }
    done();
  }
};

/** Each property that broke, with the smallest plan that breaks it. */
const explained = (pool: Pool, totals: Totals): Promise<FoundViolation[]> =>
  Promise.all(
    [...totals.broken].map(async ([property, { seed, text, count, others }]) => {
      const answer = await pool.do({ kind: "shrink", seed, property });
      const plans = answer.kind === "shrink" ? { plan: answer.plan, shrunk: answer.shrunk.plan } : { plan: null, shrunk: null };
      return { property, seed, text: count > 1 ? `${text} (${andMore(count - 1, [...others])})` : text, ...plans };
    }),
  );

/** Of many seeds a dozen are named: more than anybody looks at. */
const NAMED = 12;
const andMore = (count: number, seeds: readonly string[]): string => {
  if (seeds.length === 0) return `and ${count} more`;
  const named = seeds.slice(0, NAMED).join(", ");
  return `and ${count} more, ${seeds.length > 1 ? "seeds" : "seed"} ${named}${seeds.length > NAMED ? ", …" : ""}`;
};

const ofTheWhole = (totals: Totals): FoundViolation[] => {
  const found: FoundViolation[] = [];
  if (totals.excludedShare > MOST_EXCLUDED) {
    const text = `${percent(totals.excludedShare)} of the timed cases are excluded, of which ${percent(MOST_EXCLUDED, 0)} are allowed: the figures prove nothing`;
    found.push({ property: "too-many-excluded", seed: "-", text, plan: null, shrunk: null });
  }
  if (totals.diverged.length > 0) {
    const text = "the same plan gave another run: something is not a function of the plan";
    found.push({ property: "determinism", seed: totals.diverged[0] ?? "-", text, plan: null, shrunk: null });
  }
  return found;
};

// ---- what is left behind ----

const fileOf = ({ property, seed }: FoundViolation, out: string): string => join(out, `${property}-${seed}.json`);

const write = (violations: readonly FoundViolation[], { out }: ChaosArguments): readonly FoundViolation[] => {
  if (!out || violations.length === 0) return violations;
  mkdirSync(out, { recursive: true });
  for (const violation of violations) {
    const plan: Plan | null = violation.shrunk ?? violation.plan;
    if (plan)
      writeFileSync(
        fileOf(violation, out),
        `${JSON.stringify({ property: violation.property, text: violation.text, plan }, null, 2)}\n`,
      );
  }
  return violations;
};

/** What is most worth watching: the smallest run that breaks something, else the one that came closest to it. */
const filmOf = ({ violations, timings }: ChaosDocument, args: ChaosArguments): Film => {
  const broken = violations.find(({ plan }) => plan !== null);
  const plan = broken?.shrunk ?? broken?.plan;
  if (broken && plan) return filmOfPlan(plan, `Greenroom: seed ${broken.seed}, which breaks ${broken.property}`);
  const { firstAck, inService, detection } = timings;
  const worst = firstAck.worstSeed ?? inService.worstSeed ?? detection.worstSeed;
  const seed = worst ?? ("seed" in args.runs ? args.runs.seed : "1");
  return filmOfPlan(
    planFor(drawOf(args), seed),
    `Greenroom: seed ${seed}${worst === null ? "" : ", the slowest of those that held"}`,
  );
};

const replayCommand = (violation: FoundViolation, { out, profile, for: length }: ChaosArguments): string => {
  if (out && (violation.shrunk ?? violation.plan)) return `greenroom replay ${fileOf(violation, out)}`;
  const flags = [
    profile === undefined || profile === "swarm" ? "" : ` --profile ${profile}`,
    length === undefined ? "" : ` --for ${length / 1_000}s`,
  ].join("");
  return violation.seed === "-" ? "greenroom chaos --seeds 1000" : `greenroom chaos --seed ${violation.seed}${flags}`;
};
