/** `rename` and `label`, the same for accounts, devices and lines: for people, nothing that runs depends on them. */
import { Command } from "commander";
import type { Cli } from "../cli.ts";
import { examples } from "../help.ts";
import { changing } from "./changing.ts";

const a = (what: string): string => (what === "account" ? `an ${what}` : `a ${what}`);

export const renameCommand = (cli: Cli, what: "account" | "device" | "line", like: string): Command =>
  changing(
    cli,
    new Command("rename")
      .description(`what people call ${a(what)}; its id stays`)
      .argument(`<${what}>`, like)
      .argument("[name]", "left out: none")
      .addHelpText("after", examples([[`greenroom ${what} rename ${like} "Sales, Berlin"`, "shown beside its id"]])),
    (_: object, subject: string, name?: string) => ({ kind: "describe", subject, name: name ?? null }),
  );

export const labelCommand = (cli: Cli, what: "account" | "device" | "line", like: string): Command =>
  changing(
    cli,
    new Command("label")
      .description(`words to find ${a(what)} by, instead of those that it has`)
      .argument(`<${what}>`, like)
      .argument("[labels...]", "left out: none")
      .addHelpText("after", examples([[`greenroom ${what} label ${like} north vip`, "two labels"]])),
    (_: object, subject: string, labels: string[]) => ({ kind: "describe", subject, labels }),
  );
