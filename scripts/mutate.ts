/**
 * Mutation testing of the machines: `npm run mutate -- [--seed N] [--share S]`. Tries a seeded sample of all mutants of the charts and
 * reducers in machines/{account,fleet,delivery} against their own suites, and prints the score of each folder and what survived. Texts
 * are left alone (scripts/mutation/stryker.json): most are for people, and those that are names fail at once.
 *
 * StrykerJS is installed on demand, beside the locked dependencies and without saving it: 170 packages that nobody else needs.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";

const STRYKER = "10.1.1";
const REPORT = "reports/mutation.json";
const SOURCES = "machines/{account,fleet,delivery}/*.ts";
/** Lines that are drawn together: long enough for a function, short enough for a sample to see every file. */
const WINDOW = 12;

interface Report {
  readonly files: Readonly<Record<string, { readonly source: string; readonly mutants: readonly Mutant[] }>>;
}
interface Mutant {
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly status: string;
  readonly location: { readonly start: { readonly line: number } };
}

const main = (): number => {
  const { values } = parseArgs({
    options: { seed: { type: "string", default: "1" }, share: { type: "string", default: "0.15" }, help: { type: "boolean" } },
  });
  if (values.help) {
    process.stdout.write("npm run mutate -- [--seed N] [--share S]\n  --seed   names the sample (default 1)\n");
    process.stdout.write("  --share  of all lines, more than 0, at most 1 (default 0.15)\n");
    return 0;
  }
  if (!existsSync("node_modules/@stryker-mutator/vitest-runner")) {
    const packages = ["core", "vitest-runner"].map((name) => `@stryker-mutator/${name}@${STRYKER}`);
    if (run("npm", ["install", "--no-save", "--no-package-lock", ...packages]) !== 0) return 3;
  }
  const windows = sample(values.seed, Number(values.share));
  if (windows.length === 0) {
    process.stderr.write(`nothing is in a sample of ${values.share}: give a share above 0 and at most 1\n`);
    return 2;
  }
  const code = run("npx", ["stryker", "run", "scripts/mutation/stryker.json", "--mutate", windows.join(",")]);
  if (code !== 0) return code;
  const report = JSON.parse(readFileSync(REPORT, "utf8")) as Report;
  process.stdout.write(`\n${summary(report)}\nSample: seed ${values.seed}, share ${values.share}. Report: ${REPORT}\n`);
  return 0;
};

const run = (command: string, args: readonly string[]): number => spawnSync(command, args, { stdio: "inherit" }).status ?? 1;

/** Windows of lines, each drawn by a hash of its place: a seed names the same sample on every machine. */
const sample = (seed: string, share: number): readonly string[] =>
  globSync(SOURCES)
    .toSorted()
    .flatMap((path) => {
      const lines = readFileSync(path, "utf8").split("\n").length;
      const starts = Array.from({ length: Math.ceil(lines / WINDOW) }, (_, index) => index * WINDOW + 1);
      return starts
        .filter((line) => draw(`${seed}:${path}:${line}`) < share)
        .map((line) => `${path}:${line}-${line + WINDOW - 1}`);
    });

const draw = (text: string): number => createHash("sha256").update(text).digest().readUInt32BE() / 2 ** 32;

const summary = ({ files }: Report): string => {
  const all = Object.entries(files).flatMap(([path, { mutants }]) => mutants.map((mutant) => ({ path, ...mutant })));
  const tried = all.filter(({ status }) => status !== "Ignored");
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

const scoreLine = (name: string, mutants: readonly Mutant[]): string => {
  const caught = mutants.filter(({ status }) => status === "Killed" || status === "Timeout").length;
  const valid = mutants.filter(({ status }) => status !== "CompileError" && status !== "RuntimeError").length;
  return `${name.padEnd(20)} ${caught} of ${valid} caught: ${valid === 0 ? "-" : ((100 * caught) / valid).toFixed(1)} %`;
};

process.exitCode = main();
