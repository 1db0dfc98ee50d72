/** `greenroom doctor [FLEET]`: what is, or will be, in the way of this fleet on this machine. */
import { Command } from "commander";
import type { Cli } from "../cli.ts";
import { examine } from "../doctor/examine.ts";
import type { Finding } from "../doctor/finding.ts";
import { examples, withJson } from "../help.ts";
import { fleetFile } from "../target.ts";
import { paintsFor } from "../text.ts";

interface Options {
  readonly socket?: string;
  readonly json?: boolean;
}

export const doctorCommand = (cli: Cli): Command =>
  withJson(
    new Command("doctor")
      .description("what is in the way: versions, file, key, disk, clock, reach")
      .argument("[fleet]", "the fleet file (default: $GREENROOM_FLEET, or ./fleet.yaml)")
      .option("--socket <path>", "the supervisor's control socket, if it is not beside the store (or $GREENROOM_SOCKET)"),
  )
    .addHelpText(
      "after",
      examples([["greenroom doctor fleet.yaml", "exits with 1 if something has to be done; changes nothing"]]),
    )
    .action((named: string | undefined, { json, socket }: Options) =>
      cli.run(json === true, async () => {
        const findings: Finding[] = [];
        const where = {
          file: fleetFile(named, cli.env),
          socket: socket ?? (cli.env["GREENROOM_SOCKET"] || undefined),
          env: cli.env,
        };
        for await (const finding of examine(where)) {
          findings.push(finding);
          if (!json) cli.print(lineOf(cli, finding));
        }
        if (json) cli.json({ findings });
        return findings.some(({ state }) => state === "bad") ? 1 : 0;
      }),
    );

const MARKS = { good: "ok  ", doubtful: "warn", bad: "BAD " } as const;
const lineOf = (cli: Cli, { about, state, text }: Finding): string => {
  const paints = paintsFor(cli.stdout);
  const paint = state === "good" ? paints.good : state === "bad" ? paints.bad : paints.warn;
  return `${paint(MARKS[state])}  ${about.padEnd(10)}  ${text}`;
};
