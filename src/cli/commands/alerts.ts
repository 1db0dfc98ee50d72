/** `greenroom alerts`: what a person should know. */
import { Command } from "commander";
import type { AlertRow } from "../../../machines/ports/records.ts";
import type { Cli } from "../cli.ts";
import { examples, wholeNumber } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { type Paints, paintsFor, when } from "../text.ts";

interface Options extends TargetOptions {
  readonly all?: boolean;
  readonly limit: number;
}

export const alertsCommand = (cli: Cli): Command =>
  withTarget(new Command("alerts").description("open alerts, each with what to do"))
    .option("-a, --all", "resolved ones, too")
    .option("-n, --limit <count>", "newest so many", wholeNumber(1, 1000), 50)
    .addHelpText(
      "after",
      examples([
        ["greenroom alerts", "what is wrong now"],
        ["greenroom alerts --all", "and what was"],
      ]),
    )
    .action((options: Options) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "alerts", { all: options.all === true, limit: options.limit });
        const paints = paintsFor(cli.stdout);
        if (options.json) cli.json(answer);
        else if (answer.alerts.length === 0) cli.print(options.all ? "There never was an alert." : "No alert is open.");
        else cli.print(answer.alerts.map((alert) => alertText(alert, paints)).join("\n"));
        return 0;
      }),
    );

const alertText = ({ level, state, raisedAt, resolvedAt, repeats, text }: AlertRow, { good, bad, warn }: Paints): string => {
  const ended = resolvedAt === null ? "" : `, resolved ${when(resolvedAt)}`;
  const label = state === "resolved" ? good("RESOLVED") : level === "critical" ? bad("CRITICAL") : warn("WARNING ");
  return `${label}  ${when(raisedAt)}${ended}${repeats > 0 ? ` (${repeats + 1} times)` : ""}  ${text}`;
};
