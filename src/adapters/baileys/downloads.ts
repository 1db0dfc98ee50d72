/**
 * Media that people sent, from WhatsApp's servers. Only from those: a message may say any address, and it would be asked from inside. Bytes
 * count only when all of them have come and are what the sender sealed, so whoever stores them keeps nothing before the end.
 */
import { type MediaType, normalizeMessageContent, getMediaKeys, proto } from "@whiskeysockets/baileys";
import { createDecipheriv, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import type { Millis } from "../../../machines/ports/ids.ts";

interface DownloadOptions {
  /** Left out: WhatsApp's. */
  readonly host?: string | undefined;
  readonly allowSelfSigned?: boolean | undefined;
}
interface Sealed {
  readonly type: MediaType;
  readonly path: string;
  readonly key: Uint8Array;
}

const HOST = "mmg.whatsapp.net";
/** Truncated HMAC at the end of what lies on the server. */
const MAC = 10;
/** What padding and MAC add at most. */
const SEALING = 32;
/** Without a byte. */
const SILENT_FOR: Millis = 20_000;

/** null: the message has no media. The iterable throws if they are larger than `limit`, gone, or not what was sealed. */
export const makeDownload =
  ({ host = HOST, allowSelfSigned = false }: DownloadOptions) =>
  (bytes: Uint8Array, limit: number): AsyncIterable<Uint8Array> | null => {
    const sealed = sealedIn(bytes);
    return sealed && opened(sealed, { host, allowSelfSigned }, limit);
  };

const sealedIn = (bytes: Uint8Array): Sealed | null => {
  const message = decoded(bytes);
  if (!message) return null;
  const { imageMessage, videoMessage, ptvMessage, audioMessage, documentMessage, stickerMessage } = message;
  const found: readonly (readonly [MediaType, proto.Message.IImageMessage | null | undefined])[] = [
    ["image", imageMessage],
    ["video", videoMessage ?? ptvMessage],
    ["audio", audioMessage],
    ["document", documentMessage],
    ["sticker", stickerMessage],
  ];
  const [type, media] = found.find(([, each]) => each) ?? [];
  const { mediaKey: key, directPath: path } = media ?? {};
  // Joined to a host: what begins otherwise would make it another one.
  return type && key && path?.startsWith("/") ? { type, key, path } : null;
};

async function* opened(
  { type, path, key }: Sealed,
  { host, allowSelfSigned }: Required<DownloadOptions>,
  limit: number,
): AsyncGenerator<Uint8Array> {
  const { iv, cipherKey, macKey } = await getMediaKeys(key, type);
  if (!macKey) throw new Error("its key gives no key to check it with");
  const response = await answered(`https://${host ?? HOST}${path}`, allowSelfSigned ?? false);
  const cipher = createDecipheriv("aes-256-cbc", cipherKey, iv);
  const mac = createHmac("sha256", macKey).update(iv);
  let [kept, size] = [Buffer.alloc(0), 0];
  for await (const part of response) {
    size += (part as Buffer).length;
    if (size > limit + SEALING) throw new Error(`it is larger than ${limit.toLocaleString("en")} bytes`);
    const all = Buffer.concat([kept, part as Buffer]);
    const body = all.subarray(0, Math.max(0, all.length - MAC));
    kept = Buffer.from(all.subarray(body.length));
    mac.update(body);
    const plain = cipher.update(body);
    if (plain.length > 0) yield plain;
  }
  if (kept.length < MAC || !timingSafeEqual(mac.digest().subarray(0, MAC), kept))
    throw new Error("what came is not what was sent");
  yield cipher.final();
}

const answered = (url: string, allowSelfSigned: boolean): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const asked = get(url, { rejectUnauthorized: !allowSelfSigned, headers: { origin: "https://web.whatsapp.com" } });
    asked.setTimeout(SILENT_FOR, () => asked.destroy(new Error("WhatsApp's server said nothing for 20 s")));
    asked.once("error", reject);
    asked.once("response", (response) => {
      if (response.statusCode === 200) return resolve(response);
      response.resume();
      const isGone = response.statusCode === 404 || response.statusCode === 410;
      reject(
        new Error(isGone ? "WhatsApp's server does not have it any more" : `WhatsApp's server answered ${response.statusCode}`),
      );
    });
  });

const decoded = (bytes: Uint8Array): proto.IMessage | undefined => {
  try {
    return normalizeMessageContent(proto.Message.decode(bytes));
  } catch {
    return undefined;
  }
};
