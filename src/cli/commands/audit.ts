/** `greenroom audit [SUBJECT]`: who decided what, and on which evidence. */
import { Command } from "commander";
import type { AuditRow } from "../../../machines/ports/records.ts";
import type { Cli } from "../cli.ts";
import { examples, wholeNumber } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { type Paints, paintsFor, when } from "../text.ts";

interface Options extends TargetOptions {
  readonly limit: number;
}

export const auditCommand = (cli: Cli): Command =>
  withTarget(
    new Command("audit")
      .description("every decision: who, what, why, with its evidence")
      .argument("[subject]", "a seat, account, device, or `fleet` (default: all)")
      .option("-n, --limit <count>", "newest so many", wholeNumber(1, 1000), 30),
  )
    .addHelpText(
      "after",
      examples([
        ["greenroom audit", "the newest 30"],
        ["greenroom audit sales-1/a -n 200", "about one device"],
      ]),
    )
    .action((subject: string | undefined, options: Options) =>
      cli.run(options.json === true, async () => {
        const { limit } = options;
        const answer = await ask(cli, options, "audit", subject === undefined ? { limit } : { subject, limit });
        const paints = paintsFor(cli.stdout);
        if (options.json) cli.json(answer);
        else if (answer.audit.length === 0) cli.print("Nothing was decided yet.");
        else cli.print(answer.audit.map((row) => rowText(row, paints)).join("\n"));
        return 0;
      }),
    );

const rowText = ({ at, actor, action, subject, text, evidence }: AuditRow, { dim }: Paints): string => {
  const facts = Object.entries(evidence).map(([key, value]) => `${key} ${String(value)}`);
  return `${when(at)}  ${actor}  ${action} ${subject}: ${text}${facts.length > 0 ? dim(`  [${facts.join(", ")}]`) : ""}`;
};
