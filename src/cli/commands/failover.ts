/** `greenroom failover SEAT`: moves a seat now. */
import { Command } from "commander";
import type { Cli } from "../cli.ts";
import { examples } from "../help.ts";
import { moveOf, OUTCOMES } from "../sentences.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";

interface Options extends TargetOptions {
  readonly to?: string;
}

export const failoverCommand = (cli: Cli): Command =>
  withTarget(
    new Command("failover")
      .description("move a seat now, and wait until it is in service")
      .argument("<seat>", "sales/sales-1, or sales-1")
      .option("--to <device>", "which device is to speak (default: the best one)"),
  )
    .addHelpText(
      "after",
      examples([
        ["greenroom failover sales-1", "to its twin, else to the next master of the line"],
        ["greenroom failover sales-1 --to sales-1/a", "back home"],
      ]),
    )
    .action((seat: string, options: Options) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "failover", options.to === undefined ? { seat } : { seat, to: options.to });
        if (options.json) cli.json(answer);
        else if (!answer.inTime) cli.print(`${answer.seat} is still being moved. Look at: greenroom why ${answer.seat}`);
        else {
          const { record } = answer;
          const took = record.inServiceAt === null ? "" : ` after ${Math.round(record.inServiceAt - record.detectedAt)} ms`;
          cli.print(`${record.seat}: ${moveOf(record)}, ${OUTCOMES[record.outcome]}${took}`);
        }
        return answer.inTime && answer.record.outcome === "inService" ? 0 : 1;
      }),
    );
