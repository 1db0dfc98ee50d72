/** What commands that change a running fleet have in common: the change goes into the fleet file, and is taken up at once. */
import type { Command } from "commander";
import type { FleetEditInput } from "../../config/index.ts";
import type { Cli } from "../cli.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { applyText } from "./config-apply.ts";

interface Order extends TargetOptions {
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

/** `editOf`: of the command's arguments and options, the change. */
export const changing = (
  cli: Cli,
  command: Command,
  // Commander sees to it that they are as the command declares them.
  editOf: (options: never, ...args: never[]) => FleetEditInput,
): Command =>
  withTarget(command)
    .option("--dry-run", "only say what would change")
    .option("--force", "also where a seat would have nobody to speak for it, or messages wait")
    .action((...given: unknown[]) => {
      // As commander hands them over: arguments, options, itself.
      const options = given.at(-2) as Order;
      const args = given.slice(0, -2) as never[];
      return cli.run(options.json === true, async () => {
        const edit = editOf(options as never, ...args);
        const answer = await ask(cli, options, "edit", { edit, dryRun: options.dryRun === true, force: options.force === true });
        if (options.json) cli.json(answer);
        else cli.print(applyText(answer));
        return 0;
      });
    });

/** For commander: `a,b,c`. */
export const names = (text: string): string[] => text.split(",").map((each) => each.trim());
