/** `greenroom audit verify [FILE]`: exits with 1 if an entry was edited, removed, inserted or reordered. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { Command } from "commander";
import { type ChainedEntry, Follower, type Verdict } from "../../adapters/sqlite/audit-chain.ts";
import { type Cli, CliError, type ExitCode } from "../cli.ts";
import { examples } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";

interface Options extends TargetOptions {
  readonly head?: string;
}

export const auditVerify = (cli: Cli): Command =>
  withTarget(
    new Command("verify")
      .description("whether the audit is what was written: the supervisor's, or an exported file without the supervisor")
      .argument("[file]", "JSON Lines from `audit export`")
      .option("--head <hash>", "the last entry's hash as it was noted elsewhere: shows an audit that was put back or cut off"),
  )
    .addHelpText(
      "after",
      examples([
        ["greenroom audit verify", "of the running supervisor"],
        ["greenroom audit verify audit.jsonl --head 3f7a…", "an export, against a head that was noted elsewhere"],
      ]),
    )
    .action((file: string | undefined, options: Options) =>
      cli.run(options.json === true, async () => {
        const verdict = file === undefined ? await ask(cli, options, "auditVerify", {}) : await follow(file);
        return tell(cli, against(verdict, options.head, file), options);
      }),
    );

const tell = (cli: Cli, verdict: Verdict, { json }: Options): ExitCode => {
  const { entries, head, anchor, broken } = verdict;
  if (json) cli.json(verdict);
  else if (broken) cli.print(`The audit is NOT as it was written: ${broken.why}.`);
  else if (entries === 0) cli.print("The audit is empty.");
  else cli.print(`The audit is as it was written: entries ${anchor.seq + 1} to ${head.seq}.\nhead ${head.hash}`);
  return broken ? 1 : 0;
};

/** The head of the store is where it ends. A file is compared with the noted head, whatever came before it. */
const against = (verdict: Verdict, noted: string | undefined, file: string | undefined): Verdict => {
  if (noted === undefined || verdict.broken || verdict.head.hash === noted) return verdict;
  const where = file === undefined ? "the audit" : file;
  return {
    ...verdict,
    broken: { seq: verdict.head.seq, why: `${where} ends with ${verdict.head.hash || "nothing"}, not with ${noted}` },
  };
};

const follow = async (file: string): Promise<Verdict> => {
  let follower: Follower | undefined;
  let anchor = { seq: 0, hash: "" };
  let line = 0;
  try {
    for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
      line++;
      if (text.trim() === "") continue;
      const entry = parsed(text, file, line);
      if (!follower) {
        anchor = { seq: entry.seq - 1, hash: entry.before };
        follower = new Follower(anchor);
      }
      if (!follower.take(entry)) break;
    }
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError("E_FILE", `${file} can't be read: ${error instanceof Error ? error.message : String(error)}`, 2);
  }
  return { entries: follower?.entries ?? 0, anchor, head: follower?.head ?? anchor, broken: follower?.broken ?? null };
};

/** An exported line: the entry, and the hash before it, so that a part of the audit can be followed, too. */
export type ExportedEntry = ChainedEntry & { readonly before: string };

const parsed = (text: string, file: string, line: number): ExportedEntry => {
  try {
    const entry = JSON.parse(text) as Partial<ExportedEntry> | null;
    if (entry && typeof entry.seq === "number" && typeof entry.hash === "string" && typeof entry.before === "string")
      return entry as ExportedEntry;
  } catch {
    // Said below.
  }
  throw new CliError("E_FILE", `${file}, line ${line}: no entry of an audit. Export it with: greenroom audit export`, 2);
};
