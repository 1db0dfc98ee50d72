/** `greenroom group`: groups of the account that speaks for a seat. */
import { Command, Option } from "commander";
import type { GroupAction, GroupInfo } from "../../adapters/baileys/group-calls.ts";
import { type Cli, CliError } from "../cli.ts";
import { examples } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { table } from "../table.ts";
import { counted, paintsFor, when } from "../text.ts";

const ACTIONS = ["add", "remove", "promote", "demote"] as const satisfies readonly GroupAction[];
type ChangeOptions = TargetOptions & { readonly [A in GroupAction]?: readonly string[] };

export const groupCommand = (cli: Cli): Command => {
  const command = new Command("group").description("groups of the account that speaks for a seat");
  for (const make of [list, info, create, participants, set, invite, join, leave]) command.addCommand(make(cli));
  return command.addHelpText("after", examples(SHOWN));
};

const SHOWN = [
  ["greenroom group list sales/sales-1", "what messages can be sent to"],
  ["greenroom group info sales/sales-1 1203630…@g.us", "who is in it"],
  ["greenroom group create sales/sales-1 Orders +491701234567", "with these members"],
  ["greenroom group participants sales/sales-1 1203630…@g.us --add +491701234567", "only admins may"],
  ["greenroom group set sales/sales-1 1203630…@g.us --announce on", "only admins write"],
  ["greenroom group invite sales/sales-1 1203630…@g.us", "the link by which people join"],
  ["greenroom group join sales/sales-1 https://chat.whatsapp.com/CODE --look", "what it leads to; without --look it joins"],
  ["greenroom group leave sales/sales-1 1203630…@g.us", "its account is no member then"],
] as const;
const SEAT = ["<seat>", "whose holder asks, such as sales/sales-1"] as const;
const GROUP = ["<group>", "its address, as `group list` shows it"] as const;

const list = (cli: Cli): Command =>
  withTarget(new Command("list").description("all groups of its account").argument(...SEAT))
    .addHelpText("after", examples([SHOWN[0]]))
    .action((seat: string, options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "groups", { seat });
        if (options.json) cli.json(answer);
        else if (answer.groups.length === 0) cli.print(`The account that speaks for ${seat} is in no group.`);
        else
          cli.print(
            table(
              ["GROUP", "MEMBERS", "SUBJECT"],
              answer.groups.map(({ id, members, subject }) => [id, String(members.length), subject]),
              paintsFor(cli.stdout),
            ),
          );
        return 0;
      }),
    );

const info = (cli: Cli): Command =>
  withTarget(
    new Command("info")
      .description("one group with its members")
      .argument(...SEAT)
      .argument(...GROUP),
  )
    .addHelpText("after", examples([SHOWN[1]]))
    .action((seat: string, group: string, options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "group", { seat, group });
        if (options.json) cli.json(answer);
        else cli.print(groupText(cli, answer));
        return 0;
      }),
    );

const create = (cli: Cli): Command =>
  withTarget(
    new Command("create")
      .description("make a group")
      .argument(...SEAT)
      .argument("<subject>", "what it is called")
      .argument("<members...>", "numbers with their country's code"),
  )
    .addHelpText("after", examples([SHOWN[2]]))
    .action((seat: string, subject: string, members: string[], options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "groupCreate", { seat, subject, members });
        if (options.json) cli.json(answer);
        else cli.print(groupText(cli, answer));
        return 0;
      }),
    );

const participants = (cli: Cli): Command => {
  const command = new Command("participants")
    .description("who is in a group; add and remove members, make them admins or not")
    .argument(...SEAT)
    .argument(...GROUP);
  for (const action of ACTIONS) command.option(`--${action} <numbers...>`, WORDS[action]);
  return withTarget(command)
    .addHelpText("after", examples([SHOWN[3]]))
    .action((seat: string, group: string, options: ChangeOptions) =>
      cli.run(options.json === true, async () => {
        const [action, another] = ACTIONS.filter((each) => options[each] !== undefined);
        if (another) throw new CliError("E_USAGE", `one change at a time: give --${action ?? ""} or --${another}`, 2);
        if (!action) {
          const answer = await ask(cli, options, "group", { seat, group });
          if (options.json) cli.json(answer);
          else cli.print(membersText(cli, answer));
          return 0;
        }
        const answer = await ask(cli, options, "groupChange", { seat, group, action, members: [...(options[action] ?? [])] });
        if (options.json) cli.json(answer);
        else
          cli.print(
            table(
              ["MEMBER", "DONE"],
              answer.members.map(({ id, done, code }) => [
                id,
                done ? "yes" : `no: ${WHY[code ?? ""] ?? `WhatsApp says ${code ?? "nothing"}`}`,
              ]),
              paintsFor(cli.stdout),
            ),
          );
        return answer.members.every(({ done }) => done) ? 0 : 1;
      }),
    );
};

