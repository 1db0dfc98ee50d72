/**
 * The one door from here to the simulator, opened only by commands that need it. Such a command is a `SimulatorCommand`: what it is
 * called, which options it has, and what it does with the simulator.
 */
import { Command } from "commander";
import type * as simulator from "../../sim/main.ts";
import type { Cli, ExitCode } from "./cli.ts";
import { examples } from "./help.ts";

export type Simulator = typeof simulator;

export interface SimulatorCommand<O extends { json?: boolean }> {
  readonly name: string;
  readonly summary: string;
  readonly examples: readonly (readonly [line: string, what: string])[];
  /** Adds arguments and options. */
  readonly define: (command: Command) => Command;
  /** `args` in the order in which they were defined. */
  readonly run: (simulator: Simulator, options: O, args: readonly string[], cli: Cli) => Promise<ExitCode>;
}

export const openSimulator = (): Promise<Simulator> => import("../../sim/main.ts");

export const simulatorCommand = <O extends { json?: boolean }>(cli: Cli, definition: SimulatorCommand<O>): Command => {
  const { name, summary, define, run } = definition;
  const command = define(new Command(name).description(summary));
  command.addHelpText("after", examples(definition.examples));
  return command.action(async () => {
    const options = command.opts<O>();
    await cli.run(options.json === true, async () => run(await openSimulator(), options, command.args, cli));
  });
};
