/** The store, its key and its disk. Looks only: nothing is made, opened for writing or moved. */
import { statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { FleetConfig } from "../../config/index.ts";
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

export const keyFinding = ({ store }: FleetConfig, env: Readonly<Record<string, string | undefined>>): Finding => {
  if (env["GREENROOM_KEY"]) return good("key", "from GREENROOM_KEY");
  if (store.key) return good("key", `from ${store.key.reference}`);
  const found = statSync(store.keyFile, { throwIfNoEntry: false });
  if (!found) {
    return statSync(store.file, { throwIfNoEntry: false })
      ? bad("key", `the store exists, its key ${store.keyFile} does not: put the key back, or set GREENROOM_KEY`)
      : good("key", `${store.keyFile} is made at the first start`);
  }
  if ((found.mode & 0o077) !== 0) return bad("key", `others may read ${store.keyFile}. Run: chmod 600 ${store.keyFile}`);
  return good("key", `${store.keyFile}, readable by you only. Keep a copy elsewhere: without it the store is lost`);
};

/** `isHeld`: a running supervisor has it open, and then it answers for it. */
export const storeFinding = ({ store: { file } }: FleetConfig, isHeld: boolean): Finding => {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) return good("store", `${file} is made at the first start`);
  const log = statSync(`${file}-wal`, { throwIfNoEntry: false });
  const size = `${file}, ${amount(found.size + (log?.size ?? 0))}`;
  if ((found.mode & 0o077) !== 0) return doubtful("store", `others may read ${file}. Run: chmod 600 ${file}*`);
  if (isHeld) return good("store", `${size}, open in the supervisor`);
  const fault = damageOf(file);
  return fault === null ? good("store", `${size}, and its pages are whole`) : bad("store", `${file}: ${fault}`);
};

const damageOf = (file: string): string | null => {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly: true });
    const [first] = db.prepare("pragma quick_check(1)").all();
    const told = String(first?.["quick_check"] ?? "ok");
    return told === "ok" ? null : `${told}. Keep a copy of it; then restore a backup, or move it away and link the devices anew`;
  } catch (error) {
    return `it can't be read (${error instanceof Error ? error.message : String(error)})`;
  } finally {
    db?.close();
  }
};

const amount = (bytes: number): string =>
  bytes >= 1024 * MIB ? `${(bytes / 1024 / MIB).toFixed(1)} GiB` : `${(bytes / MIB).toFixed(1)} MiB`;
