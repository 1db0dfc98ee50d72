/** `greenroom device link [DEVICE]`: shows what the owner of an account has to scan or to enter, until the device is linked; `unlink`, `restart`. */
import { Command, Option } from "commander";
import { setTimeout as later } from "node:timers/promises";
import type { LinkAnswer, PendingLink } from "../../runtime/control-protocol.ts";
import { PHONE } from "../../runtime/control-protocol.ts";
import { type Cli, CliError, type ExitCode } from "../cli.ts";
import { examples } from "../help.ts";
import { linkBlock } from "../link-view.ts";
import { Screen } from "../screen.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { table } from "../table.ts";
import { paintsFor } from "../text.ts";
import { accountsCommand } from "./accounts.ts";
import { changing } from "./changing.ts";
import { labelCommand, renameCommand } from "./naming.ts";

export interface LinkOptions extends TargetOptions {
  readonly code?: string;
  readonly phone?: string;
}

const POLL = 1000;

export const deviceCommand = (cli: Cli): Command =>
  new Command("device")
    .description("link, add, name and remove devices")
    .addCommand(linkCommand(cli))
    .addCommand(unlinkCommand(cli))
    .addCommand(restartCommand(cli))
    .addCommand(accountsCommand(cli, "list", "device list"))
    .addCommand(
      changing(
        cli,
        new Command("add")
          .description("add a device to an account; link it afterwards")
          .argument("<device>", "sales-1/b")
          .addHelpText("after", examples([["greenroom device add sales-1/b", "a twin; then: greenroom device link sales-1/b"]])),
        (_: object, device: string) => {
          const [account = "", name = ""] = device.split("/");
          return { kind: "device.add", account, device: name };
        },
      ),
    )
    .addCommand(renameCommand(cli, "device", "sales-1/b"))
    .addCommand(labelCommand(cli, "device", "sales-1/b"))
    .addCommand(
      changing(
        cli,
        new Command("remove")
          .description("remove a device from the fleet; its seats move first")
          .argument("<device>", "sales-1/b")
          .addHelpText(
            "after",
            examples([["greenroom device remove sales-1/b", "it stays linked at WhatsApp: unlink it before"]]),
          ),
        (_: object, device: string) => ({ kind: "device.remove", device }),
      ),
    )
    .addHelpText(
      "after",
      examples([
        ["greenroom device list", "link and health of each"],
        ["greenroom device link sales-1/a", "shows a QR code until it is scanned"],
        ["greenroom device restart sales-1/b", "dials it anew"],
      ]),
    );

const linkCommand = (cli: Cli): Command =>
  withTarget(
    new Command("link")
      .description("link a device, anew if it was logged out; without a device: which ones wait")
      .argument("[device]", "sales-1/a")
      .option("--qr", "with a QR code (the default)")
      .option("--phone <phone>", "with a pairing code for this number beside the QR code")
      .addOption(
        new Option("--code <phone>", "with a pairing code for this number instead of a QR code").conflicts(["qr", "phone"]),
      ),
  )
    .addHelpText(
      "after",
      examples([
        ["greenroom device link", "which devices are not linked"],
        ["greenroom device link sales-1/a", "shows a QR code until it is scanned"],
        ["greenroom device link sales-1/a --phone +491701234567", "and a code to enter on the phone beside it"],
        ["greenroom device link sales-1/a --code +491701234567", "shows that code only"],
        ["greenroom device link sales-1/a --json", "what the QR code says, for other programs; does not wait"],
      ]),
    )
    .action((device: string | undefined, options: LinkOptions) =>
      cli.run(options.json === true, () => (device === undefined ? list(cli, options) : link(cli, device, options))),
    );

const restartCommand = (cli: Cli): Command =>
  withTarget(
    new Command("restart")
      .description("dial a device anew, at once; not while it speaks for a seat")
      .argument("<device>", "sales-1/a"),
  )
    .addHelpText("after", examples([["greenroom device restart sales-1/b", "instead of waiting for its next try"]]))
    .action((device: string, options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "restart", { device });
        if (options.json) cli.json(answer);
        else cli.print(`${answer.id} is dialled anew.`);
        return 0;
      }),
    );

const unlinkCommand = (cli: Cli): Command =>
  withTarget(
    new Command("unlink")
      .description("remove a device from its account, as on the phone; not while it speaks for a seat")
      .argument("<device>", "sales-1/a"),
  )
    .addHelpText(
      "after",
      examples([["greenroom device unlink sales-1/b", "its keys are forgotten; link it anew to use it again"]]),
    )
    .action((device: string, options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "unlink", { device });
        if (options.json) cli.json(answer);
        else cli.print(`${answer.id} is removed from its account, and its keys are forgotten.`);
        return 0;
      }),
    );

const list = async (cli: Cli, options: LinkOptions): Promise<ExitCode> => {
  const answer = await ask(cli, options, "links", {});
  if (options.json) cli.json(answer);
  else if (answer.links.length === 0) cli.print("All devices are linked.");
  else {
    const cells = ({ device, state, offer }: PendingLink): string[] => [
      device,
      state,
      offer ? `a ${offer.kind} is on show` : "-",
    ];
    cli.print(table(["NOT LINKED", "CONNECTION", "OFFER"], answer.links.map(cells), paintsFor(cli.stdout)));
  }
  return 0;
};

/** Shows what its owner has to scan or to enter, until it is linked. */
export const link = async (cli: Cli, device: string, options: LinkOptions): Promise<ExitCode> => {
  const phone = options.phone ?? options.code;
  const request =
    phone === undefined ? { device } : { device, phone: digitsOf(phone), ...(options.code === undefined ? { qr: true } : {}) };
  let answer = await ask(cli, options, "link", request);
  if (options.json) {
    cli.json(answer);
    return 0;
  }
  if (answer.linked) {
    cli.print(`${answer.device} is linked already. To link it anew, remove it on the phone first (Settings > Linked devices).`);
    return 0;
  }
  const screen = new Screen(cli.stdout);
  const paints = paintsFor(cli.stdout);
  while (!answer.linked) {
    screen.show(linkBlock(pending(answer), 1, cli.stdout, paints));
    await later(POLL);
    answer = await ask(cli, options, "link", request);
  }
  screen.show([]);
  cli.print(`${answer.device} is linked.`);
  return 0;
};

const pending = ({ device, offer }: LinkAnswer): PendingLink => ({ device, state: "linking", offer });

const digitsOf = (text: string): string => {
  const digits = text.replaceAll(/[\s()./-]/g, "").replace(/^\+/, "");
  if (PHONE.test(digits)) return digits;
  throw new CliError("E_USAGE", `"${text}" is no phone number: expected one with the country's code, such as +491701234567`, 2);
};
