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

export interface MediaDeskOptions {
  readonly folder: MediaFolder;
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

  constructor(options: MediaDeskOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.sweep(), SWEEP_EVERY).unref();
  }

  /** Resolves when the bytes are durable. Throws ControlError, with the field and the reason, for what WhatsApp would not take. */
  async store(content: CheckedMedia): Promise<Media> {
    const { kind, file, bytes } = content;
    if ((file === undefined) === (bytes === undefined)) throw refused(kind, "file", `give either a file or bytes`);
    const field = file === undefined ? "bytes" : "file";
    const looked =
      bytes === undefined ? await lookAt(kind, file ?? "") : { head: bytes.subarray(0, 16), bytes: bytes.length, name: "" };
    const { limit } = MEDIA_RULES[kind];
    if (looked.bytes === 0) throw refused(kind, field, "it is empty");
    if (looked.bytes > limit) throw tooLarge(kind, field, looked.bytes);
    const mimetype = typeOf(content, looked, field);
    try {
      const { id, bytes: stored } = await this.#options.folder.put(bytes ?? createReadStream(file ?? ""), limit);
      return { id, bytes: stored, mimetype };
    } catch (error) {
      if (error instanceof TooLargeError) throw tooLarge(kind, field, limit + 1);
      throw new ControlError(
        "E_STORE",
        `the media could not be stored: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
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

const refused = (kind: MediaKind, field: string, why: string): ControlError =>
  new ControlError("E_BAD_REQUEST", `content.${field}: ${why} (${kind})`);
const tooLarge = (kind: MediaKind, field: string, bytes: number): ControlError =>
  refused(
    kind,
    field,
    `${bytes.toLocaleString("en")} bytes; WhatsApp takes at most ${MEDIA_RULES[kind].limit.toLocaleString("en")}`,
  );
