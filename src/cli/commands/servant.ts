/** `greenroom servant add|remove`: who works for the masters of a line. */
import { Command } from "commander";
import type { Cli } from "../cli.ts";
import { examples } from "../help.ts";
import { changing, names } from "./changing.ts";

export const servantCommand = (cli: Cli): Command =>
  new Command("servant")
    .description("who works for the masters of a line")
    .addCommand(
      changing(
        cli,
        new Command("add")
          .description("give a line a servant; its account is added, unless it is there")
          .argument("<account>", "bulk-1")
          .argument("<line>", "sales")
          .option("--devices <names>", "of a new account", names, ["a"])
          .addHelpText("after", examples([["greenroom servant add bulk-1 sales", "then: greenroom device link bulk-1/a"]])),
        ({ devices = ["a"] }: { devices?: string[] }, account: string, line: string) => ({
          kind: "servant.add",
          account,
          line,
          devices,
        }),
      ),
    )
    .addCommand(
      changing(
        cli,
        new Command("remove")
          .description("take a servant off a line; its account stays")
          .argument("<account>", "bulk-1")
          .argument("<line>", "sales")
          .addHelpText("after", examples([["greenroom servant remove bulk-1 sales", "what it had to do goes to others"]])),
        (_: object, account: string, line: string) => ({ kind: "servant.remove", account, line }),
      ),
    )
    .addHelpText(
      "after",
      examples([
        ["greenroom servant add bulk-1 sales", "then: greenroom device link bulk-1/a"],
        ["greenroom servant remove bulk-1 sales", "its account stays"],
      ]),
    );
