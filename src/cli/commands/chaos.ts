/** `greenroom chaos`: the fleet of a fleet file, under faults, in simulation. */
import { InvalidArgumentError, Option } from "commander";
import { configErrorText, loadFleetFile } from "../../config/index.ts";
import { parseDuration } from "../../config/duration.ts";
import { type Cli, CliError, configFault, type ExitCode } from "../cli.ts";
import { names, wholeNumber } from "../help.ts";
import { loadPlugins } from "../../plugins/load.ts";
import { interrupts } from "../interrupts.ts";
import { type PlannedFleet, plannedOf } from "../planned-fleet.ts";
import type { Simulator, SimulatorCommand } from "../simulator-door.ts";

interface Options {
  readonly fleet?: string;
  readonly seeds?: number;
  readonly firstSeed?: number;
  readonly seed?: string;
  readonly minutes?: number;
  readonly for?: number;
  readonly faults?: readonly string[];
  readonly jobs?: number;
  readonly out?: string;
  readonly junit?: string;
  readonly html?: string;
  readonly profile?: Profile;
  readonly plant?: string;
  readonly json?: boolean;
}
const PROFILES = ["swarm", "work", "year"] as const;
/** Each bug is planted in the fleet, the profile and the kinds of fault that show it. */
const NOT_WITH_PLANTS = ["fleet", "seed", "firstSeed", "minutes", "for", "faults", "jobs", "out", "junit", "html", "profile"];
type Profile = (typeof PROFILES)[number];

export const chaos: SimulatorCommand<Options> = {
  name: "chaos",
  summary: "torment a simulated fleet, check what must hold",
  examples: [
    ["greenroom chaos", "a hundred seeds of a fleet of 20 accounts"],
    ["greenroom chaos --fleet fleet.yaml --minutes 5 --out failures", "your own fleet; failing plans go to files"],
    ["greenroom chaos --seed 17", "one seed, run twice and compared"],
    ["greenroom chaos --fleet fleet.yaml --seeds 500 --junit chaos.xml", "for CI"],
    ["greenroom chaos --profile work", "bursts, VIPs, regions, campaigns and planned moves, and faults in their midst"],
    ["greenroom chaos --profile year", "a year of an ordinary fleet: its availability"],
  ],
  define: (command) =>
    command
      .option("--fleet <file>", "the fleet file (default: a fleet of 20 accounts, 3 lines and twins)")
      .option("--seeds <count>", "so many runs, each of a seed of its own (default: 100)", wholeNumber(1, 10_000_000))
      .addOption(new Option("--seed <seed>", "this one run, twice").conflicts(["seeds", "minutes"]))
      .addOption(
        new Option("--first-seed <seed>", "of many runs the first; the seeds after it follow (default: 1)")
          .argParser(wholeNumber(1, Number.MAX_SAFE_INTEGER - 10_000_000))
          .conflicts("seed"),
      )
      .addOption(new Option("--minutes <count>", "as many runs as fit into so many minutes").argParser(above0).conflicts("seeds"))
      .option("--for <duration>", "simulated length of a run, such as 10m (default)", span)
      .option("--faults <names>", "only these kinds of fault, separated by commas", names)
      .option("--jobs <count>", "threads (default: one for each core)", wholeNumber(1, 1024))
      .option("--out <folder>", "write the smallest failing plans there")
      .option("--junit <file>", "write a JUnit report")
      .option("--html <file>", "write a report for a browser")
      .option("--profile <name>", 'what is drawn: "swarm" (default), "work" or "year"', profile)
      .addOption(
        new Option("--plant <names>", 'plant bugs and see them caught: names, "all" or "list"').conflicts(NOT_WITH_PLANTS),
      )
      .option("--json", "one JSON document instead of text"),
  run: async (simulator: Simulator, options: Options, _args, cli: Cli): Promise<ExitCode> => {
    const { fleet, seeds, firstSeed, seed, minutes, for: length, faults, jobs, out, junit, html, profile: name, json } = options;
    const { plant } = options;
    if (plant !== undefined) {
      const { stdout, stderr } = cli;
      return simulator.runPlants({ plant, ...(seeds === undefined ? {} : { seeds }), json: json === true, stdout, stderr })
        .exitCode;
    }
    if (name === "year" && length !== undefined)
      throw new CliError("E_USAGE", "--for can't be used with --profile year: each of its runs is a day", 2);
    const planned = fleet === undefined ? null : await load(cli, fleet, (text) => simulator.reportTimers(junit, text));
    const days = name === "year" ? simulator.CHAOS_DEFAULTS.yearDays : simulator.CHAOS_DEFAULTS.seeds;
    const { exitCode } = await simulator.runChaos({
      fleet: planned,
      ...(fleet === undefined ? {} : { fleetFile: fleet }),
      runs: seed !== undefined ? { seed } : minutes !== undefined ? { minutes } : { seeds: seeds ?? days },
      ...(firstSeed === undefined ? {} : { firstSeed }),
      ...(length === undefined ? {} : { for: length }),
      ...(jobs === undefined ? {} : { jobs }),
      ...(name === undefined ? {} : { profile: name }),
      faults: faults ?? null,
      out: out ?? null,
      junit: junit ?? null,
      html: html ?? null,
      json: json === true,
      stdout: cli.stdout,
      stderr: cli.stderr,
      signal: interrupts().signal,
    });
    return exitCode;
  },
};

/** Settings that can't meet the targets are what chaos is there to find; whatever else is wrong with the file is bad input. */
const load = async (cli: Cli, file: string, report: (text: string) => string | null): Promise<PlannedFleet> => {
  const loaded = loadFleetFile(file, cli.env);
  if (loaded.ok) return plannedOf(loaded.fleet, await loadPlugins(loaded.fleet));
  if (!loaded.errors.every(({ missesTargets }) => missesTargets === true)) throw configFault(file, loaded.errors);
  const relations = loaded.errors.map(configErrorText).join("\n");
  const text = `${relations}\nWith these settings the targets can't be met, so nothing was run.`;
  const unwritten = report(text);
  throw new CliError("E_TIMERS", unwritten === null ? text : `${text}\n${unwritten}`, 1);
};

const above0 = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError("expected a number above 0.");
  return value;
};
const span = (text: string): number => {
  const value = parseDuration(text);
  if (value === undefined) throw new InvalidArgumentError("expected a duration such as 10m or 600s.");
  return value;
};
const profile = (text: string): Profile => {
  const known = PROFILES.find((name) => name === text);
  if (!known) throw new InvalidArgumentError('expected "swarm", "work" or "year".');
  return known;
};
