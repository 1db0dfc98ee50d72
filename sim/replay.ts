/**
 * `greenroom replay`: runs a plan again, twice, and says whether it is the same run and what it breaks. A journal is followed
 * record by record, and each state is compared with what was recorded.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
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
import { pageOf } from "./report/page.ts";

export interface ReplayArguments {
  /** A plan; or what `greenroom chaos --out` left, a plan with the property that it broke; or a journal, a record a line. */
  readonly file: string;
  /** The journal itself, where the file keeps it among other things. */
  readonly journal?: string;
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
  readonly plan: Plan;
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
  const { file, json, save = null, stdout = process.stdout, stderr = process.stderr, ...options } = args;
  const isFile = statSync(file, { throwIfNoEntry: false })?.isFile() === true;
  const text = args.journal ?? (isFile ? readFileSync(file, "utf8") : null);
  const journal = text === null ? null : readJournal(text);
  if (journal !== null) return follow(journal, args, stdout, stderr);
  let given: { plan: Plan; property: string | null };
  try {
    given = read(file);
    if (save !== null) checkName(save);
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    stderr.write(`E_PLAN ${file}: ${error.message}\n`);
    return { document: null, exitCode: 2 };
  }
  const first = judge(given.plan, { wantsTrace: true });
  const again = judge(given.plan, { wantsTrace: true });
  const property = given.property ?? first.violations[0]?.property;
  const isShrunk =
    options.shrink === true && property !== undefined && first.violations.some((each) => each.property === property);
  const plan = isShrunk ? shrink(given.plan, property).plan : given.plan;
  const document: ReplayDocument = {
    trace: first.trace ?? "",
    isSame: first.trace === again.trace,
    violations: first.violations,
    plan,
    saved: save === null ? null : keep(save, plan, property ?? null),
  };
  write(args, () => filmOfPlan(plan, `Greenroom: seed ${plan.seed}`));
  stdout.write(json ? `${JSON.stringify(document, null, 2)}\n` : inWords(document));
  return { document, exitCode: document.isSame && document.violations.length === 0 ? 0 : 1 };
};

/** What can be shown is shown, even of a file that is not whole; but then the exit says so. */
const follow = ({ records, fault }: JournalFile, args: ReplayArguments, stdout: Output, stderr: Output): ReplayOutcome => {
  const { file, json } = args;
  const result = replayJournal(records);
  const { outcome, compared, lives, divergence, notes } = result;
  write(args, () => {
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
  stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : words.join("\n"));
  if (fault !== null) stderr.write(`E_JOURNAL ${file}: ${fault}\n`);
  return { document: result, exitCode: outcome === "diverged" ? 1 : outcome === "identical" && fault === null ? 0 : 2 };
};

/** Made only if a file of it is wanted. */
const write = ({ html, perfetto, csv }: ReplayArguments, make: () => Film): void => {
  if (!html && !perfetto && !csv) return;
  const film = make();
  if (html) writeFileSync(html, pageOf(film));
  if (perfetto) writeFileSync(perfetto, chromeTrace(film));
  if (csv) writeFileSync(csv, timingsCsv(film));
};

/** Both kinds of file. */
export const read = (file: string): { plan: Plan; property: string | null } => {
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
  const { plan, property } = json as { plan?: unknown; property?: unknown };
  return plan === undefined
    ? { plan: checkPlan(json), property: null }
    : { plan: checkPlan(plan), property: typeof property === "string" ? property : null };
};

const checkName = (name: string): void => {
  if (!NAME.test(name)) throw new PlanError(`"${name}" is no name for a scenario: use small letters, digits and "-"`);
  if (existsSync(new URL(`${name}.json`, SCENARIOS))) throw new PlanError(`there is a scenario "${name}" already`);
};

const keep = (name: string, plan: Plan, property: string | null): string => {
  const to = fileURLToPath(new URL(`${name}.json`, SCENARIOS));
  writeFileSync(to, `${JSON.stringify({ property, plan }, null, 2)}\n`);
  return to;
};

const inWords = ({ plan, violations, isSame, trace, saved }: ReplayDocument): string =>
  [
    ...inPlainWords(plan),
    isSame ? `the same run twice: ${trace}` : "TWO DIFFERENT RUNS of one plan",
    ...violations.map(({ property, at, text }) => `BROKEN ${property}${at === null ? "" : ` at ${at / 1_000} s`}: ${text}`),
    ...(violations.length === 0 ? ["Everything held."] : []),
    ...(saved === null ? [] : [`kept as ${saved}`]),
    "",
  ].join("\n");
