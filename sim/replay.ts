/**
 * `greenroom replay`: runs a plan again, twice, and says whether it is the same run and what it breaks. A journal is followed
 * record by record, and each state is compared with what was recorded.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { filmOf } from "../machines/driver/camera.ts";
import type { Film } from "../machines/driver/film.ts";
import { type ReplayResult, replayJournal } from "../machines/driver/replay.ts";
import { judge } from "./chaos/judge.ts";
import type { Violation } from "./checkers/life.ts";
import type { Output } from "./demo.ts";
import { type JournalFile, readJournal } from "./journal-file.ts";
import { checkPlan, PlanError } from "./plan/parse.ts";
import type { Plan } from "./plan/plan.ts";
import { shrink } from "./plan/shrink.ts";
import { inPlainWords } from "./plan/words.ts";
import { chromeTrace, timingsCsv } from "./report/exports.ts";
import { filmOfPlan } from "./report/film.ts";
import { fileFault, writeTo } from "./report/files.ts";
import { pageOf } from "./report/page.ts";
import { refuse } from "./report/refusal.ts";

export interface ReplayArguments {
  /** A plan; or what `greenroom chaos` left, of `--out` a plan with the property that it broke, of `--json` several; or a journal, a record a line. */
  readonly file: string;
  /** The journal itself, where the file keeps it among other things. */
  readonly journal?: string;
  /** Of several that a report names, this one; and what is shrunk for. */
  readonly property?: string | null;
  /** Looks for the smallest plan that breaks the same property. */
  readonly shrink?: boolean;
  /** Keeps the plan as a scenario of this name, which the tests run for ever after. */
  readonly save?: string | null;
  /** Files to write: a page that plays it, a trace for Perfetto, a table of timings. */
  readonly html?: string | null;
  readonly perfetto?: string | null;
  readonly csv?: string | null;
  readonly json: boolean;
  readonly stdout?: Output;
  readonly stderr?: Output;
}
export interface ReplayDocument {
  readonly trace: string;
  /** Both runs left the same ledger, rows and states. */
  readonly isSame: boolean;
  readonly violations: readonly Violation[];
  /** The one that was run; once shrunk, the smaller one. */
  readonly plan: Plan;
  readonly isShrunk: boolean;
  readonly saved: string | null;
}
export interface ReplayOutcome {
  readonly document: ReplayDocument | ReplayResult | null;
  /** 0 it holds, 1 something broke or differs, 2 the file is neither. */
  readonly exitCode: 0 | 1 | 2;
}

const NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const SCENARIOS = new URL("./scenarios/", import.meta.url);

export const runReplay = (args: ReplayArguments): ReplayOutcome => {
  const { file, shrink: wantsShrunk = false, save = null, stderr = process.stderr } = args;
  const isFile = statSync(file, { throwIfNoEntry: false })?.isFile() === true;
  const text = args.journal ?? (isFile ? readFileSync(file, "utf8") : null);
  const journal = text === null ? null : readJournal(text);
  const onlyForPlans = wantsShrunk ? "--shrink" : save !== null ? "--save" : args.property ? "--property" : null;
  if (journal !== null && onlyForPlans !== null)
    return refused(
      `E_USAGE ${onlyForPlans} is for plans, and ${file} is a journal: what really happened can only be followed`,
      args,
    );
  const unwritable = fileFault([args.html, args.perfetto, args.csv]);
  if (unwritable !== null) return refused(unwritable, args);
  if (journal !== null) return follow(journal, args, stderr);
  try {
    return runAgain(args);
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    return refused(`E_PLAN ${file}: ${error.message}`, args);
  }
};

const refused = (fault: string, args: ReplayArguments): ReplayOutcome => {
  refuse(fault, args);
  return { document: null, exitCode: 2 };
};

const runAgain = (args: ReplayArguments): ReplayOutcome => {
  const { file, json, save = null, stdout = process.stdout, stderr = process.stderr } = args;
  const given = read(file, args.property ?? null);
  if (save !== null) checkName(save);
  const first = judge(given.plan, { wantsTrace: true });
  const again = judge(given.plan, { wantsTrace: true });
  const property = given.property ?? first.violations[0]?.property ?? null;
  const isShrunk = args.shrink === true && property !== null && first.violations.some((each) => each.property === property);
  const plan = isShrunk ? shrink(given.plan, property).plan : given.plan;
  const faults: string[] = [];
  const document: ReplayDocument = {
    trace: first.trace ?? "",
    isSame: first.trace === again.trace,
    violations: first.violations,
    plan,
    isShrunk,
    saved: save === null ? null : keep(save, plan, property, faults),
  };
  faults.push(...write(args, () => filmOfPlan(plan, `Greenroom: seed ${plan.seed}`)));
  for (const fault of faults) stderr.write(`${fault}\n`);
  stdout.write(json ? `${JSON.stringify(document, null, 2)}\n` : inWords(document, args.shrink === true ? property : undefined));
  const holds = document.isSame && document.violations.length === 0;
  return { document, exitCode: holds ? (faults.length === 0 ? 0 : 2) : 1 };
};

