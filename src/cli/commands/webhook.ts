/** `greenroom webhook`: what webhooks got, a test, and what was given up once more. */
import { Command } from "commander";
import type { Redriven } from "../../webhooks/desk.ts";
import type { DeadLetter, Delivery } from "../../webhooks/store.ts";
import type { Cli } from "../cli.ts";
import { examples, wholeNumber } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { table } from "../table.ts";
import { counted, paintsFor, when } from "../text.ts";

interface Options extends TargetOptions {
  readonly limit: number;
}

export const webhookCommand = (cli: Cli): Command =>
  new Command("webhook")
    .description("deliveries: list, log, test, dead letters, redrive")
    .addCommand(list(cli), { isDefault: true })
    .addCommand(log(cli))
    .addCommand(test(cli))
    .addCommand(dead(cli))
    .addCommand(redrive(cli))
    .addHelpText(
      "after",
      examples([
        ["greenroom webhook", "which there are, and what they could not get"],
        ["greenroom webhook log crm", "its last deliveries"],
        ["greenroom webhook test crm", "exits with 1 if it is not delivered"],
        ["greenroom webhook redrive crm", "what was given up, once more"],
      ]),
    );

const list = (cli: Cli): Command =>
  withTarget(
    new Command("list")
      .description("which there are (the default)")
      .addHelpText("after", examples([["greenroom webhook list", "which there are, and what they could not get"]])),
  ).action((options: TargetOptions) =>
    cli.run(options.json === true, async () => {
      const answer = await ask(cli, options, "webhooks", {});
      if (options.json) cli.json(answer);
      else if (answer.webhooks.length === 0) cli.print("The fleet file names no webhook (docs/webhooks.md).");
      else {
        const head = ["WEBHOOK", { text: "WANTS", drop: 2 }, { text: "SIGNED", drop: 1 }, "LAST", "DEAD", "URL"];
        const rows = answer.webhooks.map(({ name, events, signed, dead: given, url, log: [last] }) => [
          name,
          events.join(" "),
          signed ? "yes" : "no",
          last ? (last.failure ?? "delivered") : "-",
          String(given),
          url,
        ]);
        cli.print(table(head, rows, paintsFor(cli.stdout)));
      }
      return 0;
    }),
  );

const log = (cli: Cli): Command =>
  withTarget(
    new Command("log")
      .description("the last deliveries of one, newest first")
      .argument("<webhook>")
      .addHelpText("after", examples([["greenroom webhook log crm", "its last deliveries"]])),
  ).action((name: string, options: TargetOptions) =>
    cli.run(options.json === true, async () => {
      const { webhooks } = await ask(cli, options, "webhooks", {});
      // Asked for by name, so that a wrong one is told.
      await ask(cli, options, "webhookDead", { webhook: name, limit: 1 });
      const deliveries = webhooks.find((each) => each.name === name)?.log ?? [];
      if (options.json) cli.json({ webhook: name, log: deliveries });
      else if (deliveries.length === 0) cli.print("Nothing was delivered yet.");
      else cli.print(deliveries.map(lineOf).join("\n"));
      return 0;
    }),
  );
const lineOf = ({ at, type, id, tookMs, failure }: Delivery): string =>
  `${when(at)}  ${type}  ${id}  ${failure ?? "delivered"} (${Math.round(tookMs)} ms)`;

const test = (cli: Cli): Command =>
  withTarget(
    new Command("test")
      .description("deliver a test, now")
      .argument("<webhook>")
      .addHelpText("after", examples([["greenroom webhook test crm", "exits with 1 if it is not delivered"]])),
  ).action((name: string, options: TargetOptions) =>
    cli.run(options.json === true, async () => {
      const answer = await ask(cli, options, "webhookTest", { webhook: name });
      if (options.json) cli.json(answer);
      else cli.print(answer.failure === null ? `${answer.webhook}: delivered.` : `${answer.webhook}: ${answer.failure}.`);
      return answer.failure === null ? 0 : 1;
    }),
  );

const dead = (cli: Cli): Command =>
  withTarget(
    new Command("dead")
      .description("what was given up, oldest first")
      .argument("[webhook]")
      .option("-n, --limit <count>", "so many", wholeNumber(1, 1000), 50)
      .addHelpText("after", examples([["greenroom webhook dead crm", "what it was given up for, and why"]])),
  ).action((name: string | undefined, options: Options) =>
    cli.run(options.json === true, async () => {
      const answer = await ask(cli, options, "webhookDead", { webhook: name ?? null, limit: options.limit });
      if (options.json) cli.json(answer);
      else if (answer.letters.length === 0) cli.print("Nothing was given up.");
      else {
        cli.print(
          table(
            ["GIVEN UP", "WEBHOOK", "TYPE", { text: "PLACE", drop: 2 }, { text: "TRIES", drop: 1 }, "WHY"],
            answer.letters.map(cells),
            paintsFor(cli.stdout),
          ),
        );
        if (answer.more) cli.note("There are more.");
      }
      return 0;
    }),
  );
const cells = ({ at, webhook, type, source, seq, tries, why }: DeadLetter): string[] => [
  when(at),
  webhook,
  type,
  `${source} ${seq}`,
  String(tries),
  why,
];

const redrive = (cli: Cli): Command =>
  withTarget(
    new Command("redrive")
      .description("deliver what was given up, oldest first, until one fails again")
      .argument("<webhook>")
      .option("-n, --limit <count>", "so many at most", wholeNumber(1, 100_000), 1000)
      .addHelpText("after", examples([["greenroom webhook redrive crm", "what was given up, once more"]])),
  ).action((name: string, options: Options) =>
    cli.run(options.json === true, async () => {
      const answer = await redriven(cli, options, name);
      const { delivered, gone, failed, left } = answer;
      if (options.json) cli.json(answer);
      else {
        const parts = [
          `${counted(delivered, "delivery", "deliveries")} made`,
          ...(gone > 0 ? [`${gone} gone for good`] : []),
          ...(left > 0 ? [`${left} left`] : []),
        ];
        cli.print(`${parts.join(", ")}${failed === null ? "." : `; then: ${failed}.`}`);
      }
      return failed === null ? 0 : 1;
    }),
  );

/** The supervisor answers for as much as it gets done in a while: asked again until all is done, or nothing comes of it. */
const redriven = async (cli: Cli, options: Options, webhook: string): Promise<Redriven> => {
  let [delivered, gone] = [0, 0];
  for (;;) {
    const limit = options.limit - delivered - gone;
    const step = await ask(cli, options, "webhookRedrive", { webhook, limit });
    delivered += step.delivered;
    gone += step.gone;
    const isOver = step.failed !== null || step.left === 0 || step.delivered + step.gone === 0;
    if (isOver || delivered + gone >= options.limit) return { ...step, delivered, gone };
  }
};
