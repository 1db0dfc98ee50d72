/** What may keep a store from opening, and how a medium's refusal is told to those who asked. */
import type { StoreFailure } from "../../../machines/ports/store.ts";

export type StoreErrorCode =
  | "E_STORE_LOCKED" // another process has it open
  | "E_STORE_UNWRITABLE" // folder or file can't be made or written
  | "E_STORE_FULL" // no space left
  | "E_STORE_CORRUPT" // not an SQLite file, or a damaged one
  | "E_STORE_FOREIGN" // an SQLite file of something else
  | "E_STORE_NEWER" // written by a later Greenroom
  | "E_STORE_IO"
  | "E_STORE_TAMPERED" // a sealed value does not open
  | "E_KEY_WRONG" // the store was sealed with another key
  | "E_KEY_MALFORMED" // no 32 bytes
  | "E_KEY_EXPOSED" // others may read the key file
  | "E_KEY_MISSING" // a store exists, its key does not
  | "E_KEY_UNWRITABLE"; // the key file can't be read or made

/** An operator has to do something first; the message says what. `code` is stable. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(`${code} ${message}`, cause === undefined ? undefined : { cause });
    this.name = "StoreError";
    this.code = code;
  }
}

/** Primary result codes: https://www.sqlite.org/rescode.html */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** SQLite's primary result code of an error that `node:sqlite` threw, or undefined for any other error. */
const sqliteCode = (error: unknown): number | undefined => {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return undefined;
  return error.errcode & 0xff; // the upper bits only say more
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether another connection holds the file. */
export const isLocked = (error: unknown): boolean => [BUSY, LOCKED].includes(sqliteCode(error) ?? -1);

/** Why `file` could not be opened. Locks are told apart by `isLocked` before. */
export const openError = (file: string, error: unknown): StoreError => {
  if (error instanceof StoreError) return error;
  switch (sqliteCode(error)) {
    case FULL:
      return new StoreError("E_STORE_FULL", `${file}: no space left on its disk: free some, then start again`, error);
    case CORRUPT:
    case NOTADB:
      return new StoreError(
        "E_STORE_CORRUPT",
        `${file} is damaged, or no database at all (${messageOf(error)}). Nothing was written to it. Keep a copy; then move it away and link the devices anew`,
        error,
      );
    case READONLY:
    case CANTOPEN:
      return new StoreError(
        "E_STORE_UNWRITABLE",
        `${file} can't be written (${messageOf(error)}): check owner and mode of file and folder`,
        error,
      );
    default:
      return new StoreError("E_STORE_IO", `${file} could not be opened: ${messageOf(error)}`, error);
  }
};

/** What to answer when the medium, or a bug, kept a command from being carried out. Nothing of the command was written. */
export const failure = (file: string, error: unknown): StoreFailure => {
  switch (sqliteCode(error)) {
    case FULL:
      return { kind: "failed", cause: "full", message: `E_STORE_FULL ${file}: no space left; free some, work goes on by itself` };
    case BUSY:
    case LOCKED:
      return { kind: "failed", cause: "busy", message: `E_STORE_LOCKED ${file}: ${messageOf(error)}` };
    case CORRUPT:
    case NOTADB:
      return {
        kind: "failed",
        cause: "io",
        message: `E_STORE_CORRUPT ${file}: ${messageOf(error)}; stop, and keep a copy of the file`,
      };
    default:
      return {
        kind: "failed",
        cause: "io",
        message: error instanceof StoreError ? error.message : `E_STORE_IO ${file}: ${messageOf(error)}`,
      };
  }
};
