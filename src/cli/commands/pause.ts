/** `greenroom pause` and `resume`: automatic failover off and on. */
import { Command } from "commander";
import type { Cli } from "../cli.ts";
import { examples } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";

const command = (cli: Cli, op: "pause" | "resume", summary: string, said: string, hint: string): Command =>
  withTarget(new Command(op).description(summary))
    .addHelpText("after", examples([[`greenroom ${op}`, hint]]))
    .action((options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, op, {});
        if (options.json) cli.json(answer);
        else cli.print(`${said} (${answer.mode}).`);
        return 0;
      }),
    );

export const pauseCommand = (cli: Cli): Command =>
  command(
    cli,
    "pause",
    "stop automatic failover, for maintenance",
    "No seat moves by itself now; your own `failover` still works",
    "before you touch phones or the network",
  );
export const resumeCommand = (cli: Cli): Command =>
  command(
    cli,
    "resume",
    "let seats move by themselves again, at once",
    "Seats move by themselves again",
    "after a pause, or to release the brake",
  );
