/** Media of messages, from whoever gives them to the folder where they wait; what no message needs any more is removed. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import type { Millis } from "../../machines/ports/ids.ts";
import type { Media } from "../../machines/ports/store.ts";
import { type MediaFolder, TooLargeError } from "../adapters/media/media-folder.ts";
import { ControlError } from "./control-protocol.ts";
import { MEDIA_RULES, type MediaKind, typeOfBytes, typeOfName } from "./media-types.ts";
import type { CheckedMedia } from "./outgoing.ts";

/** A recipient who could not read a message asks for it again within this time; then its media have to be uploaded anew. */
const ASKED_AGAIN_WITHIN: Millis = 86_400_000;
const SWEEP_EVERY: Millis = 3_600_000;

/** Of anything: documents may be the largest. */
const UPLOAD_LIMIT = MEDIA_RULES.document.limit;
/** Messages whose media were fetched. */
const REMEMBERED = 10_000;

export interface Upload {
  readonly id: string;
  readonly bytes: number;
  /** What its first bytes say; null: nothing. */
  readonly mimetype: string | null;
}
export interface Held extends Upload {
  readonly read: () => AsyncIterable<Uint8Array>;
}
export interface MediaDeskOptions {
  readonly folder: MediaFolder;
  /** The bytes of what came with a message, checked when they have ended; null: nothing came with it. */
  readonly download: (proto: Uint8Array, limit: number) => AsyncIterable<Uint8Array> | null;
  /** Those of these that messages need, which were accepted since then or are not done. Rejects when the store does not answer. */
  readonly needed: (ids: readonly string[], since: Millis) => Promise<readonly string[]>;
  readonly now: () => Millis;
  readonly onFault: (error: unknown) => void;
}
interface Looked {
  readonly head: Uint8Array;
  readonly bytes: number;
  readonly name: string;
}

export class MediaDesk {
  readonly #options: MediaDeskOptions;
  readonly #timer: NodeJS.Timeout;
  /** By the number in the inbox. */
  readonly #fetched = new Map<number, string>();

