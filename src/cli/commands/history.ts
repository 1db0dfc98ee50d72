/** `greenroom history [SEAT]`: past changes of holders, with their times. */
import { Command } from "commander";
import type { FailoverRecord } from "../../../machines/ports/records.ts";
import type { Cli } from "../cli.ts";
import { examples, wholeNumber } from "../help.ts";
import { moveOf, OUTCOMES } from "../sentences.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { table } from "../table.ts";
import { paintsFor, when } from "../text.ts";

interface Options extends TargetOptions {
  readonly limit: number;
}

export const historyCommand = (cli: Cli): Command =>
  withTarget(
    new Command("history")
      .description("past failovers: when, why, from whom to whom, how fast")
      .argument("[seat]", "sales/sales-1, or sales-1 (default: all)")
      .option("-n, --limit <count>", "newest so many", wholeNumber(1, 1000), 20),
  )
    .addHelpText(
      "after",
      examples([
        ["greenroom history", "the newest 20"],
        ["greenroom history sales-1 -n 100", "of one seat"],
      ]),
    )
    .action((seat: string | undefined, options: Options) =>
      cli.run(options.json === true, async () => {
        const { limit } = options;
        const answer = await ask(cli, options, "history", seat === undefined ? { limit } : { seat, limit });
        if (options.json) cli.json(answer);
        else if (answer.failovers.length === 0) cli.print("No seat has changed hands yet.");
        else {
          const head = ["DETECTED", "SEAT", { text: "CAUSE", drop: 2 }, "MOVE", { text: "CHOSEN", drop: 1 }, "IN SERVICE"];
          cli.print(table(head, answer.failovers.map(cells), paintsFor(cli.stdout)));
        }
        return 0;
      }),
    );

const cells = (record: FailoverRecord): string[] => {
  const { detectedAt, seat, cause, chosenAt, inServiceAt, outcome } = record;
  const after = (at: number | null): string | undefined => (at === null ? undefined : `+${Math.round(at - detectedAt)} ms`);
  const end = outcome === "inService" ? after(inServiceAt) : undefined;
  return [when(detectedAt), seat, cause, moveOf(record), after(chosenAt) ?? "-", end ?? OUTCOMES[outcome]];
};
