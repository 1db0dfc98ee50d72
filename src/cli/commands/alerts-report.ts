/** `greenroom alerts report`: how many alerts, and how soon they were dealt with. */
import { Command, Option } from "commander";
import { type ReportBy, REPORTS } from "../../alerts/report.ts";
import type { Cli } from "../cli.ts";
import { examples, instant } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { table } from "../table.ts";
import { paintsFor, span } from "../text.ts";

interface Options extends TargetOptions {
  readonly by: ReportBy;
  readonly rule?: string;
  readonly subject?: string;
  readonly from?: number;
  readonly to?: number;
}

export const reportAlerts = (cli: Cli): Command =>
  withTarget(new Command("report").description("how many alerts there were, and how soon they were seen and over"))
    .addOption(new Option("--by <what>", "a row for each").choices(REPORTS).default("rule"))
    .option("--rule <rule>", "of one rule, or of those that begin so: device.*")
    .option("--subject <name>", "about one account and its devices, one line and its seats, one device, one seat")
    .option("--from <time>", "raised at this time or later", instant)
    .option("--to <time>", "raised before this time", instant)
    .addHelpText(
      "after",
      examples([
        ["greenroom alerts report", "by rule, the most frequent first"],
        ["greenroom alerts report --by day --from 2026-11-01 --json", "for a chart"],
      ]),
    )
    .action((options: Options) =>
      cli.run(options.json === true, async () => {
        const { by, rule = null, subject = null, from = null, to = null } = options;
        const answer = await ask(cli, options, "alertReport", { by, rule, subject, from, to });
        const rows = answer.rows.map((row) => [
          row.name,
          String(row.alerts),
          String(row.critical),
          String(row.open),
          String(row.acknowledged),
          ...[row.toAcknowledge, row.toResolve, row.longest].map((time) => (time === null ? "-" : span(time))),
        ]);
        const head = [
          by.toUpperCase(),
          "ALERTS",
          "CRITICAL",
          "OPEN",
          { text: "SEEN", drop: 1 },
          { text: "UNTIL SEEN", drop: 2 },
          "UNTIL OVER",
          "LONGEST",
        ];
        if (options.json) cli.json(answer);
        else cli.print(rows.length === 0 ? "There is no such alert." : table(head, rows, paintsFor(cli.stdout)));
        return 0;
      }),
    );
