/**
 * Mutation testing of the machines: `npm run mutate -- [--seed N] [--share S]`. Tries a seeded sample of all mutants of the charts and
 * reducers in machines/{account,fleet,delivery} against their own suites, and prints the score of each folder and what survived. Texts
 * are left alone (scripts/mutation/stryker.json): most are for people, and those that are names fail at once.
 *
 * StrykerJS is installed on demand, beside the locked dependencies and without saving it: 170 packages that nobody else needs.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync, rmSync } from "node:fs";
import { parseArgs } from "node:util";

const STRYKER = "10.1.1";
const REPORT = "reports/mutation.json";
const SANDBOX = "tmp/mutation";
const CONFIG = "scripts/mutation/stryker.json";
const FOLDERS = ["account", "fleet", "delivery"] as const;
/** Of all lines. What an hour on two free cores is enough for. */
const SHARE = 0.15;
/** Lines that are drawn together: long enough for a function, short enough for a sample to see every file. */
const WINDOW = 12;

const HELP = `npm run mutate -- [--seed N] [--share S] [--workers W]
  --seed     names the sample (default 1)
  --share    of all lines, above 0 and at most 1 (default ${SHARE}: within an hour on two free cores)
  --workers  processes that run tests (default 2)
`;

interface Report {
  readonly files: Readonly<Record<string, { readonly mutants: readonly Mutant[] }>>;
}
interface Mutant {
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly status: string;
  readonly location: { readonly start: { readonly line: number } };
}
type Tried = Mutant & { readonly path: string };
interface Options {
  readonly seed: string;
  readonly share: number;
  readonly workers: number;
}

const main = (): number => {
  const options = parsed();
  if (options === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  if (typeof options === "string") {
    process.stderr.write(`${options}\n${HELP}`);
    return 2;
  }
  if (!existsSync("node_modules/@stryker-mutator/vitest-runner")) {
    const packages = ["core", "vitest-runner"].map((name) => `@stryker-mutator/${name}@${STRYKER}`);
    if (run("npm", ["install", "--no-save", "--no-audit", "--no-fund", ...packages]) !== 0) return 3;
  }
  // What a run that was broken off has left.
  rmSync(SANDBOX, { recursive: true, force: true });
  const tried: Tried[] = [];
  for (const folder of FOLDERS) {
    const windows = sample(folder, options.seed, options.share);
    if (windows.length === 0) continue;
    process.stdout.write(`\nmachines/${folder}: ${windows.length} windows of ${WINDOW} lines\n`);
    const args = ["run", CONFIG, "--concurrency", String(options.workers), "--mutate", windows.join(",")];
    const code = run("node_modules/.bin/stryker", args, { MUTATED_FOLDER: folder });
    if (code !== 0) return code;
    tried.push(...read());
  }
  process.stdout.write(`\n${summary(tried)}\nSample: seed ${options.seed}, share ${options.share}.\n`);
  return 0;
};

const parsed = (): Options | string => {
  try {
    const text = { type: "string" } as const;
    const { values } = parseArgs({ options: { seed: text, share: text, workers: text, help: { type: "boolean" } } });
    if (values.help) return "help";
    const share = Number(values.share ?? SHARE);
    const workers = Number(values.workers ?? 2);
    if (!(share > 0 && share <= 1)) return `--share ${values.share}: give a number above 0 and at most 1`;
    if (!(Number.isInteger(workers) && workers > 0)) return `--workers ${values.workers}: give a whole number, 1 or more`;
    return { seed: values.seed ?? "1", share, workers };
  } catch (error) {
    return (error as Error).message;
  }
};

const run = (command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): number =>
  spawnSync(command, args, { stdio: "inherit", env: { ...process.env, ...env } }).status ?? 1;

const read = (): Tried[] => {
  const { files } = JSON.parse(readFileSync(REPORT, "utf8")) as Report;
  const all = Object.entries(files).flatMap(([path, { mutants }]) => mutants.map((mutant) => ({ path, ...mutant })));
  return all.filter(({ status }) => status !== "Ignored");
};

/** Windows of lines, each drawn by a hash of its place: a seed names the same sample on every machine. */
const sample = (folder: string, seed: string, share: number): readonly string[] =>
  globSync(`machines/${folder}/**/*.ts`)
    .filter((path) => !path.includes("/balance/"))
    .toSorted()
    .flatMap((path) => {
      const lines = readFileSync(path, "utf8").split("\n").length;
      const starts = Array.from({ length: Math.ceil(lines / WINDOW) }, (_, index) => index * WINDOW + 1);
      return starts
        .filter((line) => draw(`${seed}:${path}:${line}`) < share)
        .map((line) => `${path}:${line}-${line + WINDOW - 1}`);
    });

const draw = (text: string): number => createHash("sha256").update(text).digest().readUInt32BE() / 2 ** 32;

const summary = (tried: readonly Tried[]): string => {
  const folders = [...new Set(tried.map(({ path }) => path.split("/").slice(0, 2).join("/")))].toSorted();
  const survivors = tried.filter(({ status }) => status === "Survived" || status === "NoCoverage");
  return [
    ...survivors.map(
      ({ path, location, mutatorName, status, replacement }) =>
        `${status === "Survived" ? "survived" : "untested"}  ${path}:${location.start.line}  ${mutatorName}: ${(replacement ?? "").replaceAll(/\s+/g, " ").slice(0, 100)}`,
    ),
    "",
    ...folders.map((folder) =>
      scoreLine(
        folder,
        tried.filter(({ path }) => path.startsWith(`${folder}/`)),
      ),
    ),
    scoreLine("all", tried),
  ].join("\n");
};

/** A mutant that runs for ever is caught by the clock: on a busy machine, so is one that does not. */
const scoreLine = (name: string, mutants: readonly Mutant[]): string => {
  const count = (...states: readonly string[]): number => mutants.filter(({ status }) => states.includes(status)).length;
  const late = count("Timeout");
  const caught = count("Killed") + late;
  const valid = mutants.length - count("CompileError", "RuntimeError");
  const score = valid === 0 ? "-" : ((100 * caught) / valid).toFixed(1);
  return `${name.padEnd(20)} ${caught} of ${valid} caught: ${score} % (${late} by running out of time)`;
};

process.exitCode = main();