type SetOptions = TargetOptions & {
  readonly subject?: string;
  readonly description?: string;
  readonly announce?: "on" | "off";
  readonly locked?: "on" | "off";
};
const set = (cli: Cli): Command => {
  const onOff = (flag: string, what: string): Option => new Option(`--${flag} <on|off>`, what).choices(["on", "off"]);
  return withTarget(
    new Command("set")
      .description("what a group is called, who may write and change it; what is left out stays")
      .argument(...SEAT)
      .argument(...GROUP)
      .option("--subject <text>", "what it is called")
      .option("--description <text>", 'what it is about; "": nothing')
      .addOption(onOff("announce", "whether only admins write"))
      .addOption(onOff("locked", "whether only admins change subject, description and picture")),
  )
    .addHelpText("after", examples([SHOWN[4]]))
    .action((seat: string, group: string, { subject, description, announce, locked, ...options }: SetOptions) =>
      cli.run(options.json === true, async () => {
        const settings = {
          ...(subject === undefined ? {} : { subject }),
          ...(description === undefined ? {} : { description: description === "" ? null : description }),
          ...(announce === undefined ? {} : { announce: announce === "on" }),
          ...(locked === undefined ? {} : { locked: locked === "on" }),
        };
        if (Object.keys(settings).length === 0)
          throw new CliError("E_USAGE", "nothing to change: give --subject, --description, --announce or --locked", 2);
        const answer = await ask(cli, options, "groupSet", { seat, group, settings });
        if (options.json) cli.json(answer);
        else cli.print(headText(answer));
        return 0;
      }),
    );
};

const invite = (cli: Cli): Command =>
  withTarget(
    new Command("invite")
      .description("the link by which people join a group")
      .argument(...SEAT)
      .argument(...GROUP)
      .option("--renew", "a new one; the old one lets nobody in any more"),
  )
    .addHelpText("after", examples([SHOWN[5]]))
    .action((seat: string, group: string, { renew, ...options }: TargetOptions & { readonly renew?: boolean }) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "groupInvitation", { seat, group, renew: renew === true });
        if (options.json) cli.json(answer);
        else cli.print(answer.link);
        return 0;
      }),
    );

const join = (cli: Cli): Command =>
  withTarget(
    new Command("join")
      .description("join a group by an invitation")
      .argument(...SEAT)
      .argument("<invitation>", "the link, or its code")
      .option("--look", "only show which group it leads to"),
  )
    .addHelpText("after", examples([SHOWN[6]]))
    .action((seat: string, invitation: string, { look, ...options }: TargetOptions & { readonly look?: boolean }) =>
      cli.run(options.json === true, async () => {
        if (look) {
          const answer = await ask(cli, options, "groupInvited", { seat, invitation });
          if (options.json) cli.json(answer);
          else cli.print(headText(answer));
          return 0;
        }
        const answer = await ask(cli, options, "groupJoin", { seat, invitation });
        if (options.json) cli.json(answer);
        else if (answer.group === null) cli.print("Its admins have been asked to let the account in.");
        else cli.print(`Joined ${answer.group}.`);
        return 0;
      }),
    );

const leave = (cli: Cli): Command =>
  withTarget(
    new Command("leave")
      .description("leave a group")
      .argument(...SEAT)
      .argument(...GROUP),
  )
    .addHelpText("after", examples([SHOWN[7]]))
    .action((seat: string, group: string, options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "groupLeave", { seat, group });
        if (options.json) cli.json(answer);
        else cli.print(`The account that speaks for ${seat} has left ${answer.group}.`);
        return 0;
      }),
    );

const WORDS: Readonly<Record<GroupAction, string>> = {
  add: "make them members",
  remove: "members no more",
  promote: "make them admins",
  demote: "admins no more",
};
const WHY: Readonly<Record<string, string>> = {
  "403": "asks for an invitation",
  "404": "nobody of that number",
  "409": "nothing to change",
};

const groupText = (cli: Cli, group: GroupInfo): string => `${headText(group)}\n\n${membersText(cli, group)}`;
const headText = ({ id, subject, description, createdAt, announce, locked, members }: GroupInfo): string => {
  const made = createdAt === null ? "" : `, made ${when(createdAt)}`;
  const may = [...(announce ? ["write"] : []), ...(locked ? ["change it"] : [])];
  return [
    `${id}: ${subject}, ${counted(members.length, "member")}${made}`,
    ...(may.length > 0 ? [`Only admins ${may.join(" and ")}.`] : []),
    ...(description === null ? [] : [description]),
  ].join("\n");
};
const membersText = (cli: Cli, { members }: GroupInfo): string =>
  table(
    ["MEMBER", "NUMBER", "ROLE"],
    members.map(({ id, pn, role }) => [id, pn ?? "-", role]),
    paintsFor(cli.stdout),
  );
