/** `greenroom sla report`: how available seats, lines, accounts and the fleet were, and what is left of the error budget. */
import { writeFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import type { SlaReport } from "../../sla/report.ts";
import { type Cli, CliError } from "../cli.ts";
import { examples, instant, wholeNumber } from "../help.ts";
import { slaHtml } from "../sla-page.ts";
import { percent } from "../../sla/percent.ts";
import { NOTHING_MEASURED, rowsOf, signed } from "../sla-words.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { table } from "../table.ts";
import { type Paints, paintsFor, when } from "../text.ts";

interface Options extends TargetOptions {
  readonly month?: string;
  readonly from?: number;
  readonly to?: number;
  readonly days?: number;
  readonly target: number;
  readonly html?: string;
  readonly csv?: string;
}

export const slaCommand = (cli: Cli): Command =>
  new Command("sla")
    .description("availability and error budget of seats, lines, accounts")
    .addCommand(slaReport(cli))
    .addHelpText("after", examples([["greenroom sla report --days 7", "the last week"]]));

const slaReport = (cli: Cli): Command =>
  withTarget(new Command("report").description("how available seats, lines and accounts were, and what is left of the budget"))
    .option("--month <month>", "2026-11, by this machine's clock (default: the last 30 days)", monthOf)
    .option("--days <count>", "the last so many days: 1, 7", wholeNumber(1, 3660))
    .option("--from <time>", "from a day or time on", instant)
    .option("--to <time>", "before a day or time", instant)
    .option("--target <percent>", "what was promised", percentOf, 0.9999)
    .option("--html <file>", "write a page to hand on")
    .option("--csv <file>", "write a table: a line for each seat, line and account")
    .addHelpText(
      "after",
      examples([
        ["greenroom sla report --days 7", "the last week"],
        ["greenroom sla report --month 2026-11 --html november.html --csv november.csv", "a page and a table to hand on"],
      ]),
    )
    .action((options: Options) =>
      cli.run(options.json === true, async () => {
        const report = await ask(cli, options, "sla", { ...periodOf(options), target: options.target });
        if (options.html !== undefined) write(cli, options.html, slaHtml(report));
        if (options.csv !== undefined) write(cli, options.csv, `${csvOf(report)}\n`);
        if (options.json) cli.json(report);
        else cli.print(textOf(report, paintsFor(cli.stdout)));
        return 0;
      }),
    );

const write = (cli: Cli, file: string, text: string): void => {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new CliError("E_FILE", `${file} can't be written: ${error instanceof Error ? error.message : String(error)}`, 2);
  }
  cli.note(`written to ${file}`);
};

const DAY = 86_400_000;

const periodOf = ({ month, days, from, to }: Options): { from: number; to: number } => {
  if (month !== undefined) {
    const [year = 0, number = 1] = month.split("-").map(Number);
    return { from: new Date(year, number - 1).getTime(), to: new Date(year, number).getTime() };
  }
  const now = Date.now();
  const period = { from: from ?? (to ?? now) - (days ?? 30) * DAY, to: to ?? now };
  if (!(period.from < period.to)) throw new CliError("E_USAGE", "the period ends before it begins", 2);
  return period;
};

function monthOf(text: string): string {
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(text)) throw new InvalidArgumentError("expected a month: 2026-11.");
  return text;
}
function percentOf(text: string): number {
  const value = Number(text.replace("%", ""));
  if (!(value > 0 && value < 100)) throw new InvalidArgumentError("expected a percentage below 100: 99.99.");
  return value / 100;
}

const textOf = (report: SlaReport, paints: Paints): string => {
  const rows = rowsOf(report).map(([kind, name, each]) => [
    `${kind} ${name}`.trim(),
    { text: percent(each.availability), paint: (each.availability ?? 1) >= report.target ? paints.good : paints.bad },
    signed(each.downMs),
    String(each.times),
    signed(each.longestMs),
    { text: signed(each.budgetLeftMs), paint: (each.budgetLeftMs ?? 0) < 0 ? paints.bad : paints.good },
    each.burnRate === null ? "-" : each.burnRate.toFixed(2),
    signed(each.measuredMs),
    signed(each.outageMs + each.maintenanceMs),
  ]);
  const head = [
    "",
    "AVAILABLE",
    "DOWN",
    { text: "TIMES", drop: 3 },
    { text: "LONGEST", drop: 2 },
    "BUDGET LEFT",
    "BURN RATE",
    "MEASURED",
    { text: "EXCLUDED", drop: 1 },
  ];
  const title = `${when(report.from)} to ${when(report.to)}, target ${percent(report.target)}`;
  if (report.fleet.availability === null) return `${title}\n\n${NOTHING_MEASURED}`;
  return `${title}\n\n${table(head, rows, paints)}\n\nDown: an accepted message, neither paced nor held, waits for more than 10 s for WhatsApp's word.\nExcluded: outages of WhatsApp as a whole, and pauses.`;
};

const csvOf = (report: SlaReport): string =>
  [
    "kind,name,from,to,target,availability,measured_ms,down_ms,times,longest_ms,budget_left_ms,burn_rate,outage_ms,maintenance_ms",
    ...rowsOf(report).map(([kind, name, each]) =>
      [
        kind,
        name,
        new Date(report.from).toISOString(),
        new Date(report.to).toISOString(),
        report.target,
        each.availability ?? "",
        each.measuredMs,
        each.downMs,
        each.times,
        each.longestMs,
        each.budgetLeftMs ?? "",
        each.burnRate ?? "",
        each.outageMs,
        each.maintenanceMs,
      ].join(","),
    ),
  ].join("\n");
