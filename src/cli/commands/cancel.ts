/** `greenroom cancel MESSAGE`: a message that has not left yet is not sent. */
import { Command } from "commander";
import type { Cli } from "../cli.ts";
import { examples } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";

export const cancelCommand = (cli: Cli): Command =>
  withTarget(
    new Command("cancel")
      .description("call back a message that has not left yet")
      .argument("<message>", "its id, as `send` printed it"),
  )
    .addHelpText("after", examples([["greenroom cancel m0abc…", "refused, with the reason, once an attempt may have left"]]))
    .action((message: string, options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "cancel", { message });
        if (options.json) cli.json(answer);
        else cli.print(`${answer.id} is not sent.`);
        return 0;
      }),
    );
