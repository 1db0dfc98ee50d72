/** What we were asked to send, as WhatsApp's message and as the attributes of the stanza that carries it. */
import { normalizeMessageContent, proto } from "@whiskeysockets/baileys";
import type { Millis, WaId } from "../../../machines/ports/ids.ts";
import type { Media, MessageContent } from "../../../machines/ports/store.ts";
import type { Uploaded, UploadKind } from "./uploads.ts";

/** The message that is answered or reacted to: where it stands, who wrote it, and what it said, as far as that is known. */
export interface Quoted {
  readonly key: proto.IMessageKey;
  readonly author: string | null;
  readonly message: proto.IMessage | null;
}
export interface Sources {
  readonly upload: (kind: UploadKind, media: Media) => Promise<Uploaded>;
  readonly quoted: (waId: WaId) => Promise<Quoted>;
  readonly at: Millis;
}

type Kind<K extends MessageContent["kind"]> = Extract<MessageContent, { kind: K }>;

/** @throws if raw bytes are no message, or if what it needs can't be had */
export const messageOf = async (content: MessageContent, sources: Sources): Promise<proto.IMessage> => {
  switch (content.kind) {
    case "raw":
      return rawMessage(content.proto);
    case "reaction": {
      const { key } = await sources.quoted(content.to);
      return { reactionMessage: { key, text: content.emoji, senderTimestampMs: sources.at } };
    }
    default: {
      const contextInfo = await contextOf(content.replyTo, sources);
      return plainMessage(content, contextInfo, sources);
    }
  }
};

const plainMessage = async (
  content: Exclude<MessageContent, Kind<"raw"> | Kind<"reaction">>,
  contextInfo: proto.IContextInfo | null,
  { upload }: Sources,
): Promise<proto.IMessage> => {
  const context = contextInfo === null ? {} : { contextInfo };
  switch (content.kind) {
    case "text":
      return contextInfo === null ? { conversation: content.text } : { extendedTextMessage: { text: content.text, contextInfo } };
    case "image":
    case "video": {
      const fields = { ...(await upload(content.kind, content.media)), caption: content.caption ?? null, ...context };
      return content.kind === "image" ? { imageMessage: fields } : { videoMessage: fields };
    }
    case "audio": {
      const { voice, seconds = null } = content;
      return { audioMessage: { ...(await upload("audio", content.media)), ptt: voice, seconds, ...context } };
    }
    case "document": {
      const { fileName, caption = null } = content;
      const documentMessage = { ...(await upload("document", content.media)), fileName, title: fileName, caption, ...context };
      // Whoever knows no captions of documents shows the document all the same.
      return caption === null ? { documentMessage } : { documentWithCaptionMessage: { message: { documentMessage } } };
    }
    case "location": {
      const { latitude, longitude, name = null, address = null } = content;
      return { locationMessage: { degreesLatitude: latitude, degreesLongitude: longitude, name, address, ...context } };
    }
    case "contact":
      return { contactMessage: { displayName: content.name, vcard: vcardOf(content), ...context } };
  }
};

/** What an answer shows of one of our own messages: words and names, no media, for which it would have to be uploaded again. */
export const quotable = (content: MessageContent): proto.IMessage | null => {
  switch (content.kind) {
    case "text":
      return { conversation: content.text };
    case "image":
      return { imageMessage: { caption: content.caption ?? null, mimetype: content.media.mimetype } };
    case "video":
      return { videoMessage: { caption: content.caption ?? null, mimetype: content.media.mimetype } };
    case "audio":
      return { audioMessage: { ptt: content.voice, seconds: content.seconds ?? null, mimetype: content.media.mimetype } };
    case "document":
      return { documentMessage: { fileName: content.fileName, title: content.fileName, mimetype: content.media.mimetype } };
    case "location":
      return { locationMessage: { degreesLatitude: content.latitude, degreesLongitude: content.longitude } };
    case "contact":
      return { contactMessage: { displayName: content.name, vcard: vcardOf(content) } };
    case "raw":
      return proto.Message.decode(content.proto);
    case "reaction":
      return null;
  }
};

const rawMessage = (bytes: Uint8Array): proto.IMessage => {
  const message = proto.Message.decode(bytes);
  if (Object.keys(message).length === 0) throw new Error("the bytes hold no message");
  return message;
};

