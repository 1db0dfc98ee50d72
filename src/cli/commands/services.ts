/** `greenroom services`: what a running supervisor is made of. */
import { Command, Option } from "commander";
import { SERVICE_KINDS, type ServiceKind } from "../../runtime/services.ts";
import type { Cli } from "../cli.ts";
import { examples } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { table } from "../table.ts";
import { paintsFor } from "../text.ts";

interface Options extends TargetOptions {
  readonly kind?: ServiceKind;
}

export const servicesCommand = (cli: Cli): Command =>
  withTarget(new Command("services").description("every actor, adapter and plugin, with state and version"))
    .addOption(new Option("--kind <kind>", "only these").choices(SERVICE_KINDS))
    .addHelpText("after", examples([["greenroom services --kind plugin", "failed calls and dropped events of each"]]))
    .action((options: Options) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "services", { kind: options.kind ?? null });
        if (options.json) cli.json(answer);
        else {
          const rows = answer.services.map(({ kind, name, state, version, detail }) => [
            kind,
            name,
            state,
            version ?? "-",
            detail ?? "",
          ]);
          cli.print(
            table([{ text: "KIND", drop: 1 }, "NAME", "STATE", { text: "VERSION", drop: 2 }, ""], rows, paintsFor(cli.stdout)),
          );
        }
        return 0;
      }),
    );
