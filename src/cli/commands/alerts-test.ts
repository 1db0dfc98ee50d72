/** `greenroom alerts test`: a notice through each channel, and what came of it. */
import { Command } from "commander";
import type { Cli } from "../cli.ts";
import { examples } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { table } from "../table.ts";
import { paintsFor, span } from "../text.ts";

export const testAlerts = (cli: Cli): Command =>
  withTarget(
    new Command("test")
      .description("send a test notice through each channel, and say what came of it")
      .argument("[channel]", "only this one"),
  )
    .addHelpText(
      "after",
      examples([
        ["greenroom alerts test", "all of them; exit code 1 if one fails"],
        ["greenroom alerts test ops", "one of them"],
      ]),
    )
    .action((channel: string | undefined, options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "alertTest", { channel: channel ?? null });
        const paints = paintsFor(cli.stdout);
        const rows = answer.tested.map(({ channel: name, kind, ok, outcome, took }) => [
          name,
          kind,
          ok ? { text: "got through", paint: paints.good } : { text: "FAILED", paint: paints.bad },
          span(took),
          outcome,
        ]);
        if (options.json) cli.json(answer);
        else
          cli.print(table(["CHANNEL", { text: "KIND", drop: 1 }, "STATE", { text: "TOOK", drop: 2 }, "OUTCOME"], rows, paints));
        return answer.tested.every(({ ok }) => ok) ? 0 : 1;
      }),
    );
