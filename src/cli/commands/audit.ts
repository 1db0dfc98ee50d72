/** `greenroom audit [SUBJECT]`: who decided what, and on which evidence; and whether that is what was written. */
import { Command } from "commander";
import type { AuditRow } from "../../../machines/ports/records.ts";
import type { Cli } from "../cli.ts";
import { examples, wholeNumber } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { type Paints, paintsFor, when } from "../text.ts";
import { auditExport } from "./audit-export.ts";
import { auditPrune } from "./audit-prune.ts";
import { auditVerify } from "./audit-verify.ts";

interface Options extends TargetOptions {
  readonly limit: number;
}

export const auditCommand = (cli: Cli): Command =>
  new Command("audit")
    .description("every decision: who, what, why; verify, export")
    .addCommand(list(cli), { isDefault: true })
    .addCommand(auditVerify(cli))
    .addCommand(auditExport(cli))
    .addCommand(auditPrune(cli))
    .addHelpText(
      "after",
      examples([
        ["greenroom audit", "the newest 30"],
        ["greenroom audit sales-1/a -n 200", "about one device"],
        ["greenroom audit verify", "whether anything was edited, removed or reordered"],
        ["greenroom audit export --out audit.jsonl", "all of it, with the hashes"],
      ]),
    );

const list = (cli: Cli): Command =>
  withTarget(
    new Command("list")
      .description("the newest entries (the default)")
      .argument("[subject]", "a seat, account, device, or `fleet` (default: all)")
      .option("-n, --limit <count>", "newest so many", wholeNumber(1, 1000), 30)
      .addHelpText("after", examples([["greenroom audit list sales-1/a -n 200", "about one device"]])),
  ).action((subject: string | undefined, options: Options) =>
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
