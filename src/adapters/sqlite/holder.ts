/**
 * A note beside the store that says who holds it. It only serves the message of a refusal: the lock itself is SQLite's, so a
 * note left behind by kill -9 keeps nobody out.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";

export interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

const noteOf = (file: string): string => `${file}.holder`;

/** Failing to write it (a full disk) is no reason not to start. */
export const writeHolder = (file: string, since: number): void => {
  const note: Holder = { pid: process.pid, host: hostname(), since };
  try {
    writeFileSync(`${noteOf(file)}.new`, JSON.stringify(note), { mode: 0o600 });
    renameSync(`${noteOf(file)}.new`, noteOf(file));
  } catch {
    rmSync(`${noteOf(file)}.new`, { force: true });
  }
};

export const removeHolder = (file: string): void => rmSync(noteOf(file), { force: true });

export const readHolder = (file: string): Holder | undefined => {
  try {
    const note = JSON.parse(readFileSync(noteOf(file), "utf8")) as Partial<Holder>;
    const { pid, host, since } = note;
    return typeof pid === "number" && typeof host === "string" && typeof since === "number" ? { pid, host, since } : undefined;
  } catch {
    return undefined; // no note, or a torn one: the refusal names no process then
  }
};
