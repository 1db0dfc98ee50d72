/** `greenroom alerts silence` and its like: spans in which nobody is told. */
import { Command, InvalidArgumentError } from "commander";
import type { Silence } from "../../../machines/alerts/silence.ts";
import { type Cli, CliError } from "../cli.ts";
import { examples, instant } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { table } from "../table.ts";
import { paintsFor, when } from "../text.ts";

interface Options extends TargetOptions {
  readonly rule?: string;
  readonly subject?: string;
  readonly for: number;
  readonly from?: number;
  readonly why: string;
  readonly everything?: boolean;
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** `90s`, `30m`, `2h`, `3d` */
const span = (text: string): number => {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  const length = Number(match?.[1]) * (UNITS[match?.[2] ?? ""] ?? Number.NaN);
  if (!(length >= 1000 && length <= 30 * 86_400_000))
    throw new InvalidArgumentError("expected a span such as 30m, 2h or 3d, up to 30d.");
  return length;
};

export const silenceAlerts = (cli: Cli): Command =>
  withTarget(new Command("silence").description("tell nobody of certain alerts for a while; they are recorded all the same"))
    .requiredOption("--for <span>", "how long: 30m, 2h, 3d", span)
    .option("--rule <rule>", "of one rule, or of those that begin so: device.*")
    .option("--subject <name>", "about one account and its devices, one line and its seats, one device, one seat")
    .option("--everything", "all alerts of the fleet")
    .option("--from <time>", "from then on instead of from now on", instant)
    .option("--why <words>", "for whoever wonders", "")
    .addHelpText(
      "after",
      examples([
        ["greenroom alerts silence --subject sales-1 --for 2h --why 'new phone'", "during work on a phone"],
        ["greenroom alerts silence --rule device.* --from 2026-12-01T02:00 --for 1h", "a window to come"],
      ]),
    )
    .action((options: Options) =>
      cli.run(options.json === true, async () => {
        const { rule = null, subject = null, everything, from = null, why } = options;
        if ((rule ?? subject) === null && everything !== true)
          throw new CliError("E_USAGE", "say what is silenced: --rule, --subject, or --everything", 2);
        const answer = await ask(cli, options, "alertSilence", { rule, subject, for: options.for, from, why });
        if (options.json) cli.json(answer);
        else cli.print(`${sentence(answer.silence)} To end it: greenroom alerts unsilence ${answer.silence.id}`);
        return 0;
      }),
    );

export const unsilenceAlerts = (cli: Cli): Command =>
  withTarget(new Command("unsilence").description("end a silence; what still holds is told then").argument("<silence>", "its id"))
    .addHelpText("after", examples([["greenroom alerts unsilence 3fa90c12", ""]]))
    .action((silence: string, options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "alertUnsilence", { silence });
        if (options.json) cli.json(answer);
        else cli.print(`The silence ${answer.silence.id} has ended.`);
        return 0;
      }),
    );

export const silencesOfAlerts = (cli: Cli): Command =>
  withTarget(new Command("silences").description("silences in force and to come, and the channels"))
    .addHelpText("after", examples([["greenroom alerts silences", ""]]))
    .action((options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const answer = await ask(cli, options, "alertSilences", {});
        const paints = paintsFor(cli.stdout);
        if (options.json) cli.json(answer);
        else {
          const rows = answer.silences.map(({ id, rule, subject, from, until, by, why }) => [
            id,
            rule ?? "every rule",
            subject ?? "everybody",
            when(from),
            when(until),
            by,
            why,
          ]);
          const channels = answer.channels.map(({ name, kind, waiting, failing }) => [
            name,
            kind,
            String(waiting),
            failing ? { text: "failing", paint: paints.bad } : { text: "well", paint: paints.good },
          ]);
          cli.print(
            rows.length === 0
              ? "Nothing is silenced."
              : table(["ID", "RULE", "ABOUT", { text: "FROM", drop: 2 }, "UNTIL", { text: "BY", drop: 1 }, "WHY"], rows, paints),
          );
          cli.print(`\n${table(["CHANNEL", "KIND", "WAITING", "STATE"], channels, paints)}`);
        }
        return 0;
      }),
    );

const sentence = ({ rule, subject, from, until }: Silence): string =>
  `Nobody is told of ${rule ?? "any rule"} about ${subject ?? "anybody"} from ${when(from)} until ${when(until)}.`;
