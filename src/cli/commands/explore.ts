/** `greenroom explore`: everything that can happen to a small fleet, in every order. */
import { Option } from "commander";
import type { Cli, ExitCode } from "../cli.ts";
import { names, wholeNumber } from "../help.ts";
import { interrupts } from "../interrupts.ts";
import type { Simulator, SimulatorCommand } from "../simulator-door.ts";

interface Options {
  readonly masters?: number;
  readonly seats?: number;
  readonly twins?: number;
  readonly faults?: number;
  readonly flights?: number;
  readonly kinds?: readonly string[];
  readonly states?: number;
  readonly plant?: string;
  readonly out?: string;
  readonly replay?: string;
  readonly json?: boolean;
}

const OF_A_SEARCH = ["masters", "seats", "twins", "faults", "flights", "kinds", "states", "plant", "out"];

export const explore: SimulatorCommand<Options> = {
  name: "explore",
  summary: "all that two faults can do, in every order",
  examples: [
    ["greenroom explore", "three masters, two faults, and four deeper sweeps"],
    ["greenroom explore --masters 4 --faults 2 --states 1000000", "larger, by hand"],
    ["greenroom explore --plant stale-candidates --out trace.json", "with a planted bug: the shortest way to it"],
    ["greenroom explore --replay trace.json", "that way once more"],
  ],
  define: (command) =>
    command
      .option("--masters <count>", "accounts on the line (default: 3)", wholeNumber(2, 6))
      .option("--seats <count>", "how many of them have a seat (default: 1)", wholeNumber(1, 6))
      .option("--twins <count>", "how many have a second device (default: 0)", wholeNumber(0, 6))
      .option("--faults <count>", "faults in one story (default: 2)", wholeNumber(0, 12))
      .option("--flights <count>", "messages on their way at once (default: 3)", wholeNumber(1, 12))
      .option("--kinds <names>", "only these kinds of fault, separated by commas", names)
      .option("--states <count>", "give up after so many", wholeNumber(1, 1_000_000_000))
      .option("--plant <name>", "machines with this planted bug")
      .option("--out <file>", "write a counterexample there")
      .addOption(new Option("--replay <file>", "carry out a counterexample again").conflicts(OF_A_SEARCH))
      .option("--json", "one JSON document instead of text"),
  run: async (simulator: Simulator, { json, ...options }: Options, _args, cli: Cli): Promise<ExitCode> => {
    const { exitCode } = await simulator.runExplore({
      ...options,
      json: json === true,
      stdout: cli.stdout,
      stderr: cli.stderr,
      signal: interrupts().signal,
    });
    return exitCode;
  },
};
