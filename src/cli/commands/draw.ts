/** `greenroom draw`: the statecharts on paper. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command, Option } from "commander";
import { didYouMean, listed } from "../../config/index.ts";
import { type Chart, CHARTS, chartNamed } from "../../drawing/catalogue.ts";
import { draw, EXTENSIONS, type Format, FORMATS } from "../../drawing/draw.ts";
import { graphOf } from "../../drawing/graph.ts";
import { type Cli, CliError } from "../cli.ts";
import { examples, withJson } from "../help.ts";
import { openSimulator } from "../simulator-door.ts";

interface Options {
  readonly format: Format;
  readonly out?: string;
  readonly highlight?: string;
  readonly coverage?: string;
  readonly json?: boolean;
}

export const drawCommand = (cli: Cli): Command =>
  withJson(
    new Command("draw")
      .description("draw a statechart, or all of them")
      .argument("[machine]", `${CHARTS.map(({ name }) => name).join(", ")}; or all`, "all")
      .addOption(new Option("--format <format>", "how").choices(FORMATS).default("svg"))
      .option("--out <folder>", "write files there (default: one machine goes to the terminal)")
      .option("--highlight <states>", "make these states, and the arrows between them, stand out: a,b,c")
      .option("--coverage <file>", "paint how often each state and arrow was taken: a journal, a plan, or a folder of them"),
  )
    .addHelpText(
      "after",
      examples([
        ["greenroom draw failover > failover.svg", "one chart"],
        ["greenroom draw all --out charts", "every chart, a file each"],
        ["greenroom draw seat --highlight serving,threatened,asking,moving > seat.svg", "a way through it"],
        ["greenroom draw health --format mermaid", "for a page that renders Mermaid"],
        ["greenroom draw all --coverage journal.jsonl --out charts", "what this journal went through, and what it never did"],
      ]),
    )
    .action((name: string, options: Options) =>
      cli.run(options.json === true, async () => {
        const charts = chosen(name);
        if (charts.length > 1 && !options.out && !options.json)
          throw new CliError("E_USAGE", "all charts need a folder to go to: --out FOLDER", 2);
        for (const paint of ["coverage", "highlight"] as const)
          if (options[paint] && options.format !== "svg")
            throw new CliError("E_USAGE", `--${paint} paints SVG, and --format is ${options.format}`, 2);
        if (options.highlight) checkStates(statesIn(options.highlight), charts);
        const taken = options.coverage ? await takenIn(options.coverage, cli) : undefined;
        const drawings = await Promise.all(
          charts.map(async (chart) => ({
            name: chart.name,
            text: await draw(chart, options.format, {
              ...(options.highlight ? { highlight: wayThrough(options.highlight) } : {}),
              ...(taken ? { counts: taken.get(chart.name) ?? new Map() } : {}),
            }),
          })),
        );
        if (options.out) {
          mkdirSync(options.out, { recursive: true });
          for (const { name: file, text } of drawings)
            writeFileSync(join(options.out, `${file}.${EXTENSIONS[options.format]}`), text);
          cli.note(`${drawings.length} drawing${drawings.length === 1 ? "" : "s"} in ${options.out}`);
        }
        if (options.json) cli.json({ format: options.format, drawings });
        else if (!options.out) cli.print(drawings[0]?.text ?? "");
        return 0;
      }),
    );

const chosen = (name: string) => {
  if (name === "all") return CHARTS;
  const chart = chartNamed(name);
  if (chart) return [chart];
  const names = CHARTS.map((one) => one.name);
  throw new CliError(
    "E_UNKNOWN_MACHINE",
    `there is no machine ${name}.${didYouMean(name, names)} There are: ${listed(names)}`,
    2,
  );
};

const takenIn = async (path: string, cli: Cli) => {
  const { countTaken, PlanError } = await openSimulator();
  try {
    const { taken, files, notes } = countTaken(path);
    cli.note([`counted in ${files} file${files === 1 ? "" : "s"}`, ...notes].join("\n"));
    return taken;
  } catch (error) {
    if (error instanceof PlanError) throw new CliError("E_TRACE", error.message, 2);
    throw error;
  }
};

const statesIn = (text: string): string[] => text.split(",").map((state) => state.trim());

const checkStates = (states: readonly string[], charts: readonly Chart[]): void => {
  const known = charts.flatMap(({ name, machine }) => graphOf(name, machine).states.map(({ id }) => id));
  const unknown = states.find((state) => !known.includes(state));
  if (unknown === undefined) return;
  const where = charts.length === 1 ? charts[0]?.name : "any chart";
  const names = charts.length === 1 ? ` There are: ${listed(known)}` : "";
  throw new CliError("E_UNKNOWN_STATE", `there is no state ${unknown} in ${where}.${didYouMean(unknown, known)}${names}`, 2);
};

/** The states, and each arrow from one of them to the next. */
const wayThrough = (text: string): ReadonlySet<string> => {
  const states = statesIn(text);
  return new Set([...states, ...states.slice(1).map((state, index) => `${states[index]} -> ${state}`)]);
};
