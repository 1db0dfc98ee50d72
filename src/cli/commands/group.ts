/** `greenroom group`: groups of the account that speaks for a seat. */
import { Command } from "commander";
import type { GroupAction, GroupInfo } from "../../adapters/baileys/group-calls.ts";
import { type Cli, CliError } from "../cli.ts";
import { examples } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { counted, paintsFor, table, when } from "../text.ts";

const ACTIONS = ["add", "remove", "promote", "demote"] as const satisfies readonly GroupAction[];
type ChangeOptions = TargetOptions & { readonly [A in GroupAction]?: readonly string[] };

export const groupCommand = (cli: Cli): Command => {
  const command = new Command("group").description("groups of the account that speaks for a seat");
  command.addCommand(list(cli)).addCommand(info(cli)).addCommand(create(cli)).addCommand(participants(cli));
  return command.addHelpText("after", examples(SHOWN));
};

const SHOWN = [
  ["greenroom group list sales/sales-1", "what messages can be sent to"],
  ["greenroom group info sales/sales-1 1203630…@g.us", "who is in it"],
  ["greenroom group create sales/sales-1 Orders +491701234567", "with these members"],
  ["greenroom group participants sales/sales-1 1203630…@g.us --add +491701234567", "only admins may"],
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

const groupText = (cli: Cli, group: GroupInfo): string => {
  const { id, subject, description, createdAt } = group;
  const made = createdAt === null ? "" : `, made ${when(createdAt)}`;
  const about = description === null ? "" : `${description}\n`;
  return `${id}: ${subject}, ${counted(group.members.length, "member")}${made}\n${about}\n${membersText(cli, group)}`;
};
const membersText = (cli: Cli, { members }: GroupInfo): string =>
  table(
    ["MEMBER", "NUMBER", "ROLE"],
    members.map(({ id, pn, role }) => [id, pn ?? "-", role]),
    paintsFor(cli.stdout),
  );
