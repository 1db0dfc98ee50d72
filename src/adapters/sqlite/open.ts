/**
 * Opening the file: lock first, then look, then write. Whatever is wrong is found before the first byte is written.
 *
 * The lock is SQLite's own, kept for as long as the process lives (locking_mode=EXCLUSIVE), so kill -9 frees it. POSIX locks
 * have a trap: when *any* descriptor of the file is closed in the holder's process, the lock is gone. So nothing here, and
 * nobody else in this process, may open and close the database file by other means (stat is harmless).
 */
import { closeSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Database, numberOf } from "./database.ts";
import { isLocked, openError, StoreError } from "./errors.ts";
import { readHolder } from "./holder.ts";
import { MIGRATIONS } from "./migrations.ts";
import type { Seal } from "./seal.ts";

/** "GRRM": says in the file's header whose it is (PRAGMA application_id). */
const APPLICATION_ID = 0x4752524d;
/** Two processes that start at the same instant may each keep the other from the lock: then both try again. */
const TRIES = 5;
const KEY_CHECK = Buffer.from("greenroom key check 1");

export interface Opened {
  readonly database: Database;
  /** Whether the store was made now. */
  readonly isNew: boolean;
}

/** Throws StoreError. `keyOrigin` is for the message about a wrong key. */
export const openDatabase = (file: string, seal: Seal, keyOrigin: string, now: number): Opened => {
  makeFile(file);
  for (let attempt = 1; ; attempt++) {
    let connection: DatabaseSync | undefined;
    try {
      connection = new DatabaseSync(file, { enableForeignKeyConstraints: true });
      const database = new Database(connection);
      return { database, isNew: prepare(database, file, seal, keyOrigin, now) };
    } catch (error) {
      connection?.close();
      if (!isLocked(error)) throw openError(file, error);
      if (attempt === TRIES) throw lockedError(file, error);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5 + Math.random() * 20 * attempt);
    }
  }
};

/** Made by us, so that it is readable by its owner only; SQLite gives its side files the same mode. */
const makeFile = (file: string): void => {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found) {
    const log = statSync(`${file}-wal`, { throwIfNoEntry: false });
    if (found.size === 0 && log && log.size > 0) {
      // SQLite would take this for a new database and throw the log away.
      throw new StoreError(
        "E_STORE_CORRUPT",
        `${file} is empty, but its log ${file}-wal is not: the file was cut off. Nothing was written`,
      );
    }
    return;
  }
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return;
    throw new StoreError(
      "E_STORE_UNWRITABLE",
      `${file} can't be made (${String(error)}): check owner and mode of its folder`,
      error,
    );
  }
};

const prepare = (database: Database, file: string, seal: Seal, keyOrigin: string, now: number): boolean => {
  database.exec("pragma locking_mode = exclusive");
  // The first read takes the lock, and finds out whether this is a database.
  const tables = numberOf(database.get("select count(*) as n from sqlite_schema") ?? {}, "n");
  const owner = pragma(database, "application_id");
  const version = pragma(database, "user_version");
  if (owner !== APPLICATION_ID && (tables > 0 || owner !== 0)) {
    throw new StoreError(
      "E_STORE_FOREIGN",
      `${file} is a database of another program: name another file. Nothing was written to it`,
    );
  }
  const newest = MIGRATIONS.at(-1)?.number ?? 0;
  if (version > newest) {
    throw new StoreError(
      "E_STORE_NEWER",
      `${file} has schema ${version}, this Greenroom knows up to ${newest}: start the newer Greenroom again. Nothing was written`,
    );
  }
  if (version > 0) checkKey(database, file, seal, keyOrigin);
  // Writes from here on. In exclusive mode a write transaction is what really keeps others out, even with an unused log.
  database.exec("pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; pragma trusted_schema = off");
  database.exec(
    "pragma journal_size_limit = 67108864; pragma temp_store = memory; pragma cache_size = -32768; pragma wal_autocheckpoint = 0",
  );
  database.exec("begin exclusive; commit");
  migrate(database, version, seal, now);
  return version === 0;
};

/** Throws StoreError E_KEY_WRONG. */
export const checkKey = (database: Database, file: string, seal: Seal, keyOrigin: string): void => {
  const row = database.get("select value from meta where name = 'key_check'");
  const sealed = row?.["value"];
  try {
    if (!(sealed instanceof Uint8Array)) throw new Error("the row that tells the key is missing");
    seal.open("meta", "", "key check", "", sealed);
  } catch (error) {
    throw new StoreError(
      "E_KEY_WRONG",
      `${file} was sealed with another key than the one from ${keyOrigin}: give the right one. Nothing was written`,
      error,
    );
  }
};

const migrate = (database: Database, version: number, seal: Seal, now: number): void => {
  for (const step of MIGRATIONS.filter(({ number }) => number > version)) {
    database.transaction(() => {
      if (step.number === 1) {
        database.exec(
          "create table migration (number integer primary key, name text not null, applied_at integer not null) strict",
        );
      }
      database.exec(step.sql);
      step.after?.(database, seal);
      if (step.number === 1) {
        database.run(
          "insert into meta (name, value) values ('key_check', ?)",
          seal.close("meta", "", "key check", "", KEY_CHECK),
        );
      }
      database.run("insert into migration (number, name, applied_at) values (?, ?, ?)", step.number, step.name, Math.round(now));
      database.exec(`pragma application_id = ${APPLICATION_ID}; pragma user_version = ${step.number}`);
    });
  }
};

const pragma = (database: Database, name: "application_id" | "user_version"): number =>
  numberOf(database.get(`pragma ${name}`) ?? {}, name);

const lockedError = (file: string, cause: unknown): StoreError => {
  const holder = readHolder(file);
  const who = holder
    ? `process ${holder.pid} on ${holder.host} (since ${new Date(holder.since).toISOString()})`
    : "another process";
  const wayOut = holder ? `kill ${holder.pid}` : `fuser ${file}`;
  return new StoreError(
    "E_STORE_LOCKED",
    `${file} is held by ${who}: stop that one first (${wayOut}), or name another file`,
    cause,
  );
};
