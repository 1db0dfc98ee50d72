/** Where the store's key comes from: the environment, or a file that only its owner may read, made at the first start. */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { StoreError } from "./errors.ts";

export interface LoadedKey {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** For messages: "GREENROOM_KEY" or the file's path. */
  readonly origin: string;
}
export interface KeySource {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A key that the configuration names, and where it stands. */
  readonly given?: { readonly text: string; readonly origin: string };
  /** The key file. */
  readonly file: string;
  /** The store that the key is for. Without it, any non-empty `*.db` beside the key file counts as a store. */
  readonly store?: string;
}

/**
 * `GREENROOM_KEY` (64 hex digits, or base64 of 32 bytes) if set, else the configuration's, else the key file; that is made if
 * neither it nor a store exists.
 * Throws StoreError: E_KEY_MALFORMED, E_KEY_EXPOSED (group or others may read the file), E_KEY_MISSING (a store without its key:
 * a new key would make its credentials unreadable for good), E_KEY_UNWRITABLE.
 */
export const loadKey = (source: KeySource): LoadedKey => {
  const given = source.env["GREENROOM_KEY"];
  if (given !== undefined && given.trim() !== "") return { key: parseKey(given, "GREENROOM_KEY"), origin: "GREENROOM_KEY" };
  if (source.given) return { key: parseKey(source.given.text, source.given.origin), origin: source.given.origin };
  return { key: readKeyFile(source.file) ?? makeKeyFile(source), origin: source.file };
};

const parseKey = (text: string, origin: string): Uint8Array => {
  const trimmed = text.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, "hex");
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) return Buffer.from(trimmed, "base64");
  throw new StoreError(
    "E_KEY_MALFORMED",
    `${origin} holds no key: 64 hex digits, or base64 of 32 bytes, are expected. Put the right one back`,
  );
};

const readKeyFile = (file: string): Uint8Array | undefined => {
  let fd: number;
  try {
    fd = openSync(file, "r");
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw new StoreError("E_KEY_UNWRITABLE", `the key file ${file} can't be read: ${String(error)}`, error);
  }
  try {
    // Asked of the open file, so that it can't be exchanged in between.
    const { mode } = fstatSync(fd);
    if ((mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, "0");
      throw new StoreError("E_KEY_EXPOSED", `the key file ${file} has mode ${octal}: others may read it. Run: chmod 600 ${file}`);
    }
    return parseKey(readText(fd, file), `the key file ${file}`);
  } finally {
    closeSync(fd);
  }
};

const readText = (fd: number, file: string): string => {
  try {
    return readFileSync(fd, "utf8");
  } catch (error) {
    throw new StoreError("E_KEY_UNWRITABLE", `the key file ${file} can't be read: ${String(error)}`, error);
  }
};

const makeKeyFile = (source: KeySource): Uint8Array => {
  const store = existingStore(source);
  if (store !== undefined) {
    throw new StoreError(
      "E_KEY_MISSING",
      `the store ${store} exists, but its key ${source.file} does not. Put the key back (or set GREENROOM_KEY); a new one could not read the store. To begin anew, move the store away`,
    );
  }
  const key = randomBytes(32);
  const temporary = `${source.file}.${process.pid}.${randomBytes(4).toString("hex")}`;
  try {
    mkdirSync(dirname(source.file), { recursive: true, mode: 0o700 });
    const fd = openSync(temporary, "wx", 0o600);
    try {
      writeSync(fd, `${key.toString("hex")}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    try {
      // Rather than rename: a link is refused if another process was first, and then its key is the one.
      linkSync(temporary, source.file);
    } catch (error) {
      if (!["EPERM", "ENOTSUP", "EOPNOTSUPP"].some((code) => isErrno(error, code))) throw error;
      renameSync(temporary, source.file); // a file system without links
    } finally {
      rmSync(temporary, { force: true });
    }
    syncFolder(dirname(source.file));
  } catch (error) {
    const winner = isErrno(error, "EEXIST") ? readKeyFile(source.file) : undefined;
    if (winner) return winner;
    throw new StoreError("E_KEY_UNWRITABLE", `the key file ${source.file} can't be made: ${String(error)}`, error);
  }
  return key;
};

const existingStore = ({ file, store }: KeySource): string | undefined => {
  const folder = dirname(file);
  const candidates =
    store === undefined
      ? listFolder(folder)
          .filter((name) => name.endsWith(".db"))
          .map((name) => join(folder, name))
      : [store];
  return candidates.find((path) => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0);
};

const listFolder = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not there: made with the key
  }
};

const syncFolder = (folder: string): void => {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
};

const isErrno = (error: unknown, code: string): boolean => error instanceof Error && "code" in error && error.code === code;
