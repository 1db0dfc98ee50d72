/**
 * An encrypted file: AES-256-GCM in pieces, so that a large one needs no memory. The key is derived from the store's key.
 *
 * `GRBK1\n` | length of the label (4 bytes) | label (JSON, readable) | salt (16) | pieces, each: length (4) | tag (16) | ciphertext.
 * The nonce is the piece's number. What is authenticated with each piece: the label, its number, and whether it is the last, so that
 * pieces can't be moved, dropped or cut off.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { StoreError } from "../errors.ts";

const MAGIC = Buffer.from("GRBK1\n");
const PIECE = 1024 * 1024;
const SALT = 16;
const TAG = 16;
const MAX_LABEL = 65_536;

/** What may be known about a backup without its key. */
export interface Label {
  readonly fleet: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly schema: number;
}

export const sealFile = (from: string, to: string, key: Uint8Array, label: Label): void => {
  const salt = randomBytes(SALT);
  const fileKey = keyOf(key, salt);
  const text = Buffer.from(JSON.stringify(label));
  const [input, output] = [openSync(from, "r"), openSync(to, "wx", 0o600)];
  try {
    writeAll(output, Buffer.concat([MAGIC, sizeOf(text.length), text, salt]));
    let piece = read(input, PIECE);
    for (let no = 0, isLast = false; !isLast; no++) {
      const next = read(input, PIECE);
      isLast = next.length === 0;
      const cipher = createCipheriv("aes-256-gcm", fileKey, nonceOf(no));
      cipher.setAAD(placeOf(text, no, isLast));
      const body = Buffer.concat([cipher.update(piece), cipher.final()]);
      writeAll(output, Buffer.concat([sizeOf(body.length), cipher.getAuthTag(), body]));
      piece = next;
    }
    fsyncSync(output);
  } finally {
    closeSync(input);
    closeSync(output);
  }
};

/** Throws StoreError: E_STORE_FOREIGN for what is no backup, E_KEY_WRONG, or E_STORE_TAMPERED. `to` is then not to be used. */
export const openFile = (from: string, to: string, key: Uint8Array): Label => {
  const [input, output] = [openSync(from, "r"), openSync(to, "wx", 0o600)];
  try {
    const { label, text } = readLabel(input, from);
    const fileKey = keyOf(key, read(input, SALT));
    for (let no = 0, isLast = false; !isLast; no++) {
      const size = read(input, 4);
      const length = size.length === 4 ? size.readUInt32BE() : 0;
      if (size.length < 4 || length > PIECE) throw torn(from);
      const [tag, body] = [read(input, TAG), read(input, length)];
      // Whether it is the last one is tried, not believed: the tag fits one of the two.
      const last = opened(fileKey, no, text, true, tag, body);
      const plain = last ?? opened(fileKey, no, text, false, tag, body);
      if (!plain) throw no === 0 ? wrongKey(from) : torn(from);
      isLast = last !== null;
      writeAll(output, plain);
    }
    if (read(input, 1).length > 0) throw torn(from);
    fsyncSync(output);
    return label;
  } finally {
    closeSync(input);
    closeSync(output);
  }
};

/** Without the key. Throws StoreError E_STORE_FOREIGN. */
export const labelOf = (file: string): Label => {
  const input = openSync(file, "r");
  try {
    return readLabel(input, file).label;
  } finally {
    closeSync(input);
  }
};

const readLabel = (input: number, file: string): { label: Label; text: Buffer } => {
  const foreign = (): StoreError => new StoreError("E_STORE_FOREIGN", `${file} is no backup of Greenroom`);
  if (!read(input, MAGIC.length).equals(MAGIC)) throw foreign();
  const size = read(input, 4);
  const length = size.length === 4 ? size.readUInt32BE() : 0;
  if (length === 0 || length > MAX_LABEL) throw foreign();
  const text = read(input, length);
  try {
    return { label: JSON.parse(text.toString()) as Label, text };
  } catch {
    throw foreign();
  }
};

const opened = (key: Uint8Array, no: number, text: Buffer, isLast: boolean, tag: Buffer, body: Buffer): Buffer | null => {
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, nonceOf(no), { authTagLength: TAG });
    decipher.setAAD(placeOf(text, no, isLast));
    decipher.setAuthTag(tag);
    return Buffer.concat([decipher.update(body), decipher.final()]);
  } catch {
    return null;
  }
};

const wrongKey = (file: string): StoreError =>
  new StoreError("E_KEY_WRONG", `${file} was sealed with another key, or was changed: give the key that its store had`);
const torn = (file: string): StoreError =>
  new StoreError("E_STORE_TAMPERED", `${file} was changed or cut off: it can't be restored`);

const keyOf = (key: Uint8Array, salt: Uint8Array): Uint8Array =>
  new Uint8Array(hkdfSync("sha256", key, salt, "greenroom backup 1", 32));
const nonceOf = (no: number): Buffer => {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(no, 8);
  return nonce;
};
const placeOf = (label: Buffer, no: number, isLast: boolean): Buffer =>
  Buffer.concat([label, Buffer.from(JSON.stringify([no, isLast]))]);
const sizeOf = (length: number): Buffer => {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(length);
  return size;
};
const read = (fd: number, length: number): Buffer => {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const count = readSync(fd, buffer, filled, length - filled, null);
    if (count === 0) break;
    filled += count;
  }
  return buffer.subarray(0, filled);
};
const writeAll = (fd: number, bytes: Uint8Array): void => {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
};