  constructor(options: MediaDeskOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.sweep(), SWEEP_EVERY).unref();
  }

  /** Resolves when the bytes are durable. Throws ControlError, with the field and the reason, for what WhatsApp would not take. */
  async store(content: CheckedMedia): Promise<Media> {
    const { kind, file, bytes, media } = content;
    if ([file, bytes, media].filter((given) => given !== undefined).length !== 1)
      throw refused(kind, "media", "give the bytes, or what was uploaded, or a file, and one of them only");
    const field = media !== undefined ? "media" : file === undefined ? "bytes" : "file";
    const looked = await this.#look(content);
    const { limit } = MEDIA_RULES[kind];
    if (looked.bytes === 0) throw refused(kind, field, "it is empty");
    if (looked.bytes > limit) throw tooLarge(kind, field, looked.bytes);
    const mimetype = typeOf(content, looked, field);
    if (media !== undefined) return { id: media, bytes: looked.bytes, mimetype };
    try {
      const { id, bytes: stored } = await this.#options.folder.put(bytes ?? createReadStream(file ?? ""), limit);
      return { id, bytes: stored, mimetype };
    } catch (error) {
      if (error instanceof TooLargeError) throw tooLarge(kind, field, limit + 1);
      throw notStored(error);
    }
  }

  /** What may become part of messages; it is kept for an hour until one names it. Throws ControlError. */
  async upload(source: AsyncIterable<Uint8Array>): Promise<Upload> {
    const { folder } = this.#options;
    try {
      const { id, bytes } = await folder.put(source, UPLOAD_LIMIT);
      if (bytes === 0) throw new ControlError("E_BAD_REQUEST", "the body is empty: it has to be the bytes of the media");
      const looked = await folder.look(id);
      return { id, bytes, mimetype: looked && typeOfBytes(looked.head) };
    } catch (error) {
      if (error instanceof ControlError) throw error;
      if (error instanceof TooLargeError)
        throw new ControlError("E_BAD_REQUEST", `more than ${UPLOAD_LIMIT.toLocaleString("en")} bytes: WhatsApp takes no more`);
      throw notStored(error);
    }
  }

  /** null: they are not there, or not any more. */
  async stored(id: string): Promise<Held | null> {
    const { folder } = this.#options;
    const looked = await folder.look(id);
    return looked && { id, bytes: looked.bytes, mimetype: typeOfBytes(looked.head), read: () => folder.read(id) };
  }

  /** What came with a message: from WhatsApp at the first time, then from the folder for as long as it lies there. */
  async received(message: { readonly seq: number; readonly proto: Uint8Array }): Promise<Held | null> {
    const known = this.#fetched.get(message.seq);
    const held = known === undefined ? null : await this.stored(known);
    if (held) return held;
    const { folder, download } = this.#options;
    const source = download(message.proto, UPLOAD_LIMIT);
    if (!source) return null;
    try {
      const { id } = await folder.put(source, UPLOAD_LIMIT);
      this.#fetched.set(message.seq, id);
      if (this.#fetched.size > REMEMBERED) this.#fetched.delete(this.#fetched.keys().next().value as number);
      return await this.stored(id);
    } catch (error) {
      throw new ControlError(
        "E_UNREACHABLE",
        `the media could not be fetched from WhatsApp: ${error instanceof Error ? error.message : String(error)}`,
        error,
      );
    }
  }

  async #look(content: CheckedMedia): Promise<Looked> {
    const { kind, file = "", bytes, media } = content;
    if (bytes !== undefined) return { head: bytes.subarray(0, 16), bytes: bytes.length, name: "" };
    if (media === undefined) return lookAt(kind, file);
    const found = await this.#options.folder.look(media);
    if (!found) throw refused(kind, "media", "there is no upload of that id: it is kept for an hour until a message names it");
    return { ...found, name: "" };
  }

  async sweep(): Promise<void> {
    const { folder, needed, now, onFault } = this.#options;
    const at = now();
    await folder.sweep((ids) => needed(ids, at - ASKED_AGAIN_WITHIN), at).catch(onFault);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

const lookAt = async (kind: MediaKind, file: string): Promise<Looked> => {
  try {
    const handle = await open(file, "r");
    try {
      const found = await handle.stat();
      if (!found.isFile()) throw new Error("it is no file");
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(16), 0, 16, 0);
      return { head: buffer.subarray(0, bytesRead), bytes: found.size, name: basename(file) };
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw refused(kind, "file", `${file} can't be read: ${error instanceof Error ? error.message : String(error)}`);
  }
};

/** What the bytes say counts where they say something; else what is said of them, else what the name says. */
const typeOf = (content: CheckedMedia, { head, name }: Looked, field: string): string => {
  const { kind, mimetype: given } = content;
  const { types, said } = MEDIA_RULES[kind];
  const seen = typeOfBytes(head);
  // An MPEG-4 file may hold sound alone; a document may call itself what it likes.
  const isSound = kind === "audio" && seen === "video/mp4";
  const bare = given?.split(";")[0]?.trim().toLowerCase();
  const type =
    kind === "document" ? (bare ?? seen ?? typeOfName(name)) : isSound ? "audio/mp4" : (seen ?? bare ?? typeOfName(name));
  if (content.kind === "audio" && content.voice && type !== "audio/ogg")
    throw refused(kind, field, "a voice note is Opus in an Ogg file, and this is not; without voice it is sent as music");
  if (content.kind === "audio" && content.voice) return "audio/ogg; codecs=opus";
  if (kind === "document") return given ?? type ?? "application/octet-stream";
  if (type === null || type === undefined) throw refused(kind, "mimetype", `say what it is: ${said}`);
  if (!types.test(type)) throw refused(kind, field, `it is ${type}; WhatsApp takes ${said}. Anything may be sent as a document`);
  if (kind === "image" && seen === null) throw refused(kind, field, `its bytes are not ${said}: nobody could look at it`);
  return type === bare && given !== undefined ? given : type;
};

const notStored = (error: unknown): ControlError =>
  new ControlError("E_STORE", `the media could not be stored: ${error instanceof Error ? error.message : String(error)}`, error);
const refused = (kind: MediaKind, field: string, why: string): ControlError =>
  new ControlError("E_BAD_REQUEST", `content.${field}: ${why} (${kind})`);
const tooLarge = (kind: MediaKind, field: string, bytes: number): ControlError =>
  refused(
    kind,
    field,
    `${bytes.toLocaleString("en")} bytes; WhatsApp takes at most ${MEDIA_RULES[kind].limit.toLocaleString("en")}`,
  );