const contextOf = async (replyTo: WaId | undefined, { quoted }: Sources): Promise<proto.IContextInfo | null> => {
  if (replyTo === undefined) return null;
  const { author, message } = await quoted(replyTo);
  return {
    stanzaId: replyTo,
    ...(author === null ? {} : { participant: author, quotedMessage: message ?? { conversation: "" } }),
  };
};

/** Source: RFC 2426; `waid` is WhatsApp's own, and makes the number one that can be written to. */
const vcardOf = ({ name, phone }: Kind<"contact">): string => {
  const shown = name.replaceAll(/[\\,;]/g, "\\$&").replaceAll(/\r?\n/g, "\\n");
  return `BEGIN:VCARD\nVERSION:3.0\nN:;${shown};;;\nFN:${shown}\nTEL;type=CELL;type=VOICE;waid=${phone}:+${phone}\nEND:VCARD`;
};

/** Media types by the field that holds them. What is not here is no media. */
const MEDIA: readonly (readonly [keyof proto.IMessage, string])[] = [
  ["imageMessage", "image"],
  ["videoMessage", "video"],
  ["audioMessage", "audio"],
  ["contactMessage", "vcard"],
  ["documentMessage", "document"],
  ["contactsArrayMessage", "contact_array"],
  ["liveLocationMessage", "livelocation"],
  ["stickerMessage", "sticker"],
  ["listMessage", "list"],
  ["listResponseMessage", "list_response"],
  ["buttonsResponseMessage", "buttons_response"],
  ["orderMessage", "order"],
  ["productMessage", "product"],
  ["interactiveResponseMessage", "native_flow_response"],
  ["groupInviteMessage", "url"],
];

const mediaOf = (message: proto.IMessage): string | null => {
  const kind = MEDIA.find(([field]) => message[field])?.[1] ?? null;
  if (kind === "video" && message.videoMessage?.gifPlayback) return "gif";
  if (kind === "audio" && message.audioMessage?.ptt) return "ptt";
  return kind;
};

const typeOf = (message: proto.IMessage): string => {
  if (message.reactionMessage || message.encReactionMessage) return "reaction";
  if (
    message.pollCreationMessage ||
    message.pollCreationMessageV2 ||
    message.pollCreationMessageV3 ||
    message.pollUpdateMessage
  ) {
    return "poll";
  }
  if (message.eventMessage) return "event";
  return mediaOf(message) === null ? "text" : "media";
};

/** WhatsApp's marks for changes of an earlier message: 1 edited, 2 pinned, 7 revoked, 8 revoked by a group's admin. */
const editOf = (message: proto.IMessage, group: boolean): string | null => {
  const change = message.protocolMessage;
  if (message.pinInChatMessage) return "2";
  if (change?.type === proto.Message.ProtocolMessage.Type.MESSAGE_EDIT) return "1";
  if (change?.type !== proto.Message.ProtocolMessage.Type.REVOKE || !change.key) return null;
  return group && change.key.fromMe === false ? "8" : "7";
};

export interface Envelope {
  /** Attributes of `<message>`. */
  readonly attrs: Record<string, string>;
  /** Attributes of each `<enc>`. */
  readonly enc: Record<string, string>;
  /** Attributes of a `<meta>` child, if there is one. */
  readonly meta: Record<string, string> | null;
}

export const envelopeOf = (message: proto.IMessage, group: boolean): Envelope => {
  const inner = normalizeMessageContent(message) ?? message;
  const type = typeOf(inner);
  const media = mediaOf(message);
  const edit = editOf(inner, group);
  const hidden = Boolean(inner.pinInChatMessage ?? inner.reactionMessage);
  const poll = Boolean(inner.pollCreationMessage ?? inner.pollCreationMessageV2 ?? inner.pollCreationMessageV3);
  return {
    attrs: { type, ...(edit === null ? {} : { edit }) },
    enc: { ...(media === null ? {} : { mediatype: media }), ...(hidden ? { "decrypt-fail": "hide" } : {}) },
    meta: poll ? { polltype: "creation" } : inner.eventMessage ? { event_type: "creation" } : null,
  };
};
