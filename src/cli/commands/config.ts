/** `greenroom config check|print`: a fleet file, before anything is started with it; `apply|diff`: against what runs. */
import { Command } from "commander";
import { configErrorText, fleetAsData, type FleetConfig, loadFleetFile, renderFleet } from "../../config/index.ts";
import { type Cli, configFault } from "../cli.ts";
import { examples, withJson } from "../help.ts";
import { counted } from "../text.ts";
import { fleetFile } from "../target.ts";
import { configApplyCommand, configDiffCommand } from "./config-apply.ts";

interface Options {
  readonly json?: boolean;
}

export const configCommand = (cli: Cli): Command =>
  new Command("config")
    .description("check a fleet file, print it filled in, or have a running fleet take it up")
    .addCommand(check(cli))
    .addCommand(print(cli))
    .addCommand(configApplyCommand(cli))
    .addCommand(configDiffCommand(cli))
    .addHelpText(
      "after",
      examples([
        ["greenroom config check fleet.yaml", "every error, with line and column"],
        ["greenroom config print fleet.yaml", "with all defaults; secrets stay references"],
        ["greenroom config apply --dry-run", "what a running fleet would change"],
      ]),
    );

const FILE = ["[file]", "the fleet file (default: $GREENROOM_FLEET, or ./fleet.yaml)"] as const;

const check = (cli: Cli): Command =>
  withJson(new Command("check").description("is this fleet file right? Exit 0 if it is, 2 if not").argument(...FILE))
    .addHelpText("after", examples([["greenroom config check fleet.yaml", "every error, with line and column"]]))
    .action((named: string | undefined, { json }: Options) =>
      cli.run(json === true, async () => {
        const file = fleetFile(named, cli.env);
        const loaded = loadFleetFile(file, cli.env);
        if (json) {
          const errors = loaded.ok ? [] : loaded.errors.map((error) => ({ ...error, text: configErrorText(error) }));
          cli.json({ file, ok: loaded.ok, errors });
        } else if (loaded.ok) cli.print(`${file} is right: ${summaryOf(loaded.fleet)}.`);
        if (loaded.ok) return 0;
        for (const error of loaded.errors) cli.note(configErrorText(error));
        return 2;
      }),
    );

const print = (cli: Cli): Command =>
  withJson(new Command("print").description("the fleet file with all defaults; secrets stay references").argument(...FILE))
    .addHelpText("after", examples([["greenroom config print fleet.yaml > full.yaml", "it can be loaded as it is"]]))
    .action((named: string | undefined, { json }: Options) =>
      cli.run(json === true, async () => {
        const file = fleetFile(named, cli.env);
        const loaded = loadFleetFile(file, cli.env);
        if (!loaded.ok) throw configFault(file, loaded.errors);
        if (json) cli.json(fleetAsData(loaded.fleet, { redacted: true }));
        else cli.print(renderFleet(loaded.fleet, { redacted: true }));
        return 0;
      }),
    );

export const summaryOf = ({ lines, accounts }: FleetConfig): string => {
  const masters = accounts.filter(({ role }) => role === "master");
  const twins = masters.filter(({ devices }) => devices.length > 1).length;
  return [
    counted(lines.length, "line"),
    `${counted(masters.length, "master")}${twins > 0 ? ` (${twins} with a twin)` : ""}`,
    counted(accounts.length - masters.length, "servant"),
    counted(
      accounts.reduce((sum, { devices }) => sum + devices.length, 0),
      "device",
    ),
  ].join(", ");
};
