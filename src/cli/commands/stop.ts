/** `greenroom stop`: a clean end of a running supervisor. */
import { Command } from "commander";
import type { Cli } from "../cli.ts";
import { examples } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";

export const stopCommand = (cli: Cli): Command =>
  withTarget(new Command("stop").description("shut it down cleanly; links stay linked"))
    .addHelpText("after", examples([["greenroom stop", "as Ctrl-C in its terminal"]]))
    .action((options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "stop", {});
        if (options.json) cli.json(answer);
        else cli.print("It is shutting down.");
        return 0;
      }),
    );
