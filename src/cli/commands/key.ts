/** `greenroom key`: keys of the HTTP API, made, listed and revoked by whoever runs the supervisor. */
import { Command, InvalidArgumentError, Option } from "commander";
import { parseDuration } from "../../config/duration.ts";
import { type KeyRole, type KeyRow, ROLES } from "../../http/store.ts";
import type { Cli } from "../cli.ts";
import { examples } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { table } from "../table.ts";
import { paintsFor, when } from "../text.ts";

interface CreateOptions extends TargetOptions {
  readonly role: KeyRole;
  readonly lines?: readonly string[];
  readonly expires?: number;
}

export const keyCommand = (cli: Cli): Command => {
  const command = new Command("key").description("keys of the HTTP API");
  command.addCommand(create(cli));
  command.addCommand(list(cli), { isDefault: true });
  command.addCommand(revoke(cli));
  return command.addHelpText("after", examples(SHOWN));
};

const SHOWN = [
  ["greenroom key create shop --role operator", "may send and act on the whole fleet"],
  ["greenroom key create desk --lines sales --expires 90d", "may look at one line, for 90 days"],
  ["greenroom key list", "whose there are"],
  ["greenroom key revoke 4m7q…", "by its id; counts at once"],
] as const;

const create = (cli: Cli): Command =>
  withTarget(
    new Command("create")
      .description("make a key; it is shown once")
      .argument("<name>", "whose it is, for the audit")
      .addOption(new Option("--role <role>", "what it may do: look, act, give out keys").choices(ROLES).default("viewer"))
      .option("--lines <lines>", "bound to these, with commas between them (default: the whole fleet)", (text) => text.split(","))
      .option("--expires <span>", "such as 12h or 90d (default: never)", span),
  )
    .addHelpText("after", examples(SHOWN.slice(0, 2)))
    .action((name: string, options: CreateOptions) =>
      cli.run(options.json === true, async () => {
        const { role, lines = null, expires = null } = options;
        const created = await ask(cli, options, "keyCreate", {
          name,
          role,
          lines: lines === null ? null : [...lines],
          expiresIn: expires,
        });
        if (options.json) cli.json(created);
        else {
          cli.print(created.secret);
          cli.note(`This is the only time that it is shown. ${described(created.key)}`);
        }
        return 0;
      }),
    );

const list = (cli: Cli): Command =>
  withTarget(new Command("list").description("all keys, without their secrets (the default)"))
    .addHelpText("after", examples([["greenroom key list", "whose there are, and which still count"]]))
    .action((options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const { now, keys } = await ask(cli, options, "keys", {});
        if (options.json) cli.json({ now, keys });
        else if (keys.length === 0) cli.print("There is no key. Make one: greenroom key create NAME --role operator");
        else
          cli.print(
            table(
              ["ID", "NAME", "ROLE", "LINES", "MADE", "STATE"],
              keys.map((key) => cells(key, now)),
              paintsFor(cli.stdout),
            ),
          );
        return 0;
      }),
    );

const revoke = (cli: Cli): Command =>
  withTarget(
    new Command("revoke")
      .description("a key counts no more")
      .argument("<key>", 'its id: the part between "gr_" and the next "_"'),
  )
    .addHelpText("after", examples([["greenroom key revoke 4m7q2xk9ab", "its id, as `key list` shows it"]]))
    .action((id: string, options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const key = await ask(cli, options, "keyRevoke", { key: idIn(id) });
        if (options.json) cli.json(key);
        else cli.print(`${key.id} (${key.name}) is revoked.`);
        return 0;
      }),
    );

/** Somebody who has only the key itself may paste that: no more than the id of it is sent on. */
const idIn = (text: string): string => /^gr_([0-9a-z]+)_/.exec(text)?.[1] ?? text;

const cells = ({ id, name, role, lines, createdAt, ...rest }: KeyRow, now: number): string[] => [
  id,
  name,
  role,
  lines?.join(",") ?? "all",
  when(createdAt).slice(0, 10),
  stateOf(rest, now),
];
const stateOf = ({ revokedAt, expiresAt }: Pick<KeyRow, "revokedAt" | "expiresAt">, now: number): string => {
  if (revokedAt !== null) return `revoked ${when(revokedAt)}`;
  if (expiresAt === null) return "good";
  return expiresAt <= now ? `expired ${when(expiresAt)}` : `until ${when(expiresAt)}`;
};
const described = ({ id, name, role, lines, expiresAt }: KeyRow): string =>
  `Its id is ${id}: ${name}, ${role} of ${lines?.join(", ") ?? "the whole fleet"}${expiresAt === null ? "" : `, until ${when(expiresAt)}`}.`;

const DAY = 86_400_000;
const span = (text: string): number => {
  const days = /^(\d+)d$/.exec(text)?.[1];
  const millis = days === undefined ? parseDuration(text) : Number(days) * DAY;
  if (millis === undefined || millis < 1000 || millis > 3650 * DAY)
    throw new InvalidArgumentError("expected a span of time from 1s to 3650d, such as 12h or 90d.");
  return Math.round(millis);
};
