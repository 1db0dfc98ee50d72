/**
 * Bytes of a key, for the store. The first byte says how the rest is written, so that the common and large ones (Signal sessions)
 * need no walk through every property in search of buffers.
 */
import { BufferJSON, proto } from "@whiskeysockets/baileys";

const TAGGED = 0; // JSON in which buffers are marked
const RAW = 1; // the bytes themselves
const PLAIN = 2; // JSON without buffers

/** Key types whose values hold no buffers (Baileys' typings call a session bytes; it is a tree of strings and numbers). */
const PLAIN_TYPES = new Set(["session", "lid-mapping", "device-list", "sender-key-memory"]);

const tagged = (tag: number, body: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(body.length + 1);
  bytes[0] = tag;
  bytes.set(body, 1);
  return bytes;
};

export const encodeKey = (type: string, value: unknown): Uint8Array => {
  if (value instanceof Uint8Array) return tagged(RAW, value);
  return PLAIN_TYPES.has(type)
    ? tagged(PLAIN, Buffer.from(JSON.stringify(value)))
    : tagged(TAGGED, Buffer.from(JSON.stringify(value, BufferJSON.replacer)));
};

export const decodeKey = (type: string, bytes: Uint8Array): unknown => {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset + 1, bytes.length - 1);
  switch (bytes[0]) {
    case RAW:
      return Buffer.from(body);
    case PLAIN:
      return JSON.parse(body.toString("utf8"));
    case TAGGED: {
      const value: unknown = JSON.parse(body.toString("utf8"), BufferJSON.reviver);
      // Baileys reads the fields of this one through protobuf's accessors.
      return type === "app-state-sync-key" ? proto.Message.AppStateSyncKeyData.fromObject(value as object) : value;
    }
    default:
      throw new Error(`E_KEY_FORMAT a "${type}" key is stored in an unknown format (${bytes[0]})`);
  }
};

export const encodeCreds = (creds: object): Uint8Array => Buffer.from(JSON.stringify(creds, BufferJSON.replacer));
export const decodeCreds = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString("utf8"), BufferJSON.reviver);
