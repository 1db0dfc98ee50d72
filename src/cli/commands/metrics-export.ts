/** `greenroom metrics export`: each minute of each seat that the store remembers, for analysis elsewhere. */
import { Command, Option } from "commander";
import { csvOf, EXPORT_SCHEMA, exportedRow } from "../../metrics/export.ts";
import { type Cli, CliError } from "../cli.ts";
import { examples, instant } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";

interface Options extends TargetOptions {
  readonly from?: number;
  readonly to?: number;
  readonly line?: string;
  readonly format: "csv" | "json";
}

const MINUTE = 60_000;
/** So long the store remembers. */
const WEEK = 7 * 86_400_000;

export const metricsExport = (cli: Cli): Command =>
  withTarget(new Command("export").description("minute by minute what each seat did, as CSV or JSON; the store keeps a week"))
    .option("--from <time>", "minutes from this time on: 2026-11-01, or with a time of day (default: all that are kept)", instant)
    .option("--to <time>", "minutes before this time", instant)
    .option("--line <line>", "of one line (default: all)")
    .addOption(new Option("--format <format>", "for a spreadsheet or a data frame").choices(["csv", "json"]).default("csv"))
    .addHelpText(
      "after",
      examples([
        ["greenroom metrics export --from 2026-11-20 > minutes.csv", "a line for each minute, seat and account"],
        ["greenroom metrics export --line support --format json", "the same with the schema's name in front"],
      ]),
    )
    .action((options: Options) =>
      cli.run(options.json === true, async () => {
        const { from, to, line } = options;
        if (from !== undefined && to !== undefined && from >= to)
          throw new CliError("E_BAD_REQUEST", "--from and --to: the period ends before it begins", 2);
        const { now, lines } = await ask(cli, options, "status", {});
        const span = Math.min(WEEK, Math.max(MINUTE, from === undefined ? WEEK : now - from));
        const names = line === undefined ? lines.map(({ id }) => id) : [line];
        const answers = await Promise.all(names.map((id) => ask(cli, options, "performance", { line: id, span })));
        const rows = answers
          .flatMap(({ minutes }) => minutes)
          .filter(({ at }) => at >= (from ?? 0) && at < (to ?? Number.POSITIVE_INFINITY))
          .toSorted((one, other) => one.at - other.at)
          .map(exportedRow);
        const damaged = answers.reduce((sum, answer) => sum + answer.damaged, 0);
        if (damaged > 0) cli.note(`${damaged} minutes in the store can't be true, and are left out`);
        if (options.json || options.format === "json") cli.json({ schema: EXPORT_SCHEMA, rows, damaged });
        else cli.print(csvOf(rows));
        return 0;
      }),
    );
