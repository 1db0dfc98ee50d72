/** `greenroom replay`: a plan, a failing run or a journal once more. */
import type { Cli, ExitCode } from "../cli.ts";
import type { Simulator, SimulatorCommand } from "../simulator-door.ts";

interface Options {
  readonly shrink?: boolean;
  readonly save?: string;
  readonly json?: boolean;
}

export const replay: SimulatorCommand<Options> = {
  name: "replay",
  summary: "run a plan or a journal again, compare every state",
  examples: [
    ["greenroom replay failures/nothing-lost-17.json", "what `greenroom chaos --out` left"],
    ["greenroom replay plan.json --shrink --save lost-ack", "find the smallest plan, and keep it as a scenario"],
    ["greenroom replay journal.jsonl", "what a fleet or the demo recorded"],
  ],
  define: (command) =>
    command
      .argument("<file>", "a plan, a failing run, or a journal with a record a line")
      .option("--shrink", "look for the smallest plan that breaks the same")
      .option("--save <name>", "keep the plan as a scenario that the tests run")
      .option("--json", "one JSON document instead of text"),
  run: async (simulator: Simulator, options: Options, [file = ""], cli: Cli): Promise<ExitCode> => {
    const { exitCode } = simulator.runReplay({
      file,
      shrink: options.shrink === true,
      save: options.save ?? null,
      json: options.json === true,
      stdout: cli.stdout,
      stderr: cli.stderr,
    });
    return exitCode;
  },
};
