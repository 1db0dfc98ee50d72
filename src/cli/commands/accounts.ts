/** `greenroom accounts`, and `account list`: every account with its devices. */
import { Command } from "commander";
import type { AccountsAnswer, AccountStatus, DeviceStatus } from "../../runtime/control-protocol.ts";
import type { Cli } from "../cli.ts";
import { examples } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { type Cell, table } from "../table.ts";
import { type Paints, paintsFor, span, when } from "../text.ts";

export const accountsCommand = (cli: Cli, name = "accounts", typed = name): Command =>
  withTarget(new Command(name).description("every account and device, with link and health"))
    .addHelpText("after", examples([[`greenroom ${typed}`, "of the fleet in ./fleet.yaml"]]))
    .action((options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "accounts", {});
        if (options.json) cli.json(answer);
        else cli.print(accountsText(answer, paintsFor(cli.stdout)));
        return 0;
      }),
    );

export const accountsText = ({ accounts, devices }: AccountsAnswer, paints: Paints): string => {
  const { good, bad } = paints;
  const rows = accounts.flatMap(({ id, name, labels, role, standing }) =>
    devices
      .filter((device) => device.id.startsWith(`${id}/`))
      .map(({ id: device, name: called, lastEvidenceMs, holds, ...rest }, index) => [
        ...(index === 0 ? [id, role, { text: standing, paint: standing === "good" ? good : bad }] : ["", "", ""]),
        device,
        stateCell(rest, paints),
        lastEvidenceMs === null ? "never" : `${span(lastEvidenceMs)} ago`,
        holds.join(", "),
        [...(index === 0 ? calledText(name, labels) : []), ...calledText(called, [])].join(" "),
      ]),
  );
  const head = ["ACCOUNT", { text: "ROLE", drop: 2 }, "STANDING", "DEVICE", "STATE", { text: "HEARD", drop: 1 }, "SPEAKS FOR"];
  const isNamed = rows.some((row) => row.at(-1) !== "");
  return isNamed
    ? table([...head, { text: "CALLED", drop: 3 }], rows, paints)
    : table(
        head,
        rows.map((row) => row.slice(0, -1)),
        paints,
      );
};

/** `sales-1 "Sales, Berlin" [north]: master, restricted until 2026-11-25 13:00:00; its phone was seen 2026-11-25 09:12:00` */
export const accountText = ({ id, name, labels, role, standing, standingUntil, phone }: AccountStatus): string => {
  const until = standingUntil === null ? "" : ` until ${when(standingUntil)}`;
  return `${[id, ...calledText(name, labels)].join(" ")}: ${role}, ${standing}${until}; ${phoneText(phone)}`;
};

const phoneText = ({ seenAt, unseenSince }: AccountStatus["phone"]): string =>
  [
    seenAt === null ? "its phone was not seen yet" : `its phone was seen ${when(seenAt)}`,
    ...(unseenSince === null ? [] : [`and has confirmed nothing since ${when(unseenSince)}`]),
  ].join(" ");

/** What is not as it should be, or `healthy`. */
const stateCell = (
  { link, state, health, cordoned }: Pick<DeviceStatus, "link" | "state" | "health" | "cordoned">,
  { good, bad, warn }: Paints,
): Cell => {
  const trouble = [
    ...(link === "linked" ? [] : [link]),
    ...(state === "serving" || state === link ? [] : [state]),
    ...(health === "healthy" || link !== "linked" ? [] : [health]),
    ...(cordoned ? ["cordoned"] : []),
  ];
  return { text: trouble.join(", ") || "healthy", paint: trouble.length === 0 ? good : link === "linked" ? warn : bad };
};

const calledText = (name: string | null, labels: readonly string[]): string[] => [
  ...(name === null ? [] : [`"${name}"`]),
  ...(labels.length === 0 ? [] : [`[${labels.join(", ")}]`]),
];
