/** `greenroom switchover`, `failback` and `failover`: a seat gets another holder, and the command waits for it. */
import { Command } from "commander";
import type { FailoverAnswer } from "../../runtime/control-protocol.ts";
import type { Cli, ExitCode } from "../cli.ts";
import { examples } from "../help.ts";
import { moveOf, OUTCOMES } from "../sentences.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";

interface Options extends TargetOptions {
  readonly to?: string;
}

const SEAT = ["<seat>", "sales/sales-1, or sales-1"] as const;

const report = (cli: Cli, answer: FailoverAnswer, json: boolean): ExitCode => {
  if (json) cli.json(answer);
  else if (!answer.inTime) cli.print(`${answer.seat} is still being moved. Look at: greenroom why ${answer.seat}`);
  else {
    const { record } = answer;
    const took = record.inServiceAt === null ? "" : ` after ${Math.round(record.inServiceAt - record.detectedAt)} ms`;
    cli.print(`${record.seat}: ${moveOf(record)}, ${OUTCOMES[record.outcome]}${took}`);
  }
  return answer.inTime && answer.record.outcome === "inService" ? 0 : 1;
};

const moveCommand = (cli: Cli, op: "failover" | "switchover", summary: string, shown: [string, string][]): Command =>
  withTarget(
    new Command(op)
      .description(summary)
      .argument(...SEAT)
      .option("--to <device>", "which device is to speak (default: the best one)"),
  )
    .addHelpText("after", examples(shown))
    .action((seat: string, options: Options) =>
      cli.run(options.json === true, async () => {
        const request = options.to === undefined ? { seat } : { seat, to: options.to };
        return report(cli, await ask(cli, options, op, request), options.json === true);
      }),
    );

export const switchoverCommand = (cli: Cli): Command =>
  moveCommand(cli, "switchover", "move a seat with nothing under way: nobody notices", [
    ["greenroom switchover sales-1", "to its twin, else to the next master of the line"],
    ["greenroom switchover sales-1 --to sales-1/b", "to this device; refused with the reason if it can't deliver"],
  ]);

export const failoverCommand = (cli: Cli): Command =>
  moveCommand(cli, "failover", "move a seat at once, whatever is under way", [
    ["greenroom failover sales-1", "to its twin, else to the next master of the line"],
    ["greenroom failover sales-1 --to sales-1/a", "to this device"],
  ]);

export const failbackCommand = (cli: Cli): Command =>
  withTarget(new Command("failback").description("switch a seat over to its own account").argument(...SEAT))
    .addHelpText("after", examples([["greenroom failback sales-1", "once sales-1 is well again"]]))
    .action((seat: string, options: TargetOptions) =>
      cli.run(options.json === true, async () =>
        report(cli, await ask(cli, options, "failback", { seat }), options.json === true),
      ),
    );
