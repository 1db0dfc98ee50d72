/** `greenroom replay`: a plan, a failing run or a journal once more. */
import { isDatabase, journalInStore } from "../../adapters/sqlite/journal-file.ts";
import { type Cli, CliError, type ExitCode } from "../cli.ts";
import type { Simulator, SimulatorCommand } from "../simulator-door.ts";

interface Options {
  readonly property?: string;
  readonly shrink?: boolean;
  readonly save?: string;
  readonly html?: string;
  readonly perfetto?: string;
  readonly csv?: string;
  readonly json?: boolean;
}

export const replay: SimulatorCommand<Options> = {
  name: "replay",
  summary: "run a plan or a journal again, compare every state",
  examples: [
    ["greenroom replay failures/nothing-lost-17.json", "what `greenroom chaos --out` left"],
    ["greenroom replay chaos.json --property nothing-lost", "one of those that `greenroom chaos --json` found"],
    ["greenroom replay plan.json --shrink --save lost-ack", "find the smallest plan, and keep it as a scenario"],
    ["greenroom replay journal.jsonl", "what the demo recorded"],
    ["greenroom replay greenroom.db --html film.html", "the journal in the store of a stopped fleet, to watch in a browser"],
  ],
  define: (command) =>
    command
      .argument("<file>", "a plan, a failing run, a report, a journal with a record a line, or the store of a fleet")
      .option("--property <name>", "of several in a report this one, and to shrink for this one")
      .option("--shrink", "look for the smallest plan that breaks the same")
      .option("--save <name>", "keep the plan as a scenario that the tests run")
      .option("--html <file>", "write a page that plays it: who was in which state, what was decided and why")
      .option("--perfetto <file>", "write a trace that Perfetto and Chrome open")
      .option("--csv <file>", "write a table of the changes of holder and how long each took")
      .option("--json", "one JSON document instead of text"),
  run: async (simulator: Simulator, options: Options, [file = ""], cli: Cli): Promise<ExitCode> => {
    const { exitCode } = simulator.runReplay({
      file,
      ...(isDatabase(file) ? { journal: journalIn(file) } : {}),
      property: options.property ?? null,
      shrink: options.shrink === true,
      save: options.save ?? null,
      html: options.html ?? null,
      perfetto: options.perfetto ?? null,
      csv: options.csv ?? null,
      json: options.json === true,
      stdout: cli.stdout,
      stderr: cli.stderr,
    });
    return exitCode;
  },
};

const journalIn = (store: string): string => {
  const text = journalInStore(store);
  if (text === "") throw new CliError("E_JOURNAL", `${store} holds no journal yet: the fleet has not run`, 2);
  return text;
};
