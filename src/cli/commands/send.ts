/** `greenroom send LINE TO [TEXT]`: hands a message to a line. Done once it is durable; the line sees to the rest. */
import { text as textOf } from "node:stream/consumers";
import { Command } from "commander";
import { type Cli, CliError } from "../cli.ts";
import { examples } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";

interface Options extends TargetOptions {
  readonly key?: string;
}

export const sendCommand = (cli: Cli): Command =>
  withTarget(
    new Command("send")
      .description("have a line send a message; done once it is stored")
      .argument("<line>", "which line speaks")
      .argument("<to>", "phone number with the country's code, or a WhatsApp address")
      .argument("[text]", "the message (default: what comes on stdin)")
      .option("--key <key>", "sent again with the same key, it is the same message and goes out once"),
  )
    .addHelpText(
      "after",
      examples([
        ['greenroom send sales +491701234567 "Your order is on its way"', ""],
        ["echo hello | greenroom send sales 491701234567 --key order-17", "from a script that may be repeated"],
      ]),
    )
    .action((line: string, to: string, text: string | undefined, options: Options) =>
      cli.run(options.json === true, async () => {
        const said = text ?? (await fromStdin());
        const { key } = options;
        const answer = await ask(
          cli,
          options,
          "send",
          key === undefined ? { line, to, text: said } : { line, to, text: said, key },
        );
        if (options.json) cli.json(answer);
        else cli.print(`${answer.duplicate ? "Known already" : "Accepted"}: ${answer.id}, by ${answer.seat}`);
        return 0;
      }),
    );

const fromStdin = async (): Promise<string> => {
  const said = process.stdin.isTTY ? "" : (await textOf(process.stdin)).replace(/\n$/, "");
  if (said === "")
    throw new CliError("E_NO_TEXT", "there is nothing to send: give the text as the last argument, or on stdin", 2);
  return said;
};
