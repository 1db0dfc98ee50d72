/** `greenroom alerts`: what a person should know, who was told, and what they say to it. */
import { Command } from "commander";
import type { AlertRow } from "../../../machines/ports/records.ts";
import type { AlertHistoryRow } from "../../alerts/store.ts";
import type { Cli } from "../cli.ts";
import { examples, instant, wholeNumber } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { table } from "../table.ts";
import { type Paints, paintsFor, when } from "../text.ts";
import { reportAlerts } from "./alerts-report.ts";
import { silenceAlerts, silencesOfAlerts, unsilenceAlerts } from "./alerts-silence.ts";
import { testAlerts } from "./alerts-test.ts";

interface ListOptions extends TargetOptions {
  readonly all?: boolean;
  readonly limit: number;
  readonly rule?: string;
  readonly subject?: string;
  readonly from?: number;
  readonly to?: number;
}

export const alertsCommand = (cli: Cli): Command => {
  const command = new Command("alerts").description("what is wrong, who was told, and your word on it");
  command.addCommand(list(cli), { isDefault: true });
  command.addCommand(show(cli)).addCommand(acknowledge(cli));
  command.addCommand(silenceAlerts(cli)).addCommand(unsilenceAlerts(cli)).addCommand(silencesOfAlerts(cli));
  command.addCommand(testAlerts(cli)).addCommand(reportAlerts(cli));
  return command.addHelpText(
    "after",
    examples([
      ["greenroom alerts", "what is wrong now"],
      ["greenroom alerts list --all --subject sales-1", "what was wrong with an account and its devices"],
      ["greenroom alerts show device.failed:sales-1/a", "and who was told of it, and how that went"],
      ["greenroom alerts ack device.failed:sales-1/a", "you look after it: nobody is told a second time"],
      ["greenroom alerts silence --subject sales-1 --for 2h", "during work on a phone"],
      ["greenroom alerts test", "whether the channels get through"],
    ]),
  );
};

const list = (cli: Cli): Command =>
  withTarget(new Command("list").description("open alerts, each with what to do (the default)"))
    .option("-a, --all", "resolved ones, too")
    .option("-n, --limit <count>", "newest so many", wholeNumber(1, 1000), 50)
    .option("--rule <rule>", "of one rule, or of those that begin so: device.*")
    .option("--subject <name>", "about one account and its devices, one line and its seats, one device, one seat")
    .option("--from <time>", "raised at this time or later", instant)
    .option("--to <time>", "raised before this time", instant)
    .addHelpText(
      "after",
      examples([
        ["greenroom alerts list", "what is wrong now"],
        ["greenroom alerts list --all --rule device.* --from 2026-11-01", "what was wrong with devices, since then"],
      ]),
    )
    .action((options: ListOptions) =>
      cli.run(options.json === true, async () => {
        const { all, limit, rule, subject, from, to } = options;
        const answer = await ask(cli, options, "alerts", {
          all: all === true,
          limit,
          rule: rule ?? null,
          subject: subject ?? null,
          from: from ?? null,
          to: to ?? null,
        });
        const paints = paintsFor(cli.stdout);
        if (options.json) cli.json(answer);
        else if (answer.alerts.length === 0) cli.print(all ? "There is no such alert." : "No alert is open.");
        else cli.print(answer.alerts.map((alert) => alertText(alert, paints)).join("\n"));
        return 0;
      }),
    );

const show = (cli: Cli): Command =>
  withTarget(
    new Command("show")
      .description("one alert, and what people were told of it")
      .argument("<alert>", "its key, or whom it is about"),
  )
    .addHelpText(
      "after",
      examples([
        ["greenroom alerts show device.failed:sales-1/a", "by its key"],
        ["greenroom alerts show sales-1/a", "if it has one open alert"],
      ]),
    )
    .action((alert: string, options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "alertShow", { alert });
        const paints = paintsFor(cli.stdout);
        if (options.json) cli.json(answer);
        else {
          const told = answer.notices.map(({ at, channel, items, state, attempts, outcome }) => {
            const kinds = items.filter(({ key }) => key === answer.alert.key).map(({ kind }) => kind);
            return [when(at), channel, [...new Set(kinds)].join(", "), state, String(attempts), outcome ?? "-"];
          });
          cli.print(`${answer.alert.key}\n${alertText(answer.alert, paints)}`);
          for (const { id, until, by, why } of answer.silencedBy)
            cli.print(`silenced by ${by} until ${when(until)}${why === "" ? "" : ` (${why})`}: greenroom alerts unsilence ${id}`);
          cli.print(
            told.length === 0
              ? "Nobody was told of it."
              : table(["TOLD", "CHANNEL", "WHAT", "STATE", { text: "TRIES", drop: 1 }, "OUTCOME"], told, paints),
          );
        }
        return 0;
      }),
    );

const acknowledge = (cli: Cli): Command =>
  withTarget(
    new Command("ack")
      .description("you have seen it: nobody is told a second time")
      .argument("<alert>", "its key, or whom it is about"),
  )
    .addHelpText("after", examples([["greenroom alerts ack device.failed:sales-1/a", ""]]))
    .action((alert: string, options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "alertAcknowledge", { alert });
        if (options.json) cli.json(answer);
        else cli.print(`${answer.alert.key} is acknowledged by ${answer.alert.acknowledged?.by ?? "you"}.`);
        return 0;
      }),
    );

const alertText = (alert: AlertHistoryRow, { good, bad, warn, dim }: Paints): string => {
  const { level, state, raisedAt, resolvedAt, repeats, text, acknowledged }: AlertRow & Pick<AlertHistoryRow, "acknowledged"> =
    alert;
  const ended = resolvedAt === null ? "" : `, resolved ${when(resolvedAt)}`;
  const label = state === "resolved" ? good("RESOLVED") : level === "critical" ? bad("CRITICAL") : warn("WARNING ");
  const seen = acknowledged ? dim(`  [acknowledged by ${acknowledged.by} ${when(acknowledged.at)}]`) : "";
  return `${label}  ${when(raisedAt)}${ended}${repeats > 0 ? ` (${repeats + 1} times)` : ""}  ${text}${seen}`;
};
