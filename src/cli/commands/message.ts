/** `greenroom message ID`: where a message is, and each attempt to send it. */
import { Command } from "commander";
import type { MessageAnswer } from "../../runtime/control-protocol.ts";
import type { Cli } from "../cli.ts";
import { examples } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { type Paints, paintsFor, span, when } from "../text.ts";

export const messageCommand = (cli: Cli): Command =>
  withTarget(
    new Command("message")
      .description("where a message is, and each attempt to send it")
      .argument("<message>", "its id, as `send` printed it"),
  )
    .addHelpText("after", examples([["greenroom message m0abc…", "accepted, acknowledged, held, failed …, and why"]]))
    .action((message: string, options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "message", { message });
        if (options.json) cli.json(answer);
        else cli.print(messageText(answer, paintsFor(cli.stdout)));
        return 0;
      }),
    );

export const messageText = (message: MessageAnswer, { bold, dim }: Paints): string => {
  const { now, id, seat, kind, state, reason, acceptedAt, expiresAt, attempts } = message;
  const end =
    expiresAt === null
      ? ""
      : `, ${expiresAt > now ? `expires in ${span(expiresAt - now)}` : `expired ${span(now - expiresAt)} ago`}`;
  return [
    `${bold(id)} is ${state}${reason === null ? "" : `: ${reason}`}`,
    `${kind} of ${seat}, accepted ${when(acceptedAt)} (${span(now - acceptedAt)} ago)${end}`,
    ...(attempts.length === 0 ? [dim("not tried yet")] : []),
    ...attempts.map(({ number, device, at, outcome, detail }) => {
      return `  ${when(at)}  attempt ${number} from ${device}: ${outcome}${detail === null ? "" : ` (${detail})`}`;
    }),
  ].join("\n");
};
