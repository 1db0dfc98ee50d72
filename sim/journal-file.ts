/** A journal as a file: a record a line. What is behind a line that can't be read is lost, what is before it is not. */
import type { JournalRecord } from "../machines/driver/journal.ts";

export interface JournalFile {
  readonly records: readonly JournalRecord[];
  /** What is wrong with it: a sentence; null: nothing. */
  readonly fault: string | null;
}

/** Null if it is none: its first line is no record. */
export const readJournal = (text: string): JournalFile | null => {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (!isRecord(parsed(lines[0] ?? ""))) return null;
  const records: JournalRecord[] = [];
  for (const [place, line] of lines.entries()) {
    const record = parsed(line);
    if (!isRecord(record)) {
      const isLast = place === lines.length - 1;
      const what = isLast ? "its last line is cut off" : `line ${place + 1} is no record`;
      return { records, fault: `${what}: what stands before it, ${records.length} records, is all that can be used` };
    }
    records.push(record);
  }
  return { records, fault: null };
};

const parsed = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
};
const isRecord = (value: unknown): value is JournalRecord =>
  typeof value === "object" && value !== null && typeof (value as { k?: unknown }).k === "string";
