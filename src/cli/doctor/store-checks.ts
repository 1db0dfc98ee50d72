/** The store, its key and its disk. Looks only: nothing is made, opened for writing or moved. */
import { statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Database } from "../../adapters/sqlite/database.ts";
import { StoreError } from "../../adapters/sqlite/errors.ts";
import type { LoadedKey } from "../../adapters/sqlite/key-file.ts";
import { checkKey } from "../../adapters/sqlite/open.ts";
import { createSeal } from "../../adapters/sqlite/seal.ts";
import type { FleetConfig } from "../../config/index.ts";
import type { Env } from "../cli.ts";
import { storeKey } from "../store-key.ts";
import { bad, doubtful, type Finding, good } from "./finding.ts";

const MIB = 1024 ** 2;
/** Less is a matter of days on a busy fleet, and of hours. */
const DISK = { low: 1024 * MIB, out: 100 * MIB };

export const diskFinding = ({ store }: FleetConfig): Finding => {
  const folder = nearestFolder(dirname(store.file));
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const text = `${amount(free)} free where the store is (${folder})`;
  if (free < DISK.out) return bad("disk", `${text}: nothing can be accepted soon. Free some space`);
  return free < DISK.low ? doubtful("disk", `${text}: free some space`) : good("disk", text);
};

/** The folder, or the first above it that exists: it is made at the first start. */
const nearestFolder = (folder: string): string =>
  statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? folder : nearestFolder(dirname(folder));

/** The key, and what there is to say of it; without one, or with a wrong one, null. */
export const keyFinding = (fleet: FleetConfig, env: Env): { readonly key: LoadedKey | null; readonly finding: Finding } => {
  const { store } = fleet;
  const found = (key: LoadedKey | null, finding: Finding) => ({ key, finding });
  try {
    const key = storeKey(fleet, env);
    if (key && key.origin !== store.keyFile) return found(key, good("key", `from ${key.origin}`));
    if (key)
      return found(
        key,
        good("key", `${store.keyFile}, readable by you only. Keep a copy elsewhere: without it the store is lost`),
      );
  } catch (error) {
    if (error instanceof StoreError) return found(null, bad("key", wordsOf(error)));
    throw error;
  }
  return found(
    null,
    statSync(store.file, { throwIfNoEntry: false })
      ? bad("key", `the store exists, its key ${store.keyFile} does not: put the key back, or set GREENROOM_KEY`)
      : good("key", `${store.keyFile} is made at the first start`),
  );
};

/** `isHeld`: a running supervisor has it open, and then it answers for it. `key`: whether that opens it. */
export const storeFinding = ({ store: { file } }: FleetConfig, isHeld: boolean, key: LoadedKey | null): Finding => {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) return good("store", `${file} is made at the first start`);
  const log = statSync(`${file}-wal`, { throwIfNoEntry: false });
  const size = `${file}, ${amount(found.size + (log?.size ?? 0))}`;
  if ((found.mode & 0o077) !== 0) return doubtful("store", `others may read ${file}. Run: chmod 600 ${file}*`);
  if (isHeld) return good("store", `${size}, open in the supervisor`);
  const fault = faultOf(file, key);
  return fault === null ? good("store", `${size}, and its pages are whole`) : bad("store", `${file}: ${fault}`);
};

const faultOf = (file: string, key: LoadedKey | null): string | null => {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly: true });
    const [first] = db.prepare("pragma quick_check(1)").all();
    const told = String(first?.["quick_check"] ?? "ok");
    if (told !== "ok") return `${told}. Keep a copy of it; then restore a backup, or move it away and link the devices anew`;
    if (key) checkKey(new Database(db), file, createSeal(key.key), key.origin);
    return null;
  } catch (error) {
    if (error instanceof StoreError) return wordsOf(error);
    return `it can't be read (${error instanceof Error ? error.message : String(error)})`;
  } finally {
    db?.close();
  }
};

const wordsOf = ({ code, message }: StoreError): string => message.replace(`${code} `, "");

const amount = (bytes: number): string =>
  bytes >= 1024 * MIB ? `${(bytes / 1024 / MIB).toFixed(1)} GiB` : `${(bytes / MIB).toFixed(1)} MiB`;
