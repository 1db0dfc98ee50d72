/** `greenroom metrics`: what Prometheus would scrape, for a look or a text-file collector. */
import { Command } from "commander";
import type { Cli } from "../cli.ts";
import { examples } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { metricsExport } from "./metrics-export.ts";

export const metricsCommand = (cli: Cli): Command =>
  new Command("metrics")
    .description("counters and gauges, as Prometheus scrapes them; minutes for analysis")
    .addCommand(show(cli), { isDefault: true })
    .addCommand(metricsExport(cli))
    .addHelpText("after", examples([["greenroom metrics | grep failover", "without a command: show"]]));

const show = (cli: Cli): Command =>
  withTarget(new Command("show").description("counters and gauges, as Prometheus scrapes them"))
    .addHelpText(
      "after",
      examples([
        ["greenroom metrics show | grep failover", "a look"],
        [
          "greenroom metrics > /var/lib/node_exporter/greenroom.prom",
          "for a text-file collector; or scrape /metrics of the HTTP API",
        ],
      ]),
    )
    .action((options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "metrics", {});
        if (options.json) cli.json(answer);
        else cli.print(answer.text);
        return 0;
      }),
    );
