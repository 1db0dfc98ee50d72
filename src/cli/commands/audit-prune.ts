/** `greenroom audit prune`: shortens the audit, and leaves what is kept provable. */
import { Command } from "commander";
import type { Cli } from "../cli.ts";
import { examples, instant } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";

interface Options extends TargetOptions {
  readonly before: number;
}

export const auditPrune = (cli: Cli): Command =>
  withTarget(
    new Command("prune")
      .description("remove old entries for good; what is left can still be verified")
      .requiredOption("--before <time>", "2026-01-01, or with a time of day", instant),
  )
    .addHelpText(
      "after",
      examples([["greenroom audit prune --before 2026-01-01", "export them first: greenroom audit export --to 2026-01-01"]]),
    )
    .action((options: Options) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "auditPrune", { before: options.before });
        if (options.json) cli.json(answer);
        else cli.print(answer.removed === 0 ? "There is nothing that old." : `Removed ${answer.removed} entries.`);
        return 0;
      }),
    );
