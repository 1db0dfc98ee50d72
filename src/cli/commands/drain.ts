/** `greenroom drain ACCOUNT`: takes an account out of service without anybody noticing, and back. */
import { Command } from "commander";
import type { Cli } from "../cli.ts";
import { examples } from "../help.ts";
import { moveOf } from "../sentences.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";

interface Options extends TargetOptions {
  readonly undo?: boolean;
}

export const drainCommand = (cli: Cli): Command =>
  withTarget(
    new Command("drain")
      .description("let an account speak for no seat, unnoticed")
      .argument("<account>", "support-1")
      .option("--undo", "it may take seats again"),
  )
    .addHelpText(
      "after",
      examples([
        ["greenroom drain sales-1", "before you touch its phone"],
        ["greenroom drain sales-1 --undo", "afterwards; its seats come back with failback"],
      ]),
    )
    .action((account: string, options: Options) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "drain", { account, undo: options.undo === true });
        if (options.json) cli.json(answer);
        else if (!answer.cordoned) cli.print(`${answer.account} may take seats again.`);
        else {
          for (const record of answer.moved) cli.print(`${record.seat}: ${moveOf(record)}`);
          for (const { seat, why } of answer.stays) cli.print(`${seat} stays: ${why}`);
          const rest = answer.stays.length === 0 ? "speaks for no seat, and takes none" : "takes no further seat";
          cli.print(`${answer.account} ${rest} until: greenroom drain ${answer.account} --undo`);
        }
        return answer.stays.length === 0 ? 0 : 1;
      }),
    );
