/** `greenroom contact`: whom lines speak to. */
import { Command } from "commander";
import type { ContactRow } from "../../../machines/ports/store.ts";
import type { Cli } from "../cli.ts";
import { examples, wholeNumber } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { table } from "../table.ts";
import { paintsFor } from "../text.ts";

export const contactCommand = (cli: Cli): Command => {
  const command = new Command("contact").description("whom lines speak to, by number and by LID");
  command.addCommand(list(cli)).addCommand(show(cli));
  return command.addHelpText("after", examples(SHOWN));
};

const SHOWN = [
  ["greenroom contact list sales", "the first fifty; --after shows what follows"],
  ["greenroom contact show +491701234567", "by number, LID or our id"],
] as const;

const list = (cli: Cli): Command =>
  withTarget(
    new Command("list")
      .description("whom a line speaks to")
      .argument("<line>", "its name in the fleet file")
      .option("-n, --limit <number>", "at most so many", wholeNumber(1, 1000), 50)
      .option("--after <place>", "what follows; the list before this says where"),
  )
    .addHelpText("after", examples([SHOWN[0]]))
    .action((line: string, options: TargetOptions & { readonly limit: number; readonly after?: string }) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "contacts", { line, limit: options.limit, after: options.after ?? null });
        if (options.json) cli.json(answer);
        else if (answer.contacts.length === 0) cli.print(`${line} has spoken to nobody yet.`);
        else cli.print(text(cli, answer.contacts));
        if (answer.next !== null && !options.json) cli.note(`There are more: --after '${answer.next}'`);
        return 0;
      }),
    );

const show = (cli: Cli): Command =>
  withTarget(new Command("show").description("one contact").argument("<contact>", "its number, its LID or its id"))
    .addHelpText("after", examples([SHOWN[1]]))
    .action((contact: string, options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "contact", { contact });
        if (options.json) cli.json(answer);
        else cli.print(text(cli, [answer]));
        return 0;
      }),
    );

const text = (cli: Cli, contacts: readonly ContactRow[]): string =>
  table(
    ["CONTACT", "NUMBER", "LID", { text: "COUNTRY", drop: 1 }, { text: "TIER", drop: 2 }],
    contacts.map(({ id, pn, lid, country, tier }) => [id, pn ?? "-", lid ?? "-", country ?? "-", tier ?? "-"]),
    paintsFor(cli.stdout),
  );
