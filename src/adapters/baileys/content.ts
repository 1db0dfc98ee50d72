/** What we were asked to send, as WhatsApp's message and as the attributes of the stanza that carries it. */
import { normalizeMessageContent, proto } from "@whiskeysockets/baileys";
import type { MessageContent } from "../../../machines/ports/store.ts";

/** The message that a reply answers: who wrote it, and what it said. */
export interface Quoted {
  readonly author: string;
  readonly message: proto.IMessage;
}

/** @throws if raw bytes are no message */
export const messageOf = (content: MessageContent, quoted: Quoted | null): proto.IMessage => {
  if (content.kind === "raw") {
    const message = proto.Message.decode(content.proto);
    if (Object.keys(message).length === 0) throw new Error("the bytes hold no message");
    return message;
  }
  if (content.replyTo === undefined) return { conversation: content.text };
  return {
    extendedTextMessage: {
      text: content.text,
      contextInfo: {
        stanzaId: content.replyTo,
        ...(quoted ? { participant: quoted.author, quotedMessage: quoted.message } : {}),
      },
    },
  };
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
