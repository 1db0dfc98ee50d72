/** A store as one encrypted file, and back. Done outside of the supervisor, which only lends a copy. */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StoreError } from "../errors.ts";
import { type Held, holdOpen, scrub } from "./scrub.ts";
import { type Label, labelOf, openFile, sealFile } from "./vault.ts";

/**
 * `copy`: a copy of the store's file that is ours; it is gone afterwards. The backup appears under its name whole, or not at all.
 * Throws StoreError E_STORE_UNWRITABLE if there is such a file already.
 */
export const writeBackup = (copy: string, to: string, key: Uint8Array, label: Omit<Label, "schema">): Label => {
  const part = `${to}.part`;
  try {
    if (existsSync(to)) throw new StoreError("E_STORE_UNWRITABLE", `${to} exists already: name another file`);
    mkdirSync(dirname(to), { recursive: true });
    const whole: Label = { ...label, schema: schemaOf(copy) };
    scrub(copy);
    rmSync(part, { force: true });
    sealFile(copy, part, key, whole);
    renameSync(part, to);
    return whole;
  } finally {
    rmSync(part, { force: true });
    for (const end of ["", "-wal", "-shm", "-journal"]) rmSync(`${copy}${end}`, { force: true });
  }
};

/** Throws StoreError: the target exists, the key is another, the file is no backup, was changed, or is of a newer Greenroom. */
export const restoreBackup = (from: string, to: string, key: Uint8Array, newestSchema: number): Label & Held => {
  if (existsSync(to)) throw new StoreError("E_STORE_UNWRITABLE", `${to} exists already: move it away first. Nothing was written`);
  const { schema, at } = labelOf(from);
  if (schema > newestSchema)
    throw new StoreError(
      "E_STORE_NEWER",
      `${from} has schema ${schema}, this Greenroom knows up to ${newestSchema}: install the newer one`,
    );
  const part = `${to}.restoring`;
  try {
    mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
    rmSync(part, { force: true });
    const label = openFile(from, part, key);
    const held = holdOpen(part, `restored from a backup of ${new Date(at).toISOString()}: it may have gone out since`);
    renameSync(part, to);
    return { ...label, ...held };
  } finally {
    rmSync(part, { force: true });
  }
};

const schemaOf = (file: string): number => {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return Number(db.prepare("pragma user_version").get()?.["user_version"] ?? 0);
  } finally {
    db.close();
  }
};
