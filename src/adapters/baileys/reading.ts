/** What an inbound message says, as far as somebody who answers wants to know; the rest is in its bytes. */
import { getContentType, normalizeMessageContent, proto } from "@whiskeysockets/baileys";
import type { WaId } from "../../../machines/ports/ids.ts";
import type { InboundContent, InboundKind } from "./inbound-content.ts";

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

/** Envelopes (disappearing, view once, with a caption) are opened. Bytes that are no message count as "other". */
export const contentOf = (bytes: Uint8Array): InboundContent => {
  const message = decoded(bytes);
  const field = message && getContentType(message);
  if (!message || !field) return { kind: "other", text: null, replyTo: null };
  const value = message[field] as string | Part | null | undefined;
  const part: Part = typeof value === "string" ? { text: value } : (value ?? {});
  const replyTo = part.contextInfo?.stanzaId ?? (field === "reactionMessage" ? part.key?.id : null) ?? null;
  return { kind: KINDS[field] ?? "other", text: part.text ?? part.caption ?? null, replyTo: replyTo as WaId | null };
};

const decoded = (bytes: Uint8Array): proto.IMessage | undefined => {
  try {
    return normalizeMessageContent(proto.Message.decode(bytes));
  } catch {
    return undefined;
  }
};
