/** `greenroom account`: accounts of a running fleet, and changes of them. */
import { Command, Option } from "commander";
import type { AccountsAnswer } from "../../runtime/control-protocol.ts";
import { resolveName } from "../../runtime/control-protocol.ts";
import { type Cli, CliError } from "../cli.ts";
import { examples } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { paintsFor } from "../text.ts";
import { accountsCommand, accountsText, accountText } from "./accounts.ts";
import { changing, names } from "./changing.ts";
import { link, type LinkOptions } from "./device.ts";
import { drainCommand } from "./drain.ts";
import { labelCommand, renameCommand } from "./naming.ts";

export const accountCommand = (cli: Cli): Command =>
  new Command("account")
    .description("look at, add, change, name and remove accounts")
    .addCommand(accountsCommand(cli, "list", "account list"))
    .addCommand(showCommand(cli))
    .addCommand(addCommand(cli))
    .addCommand(setCommand(cli))
    .addCommand(renameCommand(cli, "account", "sales-1"))
    .addCommand(labelCommand(cli, "account", "sales-1"))
    .addCommand(removeCommand(cli))
    .addCommand(linkCommand(cli))
    .addCommand(unlinkCommand(cli))
    .addCommand(drainCommand(cli))
    .addCommand(cordonCommand(cli))
    .addHelpText(
      "after",
      examples([
        ["greenroom account list", "standing, health and seats of each"],
        ["greenroom account add sales-3 --lines sales", "a master more; then link it"],
        ["greenroom account link sales-3", "shows a QR code until it is scanned"],
        ["greenroom account drain sales-1", "before work on its phone"],
      ]),
    );

const showCommand = (cli: Cli): Command =>
  withTarget(new Command("show").description("one account with its devices").argument("<account>", "sales-1"))
    .addHelpText("after", examples([["greenroom account show sales-1", "standing, links and health"]]))
    .action((account: string, options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const all = await ask(cli, options, "accounts", {});
        const id = resolveName(
          "account",
          account,
          all.accounts.map((each) => each.id),
        );
        const answer: AccountsAnswer = {
          accounts: all.accounts.filter((each) => each.id === id),
          devices: all.devices.filter((device) => device.id.startsWith(`${id}/`)),
        };
        if (options.json) cli.json(answer);
        else cli.print([...answer.accounts.map(accountText), accountsText(answer, paintsFor(cli.stdout))].join("\n"));
        return 0;
      }),
    );

const linkCommand = (cli: Cli): Command =>
  withTarget(
    new Command("link")
      .description("link the first device of an account that is not linked")
      .argument("<account>", "sales-1")
      .option("--qr", "with a QR code (the default)")
      .option("--phone <phone>", "with a pairing code for this number beside the QR code")
      .addOption(
        new Option("--code <phone>", "with a pairing code for this number instead of a QR code").conflicts(["qr", "phone"]),
      ),
  )
    .addHelpText("after", examples([["greenroom account link sales-1", "shows a QR code until it is scanned"]]))
    .action((account: string, options: LinkOptions) =>
      cli.run(options.json === true, async () => {
        const all = await ask(cli, options, "accounts", {});
        const ids = all.accounts.map((each) => each.id);
        const own = all.devices.filter(({ id }) => id.startsWith(`${resolveName("account", account, ids)}/`));
        const waiting = own.find((device) => device.link !== "linked") ?? own[0];
        if (!waiting)
          throw new CliError("E_REFUSED", `${account} has no device: greenroom account set ${account} --devices a`, 1);
        return link(cli, waiting.id, options);
      }),
    );

interface Given {
  readonly role?: "master" | "servant";
  readonly devices?: string[];
  readonly lines?: string[];
}
const addCommand = (cli: Cli): Command =>
  changing(
    cli,
    new Command("add")
      .description("add an account; link its devices afterwards")
      .argument("<account>", "sales-3")
      .addOption(new Option("--role <role>").choices(["master", "servant"]).default("master"))
      .option("--devices <names>", "such as a,b: two are twins", names, ["a"])
      .option("--lines <lines>", "lines that it is to work for, such as sales,support", names, [])
      .addHelpText("after", examples([["greenroom account add sales-3 --devices a,b --lines sales", "a master with a twin"]])),
    ({ role = "master", devices = ["a"], lines = [] }: Given, account: string) => ({
      kind: "account.add",
      account,
      role,
      devices,
      lines,
    }),
  );

const setCommand = (cli: Cli): Command =>
  changing(
    cli,
    new Command("set")
      .description("change an account's role or pace; its links are not touched")
      .argument("<account>", "sales-1")
      .addOption(new Option("--role <role>", "on its lines it then stands among the others").choices(["master", "servant"]))
      .option("--per-second <messages>", "how fast it may send, such as 0.5; 0: as fast as it goes", Number)
      .option("--burst <messages>", "how many may leave at once after a quiet time", Number)
      .addHelpText(
        "after",
        examples([["greenroom account set sales-1 --per-second 0.5 --burst 10", "from the next message on"]]),
      ),
    ({ role, perSecond, burst }: { role?: "master" | "servant"; perSecond?: number; burst?: number }, account: string) => ({
      kind: "account.change",
      account,
      ...(role === undefined ? {} : { role }),
      ...(perSecond === undefined
        ? {}
        : { pacing: perSecond === 0 ? null : { perSecond, ...(burst === undefined ? {} : { burst }) } }),
    }),
  );

const removeCommand = (cli: Cli): Command =>
  changing(
    cli,
    new Command("remove")
      .description("remove an account from the fleet; its seats move first")
      .argument("<account>", "sales-3")
      .addHelpText(
        "after",
        examples([["greenroom account remove sales-3", "it stays linked at WhatsApp: `account unlink` before"]]),
      ),
    (_: object, account: string) => ({ kind: "account.remove", account }),
  );

const unlinkCommand = (cli: Cli): Command =>
  withTarget(
    new Command("unlink")
      .description("remove all devices of an account from it, as on the phone; not while one speaks for a seat")
      .argument("<account>", "sales-1"),
  )
    .addHelpText("after", examples([["greenroom account unlink sales-1", "their keys are forgotten"]]))
    .action((account: string, options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "unlinkAccount", { account });
        if (options.json) cli.json(answer);
        else cli.print(answer.devices.map(({ id }) => `${id} is not linked any more, and its keys are forgotten.`).join("\n"));
        return 0;
      }),
    );

const cordonCommand = (cli: Cli): Command =>
  withTarget(
    new Command("cordon")
      .description("let an account take no further seat; those that it has stay")
      .argument("<account>", "sales-1")
      .option("--undo", "it may take seats again"),
  )
    .addHelpText("after", examples([["greenroom account cordon sales-1", "`account drain` moves its seats, too"]]))
    .action((account: string, options: TargetOptions & { readonly undo?: boolean }) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "drain", { account, undo: options.undo === true, keep: true });
        if (options.json) cli.json(answer);
        else cli.print(`${answer.account} ${answer.cordoned ? "takes no further seat" : "may take seats again"}.`);
        return 0;
      }),
    );
