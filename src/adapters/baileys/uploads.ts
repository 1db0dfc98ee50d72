/**
 * Media on WhatsApp's servers. What was uploaded is remembered for a while: a message that is sent again is the same message then,
 * and one picture for a thousand people goes up once.
 *
 * An upload outlasts the send that began it: that one is told to try again when it takes long, and finds it done.
 */
import {
  type BinaryNode,
  DEFAULT_CONNECTION_CONFIG,
  encryptedStream,
  getWAUploadToServer,
  type MediaConnInfo,
  type WASocket,
} from "@whiskeysockets/baileys";
import { rm } from "node:fs/promises";
import { Agent } from "node:https";
import { Readable } from "node:stream";
import type { Clock } from "../../../machines/ports/clock.ts";
import type { Millis } from "../../../machines/ports/ids.ts";
import type { Media } from "../../../machines/ports/store.ts";
import { LookupError } from "./lookups.ts";
import { Lru } from "./lru.ts";
import { type Preview, previewOf } from "./previews.ts";
import type { BaileysLogger } from "./quiet.ts";
import { childOf, childrenOf } from "./stanza.ts";

export type UploadKind = "image" | "video" | "audio" | "document";
/** As the message carries it; a picture with its preview. */
export interface Uploaded extends Partial<Preview> {
  readonly url: string;
  readonly directPath: string;
  readonly mediaKey: Uint8Array;
  readonly fileSha256: Uint8Array;
  readonly fileEncSha256: Uint8Array;
  readonly fileLength: number;
  readonly mediaKeyTimestamp: number;
  readonly mimetype: string;
}
/** The bytes of media, from where they are stored. */
export type MediaSource = (id: string) => AsyncIterable<Uint8Array>;

/** WhatsApp keeps them for weeks; whoever asks after an hour may as well wait. */
const REMEMBERED_FOR: Millis = 3_600_000;
/** Below the time after which a connection that says nothing about a send is dialled anew. */
const PATIENCE: Millis = 20_000;
const UPLOAD_TIMEOUT: Millis = 120_000;

interface Hosts {
  readonly info: MediaConnInfo;
  readonly until: Millis;
}
interface Entry {
  readonly at: Millis;
  readonly uploaded: Promise<Uploaded>;
}

export interface UploadsOptions {
  readonly clock: Clock;
  readonly source: MediaSource;
  readonly logger: BaileysLogger;
  readonly allowSelfSigned: boolean;
}

export class Uploads {
  readonly #options: UploadsOptions;
  readonly #entries = new Lru<string, Entry>(200);
  readonly #hosts = new WeakMap<WASocket, Hosts>();
  readonly #agent: Agent | undefined;

  constructor(options: UploadsOptions) {
    this.#options = options;
    this.#agent = options.allowSelfSigned ? new Agent({ rejectUnauthorized: false }) : undefined;
  }

  /** Rejects with a LookupError if it may succeed later, with another error if it never will. */
  async get(sock: WASocket, kind: UploadKind, media: Media): Promise<Uploaded> {
    const { clock } = this.#options;
    const key = `${kind} ${media.id} ${media.mimetype}`;
    const known = this.#entries.get(key);
    const uploaded = known && clock.now() < known.at + REMEMBERED_FOR ? known.uploaded : this.#begin(sock, key, kind, media);
    let timer: unknown;
    const late = new Promise<never>((_, reject) => {
      timer = clock.setTimeout(
        () =>
          reject(new LookupError("the upload of the media is still under way: it is waited for, and the message tried again")),
        PATIENCE,
      );
    });
    try {
      return await Promise.race([uploaded, late]);
    } finally {
      clock.clearTimeout(timer);
    }
  }

  #begin(sock: WASocket, key: string, kind: UploadKind, media: Media): Promise<Uploaded> {
    const uploaded = this.#upload(sock, kind, media);
    this.#entries.set(key, { at: this.#options.clock.now(), uploaded });
    // It may fail when nobody waits any more.
    uploaded.catch(() => this.#entries.delete(key));
    return uploaded;
  }

  async #upload(sock: WASocket, kind: UploadKind, { id, mimetype }: Media): Promise<Uploaded> {
    const { clock, source } = this.#options;
    const preview = kind === "image" ? previewOf(source(id)) : null;
    // Its other file is what WhatsApp gets: nothing readable lies anywhere.
    const sealed = await encryptedStream({ stream: Readable.from(source(id)) }, kind);
    const { encFilePath, mediaKey, fileEncSha256, fileSha256, fileLength } = sealed;
    try {
      const how = { mediaType: kind, fileEncSha256B64: fileEncSha256.toString("base64"), timeoutMs: UPLOAD_TIMEOUT };
      const { mediaUrl: url, directPath } = await this.#sendTo(sock)(encFilePath, how).catch(() => {
        throw new LookupError("WhatsApp did not take the upload of the media");
      });
      const mediaKeyTimestamp = Math.floor(clock.now() / 1000);
      const keys = { mediaKey, mediaKeyTimestamp, fileSha256, fileEncSha256 };
      return { url, directPath, ...keys, fileLength, mimetype, ...(await preview) };
    } finally {
      await rm(encFilePath, { force: true });
    }
  }

  /** Baileys' own remembers for the life of a link that it once got no answer to where it may upload, and never asks again. */
  #sendTo(sock: WASocket): ReturnType<typeof getWAUploadToServer> {
    const { logger } = this.#options;
    const config = { ...DEFAULT_CONNECTION_CONFIG, logger, ...(this.#agent ? { fetchAgent: this.#agent } : {}) };
    return getWAUploadToServer(config, (anew) => this.#hostsOf(sock, anew));
  }

  #hostsOf(sock: WASocket, anew: boolean): Promise<MediaConnInfo> {
    const now = this.#options.clock.now();
    const known = this.#hosts.get(sock);
    if (known && !anew && now < known.until) return Promise.resolve(known.info);
    return askForHosts(sock).then((info) => {
      this.#hosts.set(sock, { info, until: now + info.ttl * 1000 });
      return info;
    });
  }
}

const askForHosts = async (sock: WASocket): Promise<MediaConnInfo> => {
  const answer = (await sock.query({
    tag: "iq",
    attrs: { type: "set", xmlns: "w:m", to: "s.whatsapp.net" },
    content: [{ tag: "media_conn", attrs: {} }],
  })) as BinaryNode | undefined;
  // An unanswered query is no error to Baileys.
  const found = answer && childOf(answer, "media_conn");
  if (!found) throw new LookupError("WhatsApp did not say where to upload to");
  const hosts = childrenOf(found).map(({ attrs }) => ({
    hostname: attrs["hostname"] ?? "",
    maxContentLengthBytes: Number(attrs["maxContentLengthBytes"] ?? 0),
  }));
  return { auth: found.attrs["auth"] ?? "", ttl: Number(found.attrs["ttl"] ?? 0), hosts, fetchDate: new Date() };
};
