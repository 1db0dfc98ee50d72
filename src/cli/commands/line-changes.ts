/** `greenroom line list|add|set|rename|label|remove`. */
import { Command, InvalidArgumentError, Option } from "commander";
import { type Work, WORKS } from "../../../machines/delivery/work.ts";
import type { Cli } from "../cli.ts";
import { examples } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { table } from "../table.ts";
import { paintsFor } from "../text.ts";
import { changing, names } from "./changing.ts";
import { labelCommand, renameCommand } from "./naming.ts";

interface Settings {
  readonly masters?: string[];
  readonly servants?: string[];
  readonly work?: Work[];
  readonly strategy?: string;
  readonly failback?: "manual" | "automatic";
  readonly rebalance?: "manual" | "auto";
  readonly whenNumberChanges?: "hold" | "resend";
  readonly whenRefused?: "reroute" | "fail";
  readonly outboxLimit?: number;
}

export const lineChanges = (cli: Cli): readonly Command[] => [
  listCommand(cli),
  changing(
    cli,
    settings(new Command("add").description("add a line").argument("<line>", "support")).addHelpText(
      "after",
      examples([["greenroom line add support --masters sales-1,sales-2", "in order of preference"]]),
    ),
    ({ masters = [], ...rest }: Settings, line: string) => ({ kind: "line.add", line, masters, ...only(rest) }),
  ),
  changing(
    cli,
    settings(
      new Command("set").description("change a line's accounts or settings; links are not touched").argument("<line>", "support"),
    ).addHelpText("after", examples([["greenroom line set support --strategy least-loaded", "from the next conversation on"]])),
    (given: Settings, line: string) => ({
      kind: "line.change",
      line,
      ...(given.masters ? { masters: given.masters } : {}),
      ...only(given),
    }),
  ),
  renameCommand(cli, "line", "support"),
  labelCommand(cli, "line", "support"),
  changing(
    cli,
    new Command("remove")
      .description("remove a line; its accounts stay. Refused while messages of it are not sent")
      .argument("<line>", "support")
      .addHelpText("after", examples([["greenroom line remove support", "its conversations stay in the store"]])),
    (_: object, line: string) => ({ kind: "line.remove", line }),
  ),
];

const settings = (command: Command): Command =>
  command
    .option("--masters <accounts>", "in order of preference", names)
    .option("--servants <accounts>", "who works for them", names)
    .option("--work <kinds>", `what they do: ${WORKS.join(", ")}`, works)
    .option("--strategy <name>", "which seat gets a new conversation")
    .addOption(new Option("--failback <how>").choices(["manual", "automatic"]))
    .addOption(new Option("--rebalance <how>").choices(["manual", "auto"]))
    .addOption(new Option("--when-number-changes <what>").choices(["hold", "resend"]))
    .addOption(new Option("--when-refused <what>").choices(["reroute", "fail"]))
    .option("--outbox-limit <messages>", "open messages that it takes", Number);

const works = (text: string): Work[] =>
  names(text).map((name) => {
    const work = WORKS.find((each) => each === name);
    if (!work) throw new InvalidArgumentError(`expected ${WORKS.join(", ")}, separated by commas.`);
    return work;
  });

const only = ({ servants, work, strategy, failback, rebalance, whenNumberChanges, whenRefused, outboxLimit }: Settings) => ({
  ...(servants ? { servants } : {}),
  ...(work ? { work } : {}),
  ...(strategy ? { strategy } : {}),
  ...(failback ? { failback } : {}),
  ...(rebalance ? { rebalance } : {}),
  ...(whenNumberChanges ? { whenNumberChanges } : {}),
  ...(whenRefused ? { whenRefused } : {}),
  ...(outboxLimit === undefined ? {} : { outboxLimit }),
});

const listCommand = (cli: Cli): Command =>
  withTarget(new Command("list").description("every line with its accounts"))
    .addHelpText("after", examples([["greenroom line list", "of the fleet in ./fleet.yaml"]]))
    .action((options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const { lines } = await ask(cli, options, "status", {});
        if (options.json) cli.json({ lines });
        else
          cli.print(
            table(
              ["LINE", { text: "NAME", drop: 2 }, "MASTERS", "SERVANTS", { text: "LABELS", drop: 1 }],
              lines.map(({ id, name, masters, servants, labels }) => [
                id,
                name ?? "-",
                masters.join(", "),
                servants.join(", ") || "-",
                labels.join(", ") || "-",
              ]),
              paintsFor(cli.stdout),
            ),
          );
        return 0;
      }),
    );
