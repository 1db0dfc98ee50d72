/** `greenroom audit export`: every entry, as JSON Lines (with the hashes that prove it) or as CSV (for a spreadsheet). */
import { createWriteStream, type WriteStream } from "node:fs";
import { once } from "node:events";
import { finished } from "node:stream/promises";
import { Command, Option } from "commander";
import { type Cli, CliError } from "../cli.ts";
import { examples, instant } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import type { ExportedEntry } from "./audit-verify.ts";

interface Options extends TargetOptions {
  readonly format: "jsonl" | "csv";
  readonly out?: string;
  readonly from?: number;
  readonly to?: number;
}

const PAGE = 500;

export const auditExport = (cli: Cli): Command =>
  withTarget(
    new Command("export")
      .description("every entry, oldest first")
      .addOption(
        new Option("--format <format>", "lines for `audit verify`, or a table").choices(["jsonl", "csv"]).default("jsonl"),
      )
      .option("--from <time>", "entries from this time on: 2026-11-01, or with a time of day", instant)
      .option("--to <time>", "entries before this time", instant)
      .option("-o, --out <file>", "a file that is made (default: standard output)"),
  )
    .addHelpText(
      "after",
      examples([
        ["greenroom audit export --out audit.jsonl", "all of it, to be checked with `audit verify audit.jsonl`"],
        ["greenroom audit export --format csv --from 2026-11-01 --to 2026-12-01", "a month for a spreadsheet"],
      ]),
    )
    .action((options: Options) =>
      cli.run(options.json === true, async () => {
        const target = options.out === undefined ? cli.stdout : await made(options.out);
        const count = await write(target, options, entries(cli, options));
        if (target !== cli.stdout) {
          target.end();
          await finished(target);
          if (options.json) cli.json({ file: options.out, entries: count });
          else cli.note(`${count} entries written to ${options.out}`);
        }
        return 0;
      }),
    );

/**
 * Of a time: from the first entry of it to the last. Without a gap, or nobody could follow it: what lies in between goes along whatever
 * its time, for the clock may have been set meanwhile.
 */
async function* entries(cli: Cli, options: Options): AsyncGenerator<ExportedEntry> {
  const { first, last } = await stretchOf(cli, options);
  for await (const entry of everything(cli, options)) {
    if (entry.seq > last) return;
    if (entry.seq >= first) yield entry;
  }
}

const stretchOf = async (cli: Cli, options: Options): Promise<{ readonly first: number; readonly last: number }> => {
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = options;
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  if (options.from === undefined && options.to === undefined) return { first: last, last: first };
  for await (const { seq, at } of everything(cli, options)) {
    if (at < from || at >= to) continue;
    first = Math.min(first, seq);
    last = seq;
  }
  return { first, last };
};

/** Page by page: an audit may be long. */
async function* everything(cli: Cli, options: Options): AsyncGenerator<ExportedEntry> {
  let before: string | undefined;
  for (let after = 0; ; ) {
    const page = await ask(cli, options, "auditPage", { after, limit: PAGE });
    for (const entry of page.entries) {
      yield { ...entry, before: before ?? page.anchor.hash };
      before = entry.hash;
    }
    const last = page.entries.at(-1);
    if (!last || page.entries.length < PAGE) return;
    after = last.seq;
  }
}

const write = async (target: NodeJS.WritableStream, { format }: Options, rows: AsyncIterable<ExportedEntry>): Promise<number> => {
  let count = 0;
  const put = async (line: string): Promise<void> => {
    if (!target.write(`${line}\n`)) await once(target, "drain");
  };
  if (format === "csv") await put(COLUMNS.join(","));
  for await (const row of rows) {
    count++;
    await put(format === "csv" ? COLUMNS.map((column) => cell(row, column)).join(",") : JSON.stringify(row));
  }
  return count;
};

const COLUMNS = ["seq", "time", "actor", "action", "subject", "text", "evidence", "hash"] as const;

const cell = (row: ExportedEntry, column: (typeof COLUMNS)[number]): string => {
  const value =
    column === "time" ? new Date(row.at).toISOString() : column === "evidence" ? JSON.stringify(row.evidence) : row[column];
  const text = String(value);
  // What begins like a formula is one to a spreadsheet.
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

/** Never over something that is there already. */
const made = async (file: string): Promise<WriteStream> => {
  const stream = createWriteStream(file, { flags: "wx", mode: 0o600 });
  try {
    await once(stream, "open");
  } catch (error) {
    throw new CliError("E_FILE", `${file} can't be made: ${error instanceof Error ? error.message : String(error)}`, 2);
  }
  return stream;
};
