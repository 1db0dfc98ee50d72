/** `greenroom why SEAT`: how it came to its holder, each step with its evidence. */
import { Command } from "commander";
import type { WhyAnswer } from "../../runtime/control-protocol.ts";
import type { Cli } from "../cli.ts";
import { examples } from "../help.ts";
import { moveOf, OUTCOMES } from "../sentences.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { clock, type Paints, paintsFor, span, when } from "../text.ts";

const SHOWN = 5;
const AUDIT_SHOWN = 12;

export const whyCommand = (cli: Cli): Command =>
  withTarget(new Command("why").description("why a seat has the holder it has").argument("<seat>", "sales/sales-1, or sales-1"))
    .addHelpText(
      "after",
      examples([
        ["greenroom why sales-1", "its last changes, step by step"],
        ["greenroom why sales/sales-1 --json", "all of it, with evidence"],
      ]),
    )
    .action((seat: string, options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const why = await ask(cli, options, "why", { seat });
        if (options.json) cli.json(why);
        else cli.print(whyText(why, paintsFor(cli.stdout)));
        return 0;
      }),
    );

export const whyText = ({ seat, holder, speaker, failovers, audit }: WhyAnswer, { bold, dim }: Paints): string => {
  const heard = holder?.lastEvidenceMs === null || holder === null ? "" : `, heard ${span(holder.lastEvidenceMs)} ago`;
  const waiting = `${seat.queue.open} waiting${seat.queue.held > 0 ? `, ${seat.queue.held} held` : ""}`;
  const lines = [
    `${bold(seat.id)} is ${seat.phase}: ${seat.holder ?? "nobody"} speaks for it (term ${seat.term}${heard}); ${waiting}`,
    ...standingText(speaker),
    "",
    bold("Changes of holder, newest first"),
  ];
  if (failovers.length === 0) lines.push("  none");
  for (const record of failovers.slice(0, SHOWN)) {
    lines.push(`  ${when(record.detectedAt)}  ${record.cause}: ${moveOf(record)}, ${OUTCOMES[record.outcome]}`);
    for (const step of record.steps) lines.push(dim(`    ${clock(step.at)}  ${step.text}`));
  }
  if (failovers.length > SHOWN) lines.push(dim(`  and ${failovers.length - SHOWN} more: greenroom history ${seat.id}`));
  lines.push("", bold("Decisions, newest first"));
  for (const { at, actor, text } of audit.slice(0, AUDIT_SHOWN)) lines.push(`  ${when(at)}  ${actor}: ${text}`);
  if (audit.length > AUDIT_SHOWN) lines.push(dim(`  and more: greenroom audit ${seat.id}`));
  return lines.join("\n");
};

/** Why it gets no new conversations, if that is so. */
const standingText = (speaker: WhyAnswer["speaker"]): string[] => {
  if (speaker === null || speaker.standing === "good" || speaker.standing === "banned") return [];
  const until = speaker.standingUntil === null ? "" : ` until ${when(speaker.standingUntil)}`;
  const why = speaker.standing === "capped" ? "has begun as many chats as WhatsApp allows it" : "is restricted by WhatsApp";
  return [`it gets no new conversations: ${speaker.id} ${why}${until}`];
};
