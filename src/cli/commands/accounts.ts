/** `greenroom accounts`: every account with its devices. */
import { Command } from "commander";
import type { AccountsAnswer } from "../../runtime/control-protocol.ts";
import type { Cli } from "../cli.ts";
import { examples } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { type Paints, paintsFor, span, table, when } from "../text.ts";

export const accountsCommand = (cli: Cli): Command =>
  withTarget(new Command("accounts").description("every account and device, with link and health"))
    .addHelpText("after", examples([["greenroom accounts", "of the fleet in ./fleet.yaml"]]))
    .action((options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "accounts", {});
        if (options.json) cli.json(answer);
        else cli.print(accountsText(answer, paintsFor(cli.stdout)));
        return 0;
      }),
    );

const accountsText = ({ accounts, devices }: AccountsAnswer, paints: Paints): string => {
  const { good, bad, warn } = paints;
  const rows = accounts.flatMap(({ id, role, standing, standingUntil }) =>
    devices
      .filter((device) => device.id.startsWith(`${id}/`))
      .map(({ id: device, link, state, health, lastEvidenceMs, holds }, index) => [
        index === 0 ? id : "",
        index === 0 ? role : "",
        index === 0
          ? {
              text: `${standing}${standingUntil === null ? "" : ` until ${when(standingUntil)}`}`,
              paint: standing === "good" ? good : bad,
            }
          : "",
        device,
        { text: link, paint: link === "linked" ? good : bad },
        state,
        { text: health, paint: health === "healthy" ? good : warn },
        lastEvidenceMs === null ? "never" : `${span(lastEvidenceMs)} ago`,
        holds.join(", "),
      ]),
  );
  return table(["ACCOUNT", "ROLE", "STANDING", "DEVICE", "LINK", "CONNECTION", "HEALTH", "HEARD", "SPEAKS FOR"], rows, paints);
};
