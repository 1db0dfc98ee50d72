/** What an inbound message says, as far as somebody who answers wants to know; the rest is in its bytes. */
import { getContentType, normalizeMessageContent, proto } from "@whiskeysockets/baileys";
import type { WaId } from "../../../machines/ports/ids.ts";
import type { InboundCard, InboundContent, InboundKind, InboundMedia, InboundPlace } from "./inbound-content.ts";

const KINDS: Partial<Record<keyof proto.IMessage, InboundKind>> = {
  conversation: "text",
  extendedTextMessage: "text",
  imageMessage: "image",
  videoMessage: "video",
  ptvMessage: "video",
  audioMessage: "audio",
  documentMessage: "document",
  stickerMessage: "sticker",
  locationMessage: "location",
  liveLocationMessage: "location",
  contactMessage: "contact",
  contactsArrayMessage: "contact",
  reactionMessage: "reaction",
};

/** What of WhatsApp's many messages carries words or an answer. */
interface Part {
  readonly text?: string | null;
  readonly caption?: string | null;
  readonly contextInfo?: { readonly stanzaId?: string | null } | null;
  readonly key?: { readonly id?: string | null } | null;
}
const NOTHING = { text: null, replyTo: null, media: null, location: null, contacts: [] } as const;

/** Envelopes (disappearing, view once, with a caption) are opened. Bytes that are no message count as "other". */
export const contentOf = (bytes: Uint8Array): InboundContent => {
  const message = decoded(bytes);
  const field = message && getContentType(message);
  if (!message || !field) return { kind: "other", ...NOTHING };
  const value = message[field] as string | Part | null | undefined;
  const part: Part = typeof value === "string" ? { text: value } : (value ?? {});
  const replyTo = part.contextInfo?.stanzaId ?? (field === "reactionMessage" ? part.key?.id : null) ?? null;
  return {
    kind: KINDS[field] ?? "other",
    text: part.text ?? part.caption ?? null,
    replyTo: replyTo as WaId | null,
    media: mediaIn(message),
    location: locationIn(message),
    contacts: contactsIn(message),
  };
};

const mediaIn = (message: proto.IMessage): InboundMedia | null => {
  const { imageMessage, videoMessage, ptvMessage, audioMessage, documentMessage, stickerMessage } = message;
  const media = imageMessage ?? videoMessage ?? ptvMessage ?? audioMessage ?? documentMessage ?? stickerMessage;
  if (!media) return null;
  const { mimetype = null, fileLength } = media;
  return {
    mimetype,
    bytes: fileLength === null || fileLength === undefined ? null : Number(fileLength),
    fileName: documentMessage?.fileName ?? null,
    seconds: (videoMessage ?? ptvMessage ?? audioMessage)?.seconds ?? null,
    isVoice: audioMessage?.ptt === true,
  };
};

const locationIn = ({ locationMessage, liveLocationMessage }: proto.IMessage): InboundPlace | null => {
  const place = locationMessage ?? liveLocationMessage;
  const { degreesLatitude: latitude, degreesLongitude: longitude } = place ?? {};
  if (typeof latitude !== "number" || typeof longitude !== "number") return null;
  return { latitude, longitude, name: locationMessage?.name ?? null, address: locationMessage?.address ?? null };
};

const contactsIn = ({ contactMessage, contactsArrayMessage }: proto.IMessage): InboundCard[] =>
  (contactMessage ? [contactMessage] : (contactsArrayMessage?.contacts ?? [])).map(({ displayName, vcard }) => ({
    name: displayName ?? "",
    vcard: vcard ?? "",
  }));

/** Whether the bytes are a message that says anything. */
export const isMessage = (bytes: Uint8Array): boolean => {
  try {
    return Object.keys(proto.Message.decode(bytes)).length > 0;
  } catch {
    return false;
  }
};

const decoded = (bytes: Uint8Array): proto.IMessage | undefined => {
  try {
    return normalizeMessageContent(proto.Message.decode(bytes));
  } catch {
    return undefined;
  }
};
