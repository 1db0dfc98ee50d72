/**
 * Bytes of messages that wait to be sent, in a folder beside the store: encrypted, under a name made from what they are and the
 * store's key, so that the same bytes lie there once and the name tells nobody what they are.
 *
 * A file is complete or not there: written under another name, flushed, renamed, and the folder flushed. Nothing is ever changed.
 * Layout: 16 random bytes, then pieces of a megabyte, each sealed (AES-256-GCM) with its place in the file. That none is missing, the name
 * says: whoever reads to the end is told.
 */
import { createHmac, hkdfSync, randomBytes } from "node:crypto";
import { statSync, unlinkSync, utimesSync } from "node:fs";
import { mkdir, open, readdir, rename, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { Millis } from "../../../machines/ports/ids.ts";
import { createSeal, type Seal } from "../sqlite/seal.ts";

export type Source = Uint8Array | AsyncIterable<Uint8Array>;
export interface Stored {
  readonly id: string;
  readonly bytes: number;
}

export interface Looked {
  readonly bytes: number;
  readonly head: Uint8Array;
}

/** There is more than is allowed. */
export class TooLargeError extends Error {
  constructor(limit: number) {
    super(`more than ${limit} bytes`);
    this.name = "TooLargeError";
  }
}
/** The bytes are not there, or not what they were. */
export class MediaError extends Error {
  constructor(text: string, cause?: unknown) {
    super(text, { cause });
    this.name = "MediaError";
  }
}

const PIECE = 1 << 20;
/** Nonce and tag of each. */
const SEALING = 28;
const SALT = 16;
const ID = /^[0-9a-f]{64}$/;
/** What is younger may belong to a message that is just being accepted. */
const YOUNG: Millis = 3_600_000;

export class MediaFolder {
  readonly #folder: string;
  readonly #seal: Seal;
  readonly #nameKey: Uint8Array;

  /** `key`: the store's, 32 bytes. The folder is made when it is first needed. */
  constructor(folder: string, key: Uint8Array) {
    this.#folder = folder;
    this.#seal = createSeal(key);
    this.#nameKey = new Uint8Array(hkdfSync("sha256", key, "greenroom media 1", "name", 32));
  }

  /** Resolves when the bytes are durable. Rejects with a TooLargeError if there are more than `limit`, and leaves nothing. */
  async put(source: Source, limit: number): Promise<Stored> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const part = join(this.#folder, `.${randomBytes(12).toString("hex")}`);
    const file = await open(part, "wx", 0o600);
    let stored: Stored;
    try {
      stored = await this.#write(file, source, limit);
      await file.sync();
      await file.close();
      if (this.#touched(stored.id)) await rm(part);
      else await rename(part, this.#fileOf(stored.id));
    } catch (error) {
      await file.close().catch(() => undefined);
      await rm(part, { force: true });
      throw error;
    }
    await this.#sync();
    return stored;
  }

  /** Rejects with a MediaError if they are not there, were changed, or lie under another's name. */
  async *read(id: string): AsyncGenerator<Uint8Array> {
    let file: FileHandle;
    try {
      file = await open(this.#fileOf(id), "r");
    } catch (error) {
      throw new MediaError("the media of the message are no longer there", error);
    }
    try {
      const { size } = await file.stat();
      const salt = await readFully(file, 0, SALT);
      const name = createHmac("sha256", this.#nameKey);
      for (let at = SALT, index = 0; at < size; index++) {
        const length = Math.min(PIECE + SEALING, size - at);
        const sealed = await readFully(file, at, length);
        at += length;
        const piece = this.#open(sealed, placeOf(salt, index));
        name.update(piece);
        yield piece;
      }
      if (name.digest("hex") !== id) throw new MediaError("the media of the message are not what was stored");
    } finally {
      await file.close();
    }
  }

  /** How many bytes they are and how they begin; null: they are not there. They are young again, so that a message may name them. */
  async look(id: string): Promise<Looked | null> {
    if (!ID.test(id) || !this.#touched(id)) return null;
    const file = statSync(this.#fileOf(id), { throwIfNoEntry: false });
    if (!file) return null;
    const sealed = file.size - SALT;
    for await (const piece of this.read(id))
      return { bytes: sealed - Math.ceil(sealed / (PIECE + SEALING)) * SEALING, head: piece.subarray(0, 16) };
    return null;
  }

  /** Removes what no message needs, and what was begun and never finished. `needed`: asked for ids, it names those that are. */
  async sweep(needed: (ids: readonly string[]) => Promise<readonly string[]>, now: Millis): Promise<number> {
    const old = (await readdir(this.#folder).catch(() => [])).filter((name) => this.#isOld(name, now));
    const ids = old.filter((name) => ID.test(name));
    const keep = new Set(ids.length === 0 ? [] : await needed(ids));
    // It may have been put again while the store was asked: looked at and removed in one turn.
    const gone = old.filter((name) => !keep.has(name) && this.#isOld(name, now));
    for (const name of gone) unlinkSync(join(this.#folder, name));
    return gone.length;
  }

  async #write(file: FileHandle, source: Source, limit: number): Promise<Stored> {
    const salt = randomBytes(SALT);
    const name = createHmac("sha256", this.#nameKey);
    await file.write(salt);
    let bytes = 0;
    let index = 0;
    for await (const piece of piecesOf(source)) {
      bytes += piece.length;
      if (bytes > limit) throw new TooLargeError(limit);
      name.update(piece);
      await file.write(this.#close(piece, placeOf(salt, index++)));
    }
    return { id: name.digest("hex"), bytes };
  }

  #close(piece: Uint8Array, place: string): Uint8Array {
    return this.#seal.close("media", "media", "media", place, piece);
  }
  #open(sealed: Uint8Array, place: string): Uint8Array {
    try {
      return this.#seal.open("media", "media", "media", place, sealed);
    } catch (error) {
      throw new MediaError("the media of the message do not open: they were changed outside Greenroom", error);
    }
  }

  #fileOf(id: string): string {
    if (!ID.test(id)) throw new MediaError("there are no media of that name");
    return join(this.#folder, id);
  }

  /** Whether the same bytes lie there already; then they are young again. */
  #touched(id: string): boolean {
    try {
      const now = new Date();
      utimesSync(this.#fileOf(id), now, now);
      return true;
    } catch {
      return false;
    }
  }
  #isOld(name: string, now: Millis): boolean {
    const found = statSync(join(this.#folder, name), { throwIfNoEntry: false });
    return found !== undefined && found.mtimeMs < now - YOUNG;
  }

  async #sync(): Promise<void> {
    const folder = await open(this.#folder, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

const placeOf = (salt: Uint8Array, index: number): string => `${Buffer.from(salt).toString("hex")} ${index}`;

const readFully = async (file: FileHandle, at: number, length: number): Promise<Uint8Array> => {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  if (bytesRead < length) throw new MediaError("the media of the message are cut off");
  return buffer;
};

/** Whole pieces, but for the last. */
async function* piecesOf(source: Source): AsyncGenerator<Uint8Array> {
  if (source instanceof Uint8Array) {
    for (let at = 0; at < source.length; at += PIECE) yield source.subarray(at, at + PIECE);
    return;
  }
  let waiting: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of source) {
    waiting.push(chunk);
    length += chunk.length;
    while (length >= PIECE) {
      const all = Buffer.concat(waiting);
      yield all.subarray(0, PIECE);
      waiting = [all.subarray(PIECE)];
      length -= PIECE;
    }
  }
  if (length > 0) yield Buffer.concat(waiting);
}
