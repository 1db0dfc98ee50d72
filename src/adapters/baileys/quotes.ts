/** The message that another one answers or reacts to, as far as we know it: from the outbox, or from what the account received. */
import { getContentType, jidNormalizedUser, normalizeMessageContent, proto } from "@whiskeysockets/baileys";
import type { WaId } from "../../../machines/ports/ids.ts";
import type { InboundRow, OutboxRow } from "../../../machines/ports/store.ts";
import { type Quoted, quotable } from "./content.ts";

export interface Archive {
  readonly outbox: (waId: WaId) => Promise<OutboxRow | null>;
  readonly inbox: (waId: WaId) => Promise<InboundRow | null>;
}
export interface Chat {
  readonly address: string;
  readonly isGroup: boolean;
  /** Our own address in the chat's domain. */
  readonly self: string;
}

/** Of one that nobody knows only the id is known, and in a chat of two that it was not ours. */
export const quotedIn =
  ({ outbox, inbox }: Archive, { address, isGroup, self }: Chat) =>
  async (waId: WaId): Promise<Quoted> => {
    const key = { remoteJid: address, id: waId };
    const own = await outbox(waId);
    if (own) return { key: { ...key, fromMe: true }, author: self, message: quotable(own.content) };
    const row = await inbox(waId);
    const message = row && shown(row.proto);
    if (row?.fromMe) return { key: { ...key, fromMe: true }, author: self, message };
    if (!isGroup) return { key: { ...key, fromMe: false }, author: address, message };
    const author = row && jidNormalizedUser(row.sender);
    return { key: { ...key, fromMe: false, ...(author === null ? {} : { participant: author }) }, author, message };
  };

/** Without what it quotes itself: chains of answers would grow for ever. */
const shown = (bytes: Uint8Array): proto.IMessage => {
  const message = proto.Message.decode(bytes);
  const inner = normalizeMessageContent(message) ?? message;
  const field = getContentType(inner);
  const value = field && inner[field];
  if (typeof value === "object" && value !== null && "contextInfo" in value) value.contextInfo = null;
  return message;
};
