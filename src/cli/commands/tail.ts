/** `greenroom tail`: what happens in the fleet, as it happens. */
import { setTimeout as later } from "node:timers/promises";
import { Command } from "commander";
import type { FleetEventRow } from "../../../machines/ports/records.ts";
import type { Cli } from "../cli.ts";
import { examples, wholeNumber } from "../help.ts";
import { interrupts } from "../interrupts.ts";
import { paintedSentence } from "../sentences.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { paintsFor, when } from "../text.ts";

interface Options extends TargetOptions {
  readonly limit: number;
  readonly follow: boolean;
  readonly type?: string;
  readonly about?: string;
}

const EVERY = 300;
const PAGE = 1000;

export const tailCommand = (cli: Cli): Command =>
  withTarget(new Command("tail").description("what happens, as it happens; until Ctrl-C"))
    .option("-n, --limit <count>", "begin with the last so many", wholeNumber(1, 1000), 10)
    .option("--no-follow", "end with what happened so far")
    .option("--type <prefix>", "events whose type begins so: alert, failover.ended")
    .option("--about <name>", "events about one seat, device or account")
    .addHelpText(
      "after",
      examples([
        ["greenroom tail", "the last ten, and all that follow"],
        ["greenroom tail --json --type failover | jq .data", "one JSON document a line"],
      ]),
    )
    .action((options: Options) =>
      cli.run(options.json === true, async () => {
        const paints = paintsFor(cli.stdout);
        const tell = (event: FleetEventRow): void => {
          if (options.type !== undefined && !event.type.startsWith(options.type)) return;
          if (options.about !== undefined && event.subject !== options.about) return;
          cli.print(options.json ? JSON.stringify(event) : `${paints.dim(when(event.at))}  ${paintedSentence(event, paints)}`);
        };
        const { signal } = interrupts();
        let { last, events } = await ask(cli, options, "events", { after: null, limit: options.limit });
        for (;;) {
          for (const event of events) tell(event);
          if (!options.follow && events.length < PAGE) return 0;
          if (events.length < PAGE) await later(EVERY, undefined, { signal }).catch(() => undefined);
          if (signal.aborted) return 0;
          ({ last, events } = await ask(cli, options, "events", { after: last, limit: PAGE }));
        }
      }),
    );
