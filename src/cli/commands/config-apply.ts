/** `greenroom config apply|diff`: what the fleet file says, against the fleet that runs. */
import { Command } from "commander";
import type { ApplyAnswer } from "../../runtime/fleet-desk.ts";
import type { Cli } from "../cli.ts";
import { examples } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";

interface Options extends TargetOptions {
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

export const configApplyCommand = (cli: Cli): Command =>
  withTarget(
    new Command("apply")
      .description("take up what the fleet file says now, without a restart where that can be")
      .option("--dry-run", "only say what would change")
      .option("--force", "also where a seat would have nobody to speak for it"),
  )
    .addHelpText(
      "after",
      examples([
        ["greenroom config apply --dry-run", "what comes, goes and changes, and what needs a restart"],
        ["greenroom config apply", "links of others are not touched; `up` does it by itself when the file is saved"],
      ]),
    )
    .action((options: Options) =>
      cli.run(options.json === true, async () => {
        const request = { dryRun: options.dryRun === true, force: options.force === true };
        const answer = await ask(cli, options, "apply", request);
        if (options.json) cli.json(answer);
        else cli.print(applyText(answer));
        return 0;
      }),
    );

export const configDiffCommand = (cli: Cli): Command =>
  withTarget(new Command("diff").description("does the fleet that runs differ from its file? Exit 1 if it does"))
    .addHelpText("after", examples([["greenroom config diff", "empty, and exit 0, if the file is what runs"]]))
    .action((options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "apply", { dryRun: true, force: false });
        if (options.json) cli.json(answer);
        else cli.print(applyText(answer));
        return answer.changes.length === 0 ? 0 : 1;
      }),
    );

export const applyText = ({ file, changes, applied }: ApplyAnswer): string => {
  if (changes.length === 0) return `What runs is what ${file} says.`;
  const now = changes.filter(({ isLive }) => isLive);
  const later = changes.filter(({ isLive }) => !isLive);
  return [
    ...(now.length === 0 ? [] : [applied ? "Done:" : "Without a restart:", ...now.map(({ text }) => `  ${text}`)]),
    ...(later.length === 0 ? [] : ["Needs a restart:", ...later.map(({ text }) => `  ${text}`)]),
  ].join("\n");
};
