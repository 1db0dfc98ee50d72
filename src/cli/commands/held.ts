/** `greenroom held`: messages that may or may not have gone out, and wait for an operator's word. */
import { Command } from "commander";
import type { HeldMessage } from "../../runtime/control-protocol.ts";
import { type Cli, CliError } from "../cli.ts";
import { examples, wholeNumber } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { table } from "../table.ts";
import { counted, paintsFor, when } from "../text.ts";

interface Options extends TargetOptions {
  readonly all?: boolean;
}

export const heldCommand = (cli: Cli): Command => {
  const command = new Command("held").description("messages that wait for your word");
  command.addCommand(list(cli), { isDefault: true });
  command.addCommand(word(cli, "release", true, "send held messages, perhaps for a second time"));
  command.addCommand(word(cli, "drop", false, "give held messages up: they count as failed"));
  return command.addHelpText(
    "after",
    examples([
      ["greenroom held", "which, and why"],
      ["greenroom held release --all", "send them; a person may get one twice"],
      ["greenroom held drop m0abc…", "give one up"],
    ]),
  );
};

const list = (cli: Cli): Command =>
  withTarget(new Command("list").description("which, and why (the default)"))
    .option("-n, --limit <count>", "oldest so many", wholeNumber(1, 1000), 50)
    .addHelpText("after", examples([["greenroom held list -n 200", "the 200 that wait longest"]]))
    .action((options: TargetOptions & { limit: number }) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "held", { limit: options.limit });
        if (options.json) cli.json(answer);
        else if (answer.messages.length === 0) cli.print("No message is held.");
        else {
          cli.print(
            table(
              [{ text: "ACCEPTED", drop: 2 }, "SEAT", "MESSAGE", { text: "ATTEMPTS", drop: 1 }, "WHY"],
              answer.messages.map(cells),
              paintsFor(cli.stdout),
            ),
          );
          if (answer.more) cli.note("There are more.");
        }
        return 0;
      }),
    );

const cells = ({ id, seat, acceptedAt, attempts, reason }: HeldMessage): string[] => [
  when(acceptedAt),
  seat,
  id,
  String(attempts),
  reason ?? "-",
];

const word = (cli: Cli, name: string, send: boolean, summary: string): Command =>
  withTarget(
    new Command(name)
      .description(summary)
      .argument("[message]", "its id, as `held` shows it")
      .option("--all", "all of them")
      .addHelpText(
        "after",
        examples([
          [`greenroom held ${name} m0abc…`, "one"],
          [`greenroom held ${name} --all`, "all that are held"],
        ]),
      ),
  ).action((message: string | undefined, options: Options) =>
    cli.run(options.json === true, async () => {
      if ((message === undefined) === (options.all !== true)) throw new CliError("E_USAGE", "name one message, or say --all", 2);
      const answer = await ask(cli, options, "release", { message: message ?? null, send });
      if (options.json) cli.json(answer);
      else cli.print(`${counted(answer.released.length, "message")} ${send ? "released" : "given up"}.`);
      return 0;
    }),
  );
