/** The journal out of a store's file, for looking back: nothing is written, and no key is needed, because a journal has no secrets. */
import { closeSync, openSync, readSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { StoreError } from "./errors.ts";

const MAGIC = "SQLite format 3\0";

/** By its first bytes. False if it can't be read. */
export const isDatabase = (file: string): boolean => {
  const head = Buffer.alloc(MAGIC.length);
  try {
    const descriptor = openSync(file, "r");
    try {
      readSync(descriptor, head, 0, head.length, 0);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return false;
  }
  return head.toString("latin1") === MAGIC;
};

/**
 * A record a line.
 * @throws StoreError if a supervisor has the store, or it is no store of ours
 */
export const journalInStore = (file: string): string => {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: 0 });
    const rows = database.prepare("select line from journal order by seq").all();
    return rows.map(({ line }) => String(line)).join("\n");
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    if (/locked|busy/i.test(text))
      throw new StoreError(
        "E_STORE_LOCKED",
        `${file} is in use by a supervisor: stop it first, or look at a backup of the store`,
        error,
      );
    throw new StoreError("E_STORE_FOREIGN", `${file} holds no journal of Greenroom (${text})`, error);
  } finally {
    database?.close();
  }
};