/** What can be shown is shown, even of a file that is not whole; but then the exit says so. */
const follow = ({ records, fault }: JournalFile, args: ReplayArguments, stderr: Output): ReplayOutcome => {
  const { file, json, stdout = process.stdout } = args;
  const result = replayJournal(records);
  const { outcome, compared, lives, divergence, notes } = result;
  const unwritten = write(args, () => {
    const { film } = filmOf(records, `Greenroom: ${basename(file)}`);
    return fault === null ? film : { ...film, notes: [fault, ...film.notes], isPartial: true };
  });
  const words = [
    `${result.records} records, ${lives} lives, ${compared} states compared: ${outcome}`,
    ...(divergence
      ? [
          `record ${divergence.n}: ${divergence.actor} after ${divergence.after} is ${divergence.actual}, and was ${divergence.expected}`,
        ]
      : []),
    ...notes,
    "",
  ];
  stdout.write(json ? `${JSON.stringify({ ...result, fault }, null, 2)}\n` : words.join("\n"));
  const faults = fault === null ? unwritten : [`E_JOURNAL ${file}: ${fault}`, ...unwritten];
  for (const each of faults) stderr.write(`${each}\n`);
  return { document: result, exitCode: outcome === "diverged" ? 1 : outcome === "identical" && faults.length === 0 ? 0 : 2 };
};

/** Made only if a file of it is wanted, and once. What could not be written: sentences. */
const write = ({ html, perfetto, csv }: ReplayArguments, make: () => Film): string[] => {
  let made: Film | null = null;
  const film = (): Film => (made ??= make());
  return [
    html ? writeTo(html, () => pageOf(film())) : null,
    perfetto ? writeTo(perfetto, () => chromeTrace(film())) : null,
    csv ? writeTo(csv, () => timingsCsv(film())) : null,
  ].filter((fault) => fault !== null);
};

interface Given {
  readonly plan: Plan;
  readonly property: string | null;
}

/**
 * A plan, alone or with what it broke, or one of a report's. `wanted`: the property that is looked at.
 * @throws PlanError if it is none of these, or if nobody says which
 */
export const read = (file: string, wanted: string | null = null): Given => {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found?.isFile()) throw new PlanError(found ? "it is a folder: name a file in it" : "there is no such file");
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw new PlanError(`it can't be read: ${String(error)}`);
    throw new PlanError(
      "it is no JSON, so neither a plan nor a journal: name what chaos --out or demo --journal wrote, or the store of a fleet",
    );
  }
  if (typeof json !== "object" || json === null) throw new PlanError("it is no plan");
  const { plan, property, violations, kind } = json as Readonly<Record<string, unknown>>;
  if (kind === "exploration") throw new PlanError("it is what an exploration found: use greenroom explore --replay");
  if (Array.isArray(violations)) return ofReport(violations, wanted);
  return plan === undefined
    ? { plan: checkPlan(json), property: wanted }
    : { plan: checkPlan(plan), property: wanted ?? (typeof property === "string" ? property : null) };
};

const ofReport = (violations: readonly unknown[], wanted: string | null): Given => {
  const all = violations as readonly Partial<Record<"property" | "plan" | "shrunk", unknown>>[];
  const found = all.filter((each) => (each?.shrunk ?? each?.plan) !== undefined && (each.shrunk ?? each.plan) !== null);
  if (found.length === 0) throw new PlanError("it is a report, and nothing in it is broken that has a plan");
  const names = found.map(({ property }) => String(property));
  const chosen = found[wanted === null && found.length === 1 ? 0 : names.indexOf(wanted ?? "")];
  if (!chosen) throw new PlanError(`it is a report: say with --property which of these is meant: ${names.join(", ")}`);
  return { plan: checkPlan(chosen.shrunk ?? chosen.plan), property: String(chosen.property) };
};

const checkName = (name: string): void => {
  if (!NAME.test(name)) throw new PlanError(`"${name}" is no name for a scenario: use small letters, digits and "-"`);
  // What is installed is no place to keep anything: the next installation takes it away, and no test runs it.
  if (!import.meta.url.endsWith(".ts"))
    throw new PlanError("--save keeps scenarios in a checkout of Greenroom, and this is none");
  if (existsSync(new URL(`${name}.json`, SCENARIOS))) throw new PlanError(`there is a scenario "${name}" already`);
};

const keep = (name: string, plan: Plan, property: string | null, faults: string[]): string | null => {
  const to = fileURLToPath(new URL(`${name}.json`, SCENARIOS));
  const fault = writeTo(to, () => `${JSON.stringify({ property, plan }, null, 2)}\n`);
  if (fault !== null) faults.push(fault);
  return fault === null ? to : null;
};

/** `property`: what was to be shrunk for; null: nobody knows of any; undefined: nothing was to be shrunk. */
const inWords = ({ plan, violations, isSame, trace, isShrunk, saved }: ReplayDocument, property?: string | null): string =>
  [
    ...(isShrunk ? [`the smallest plan found that breaks ${property}:`] : []),
    ...inPlainWords(plan),
    ...(property === undefined || isShrunk
      ? []
      : [`nothing to shrink: it breaks ${property === null ? "nothing" : `no ${property}`}`]),
    `${isShrunk ? "before that, " : ""}${isSame ? `the same run twice: ${trace}` : "TWO DIFFERENT RUNS of one plan"}`,
    ...violations.map(({ property: name, at, text }) => `BROKEN ${name}${at === null ? "" : ` at ${at / 1_000} s`}: ${text}`),
    ...(violations.length === 0 ? ["Everything held."] : []),
    ...(saved === null ? [] : [`kept as ${saved}`]),
    "",
  ].join("\n");
