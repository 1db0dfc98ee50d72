/** `greenroom demo`: see it work, without a phone. */
import { InvalidArgumentError } from "commander";
import type { Cli, ExitCode } from "../cli.ts";
import { wholeNumber } from "../help.ts";
import { interrupts } from "../interrupts.ts";
import { type Simulator, type SimulatorCommand } from "../simulator-door.ts";

interface Options {
  readonly faults?: readonly string[] | "all";
  readonly repeat?: number;
  readonly seconds?: number;
  readonly json?: boolean;
  readonly journal?: string;
}

export const demo: SimulatorCommand<Options> = {
  name: "demo",
  summary: "watch a fleet lose its masters and keep speaking",
  examples: [
    ["greenroom demo", "about three minutes, on a WhatsApp server of its own"],
    ["greenroom demo --faults close-428,half-open-link", "only these"],
    ["greenroom demo --faults all --repeat 20 --json", "everything, for scripts"],
  ],
  define: (command) =>
    command
      .option("--faults <names>", "which faults, separated by commas (default: all)", faultNames)
      .option("--repeat <count>", "play everything so often", wholeNumber(1, 1000))
      .option("--seconds <count>", "no new fault begins after this long, for each round", seconds)
      .option("--journal <file>", "write the supervisor's journal there at the end")
      .option("--json", "one JSON document instead of text"),
  run: async (simulator: Simulator, options: Options, _args, cli: Cli): Promise<ExitCode> => {
    const interrupt = interrupts();
    const { exitCode } = await simulator.runDemo({
      faults: options.faults ?? null,
      repeat: options.repeat ?? simulator.DEMO_DEFAULTS.repeat,
      seconds: options.seconds ?? simulator.DEMO_DEFAULTS.seconds,
      json: options.json === true,
      journal: options.journal ?? null,
      stdout: cli.stdout,
      stderr: cli.stderr,
      signal: interrupt.signal,
    });
    return exitCode;
  },
};

const faultNames = (text: string): readonly string[] | "all" => {
  const names = text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (names.length === 0) throw new InvalidArgumentError('expected names separated by commas, or "all".');
  return names.includes("all") ? "all" : names;
};

const seconds = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError("expected a number above 0.");
  return value;
};
