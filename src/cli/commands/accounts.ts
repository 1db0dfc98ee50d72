/** `greenroom accounts`, and `account list`: every account with its devices. */
import { Command } from "commander";
import type { AccountsAnswer } from "../../runtime/control-protocol.ts";
import type { Cli } from "../cli.ts";
import { examples } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { type Paints, paintsFor, span, table, when } from "../text.ts";

export const accountsCommand = (cli: Cli, name = "accounts"): Command =>
  withTarget(new Command(name).description("every account and device, with link and health"))
    .addHelpText("after", examples([["greenroom accounts", "of the fleet in ./fleet.yaml"]]))
    .action((options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "accounts", {});
        if (options.json) cli.json(answer);
        else cli.print(accountsText(answer, paintsFor(cli.stdout)));
        return 0;
      }),
    );

export const accountsText = ({ accounts, devices }: AccountsAnswer, paints: Paints): string => {
  const { good, bad, warn } = paints;
  const rows = accounts.flatMap(({ id, name, labels, role, standing, standingUntil }) =>
    devices
      .filter((device) => device.id.startsWith(`${id}/`))
      .map(({ id: device, name: called, link, state, health, lastEvidenceMs, holds }, index) => [
        index === 0 ? named(id, name, labels) : "",
        index === 0 ? role : "",
        index === 0
          ? {
              text: `${standing}${standingUntil === null ? "" : ` until ${when(standingUntil)}`}`,
              paint: standing === "good" ? good : bad,
            }
          : "",
        named(device, called, []),
        { text: link, paint: link === "linked" ? good : bad },
        state,
        { text: health, paint: health === "healthy" ? good : warn },
        lastEvidenceMs === null ? "never" : `${span(lastEvidenceMs)} ago`,
        holds.join(", "),
      ]),
  );
  return table(["ACCOUNT", "ROLE", "STANDING", "DEVICE", "LINK", "CONNECTION", "HEALTH", "HEARD", "SPEAKS FOR"], rows, paints);
};

/** `sales-1 "Sales, Berlin" [north]` */
const named = (id: string, name: string | null, labels: readonly string[]): string =>
  [id, ...(name === null ? [] : [`"${name}"`]), ...(labels.length === 0 ? [] : [`[${labels.join(", ")}]`])].join(" ");
