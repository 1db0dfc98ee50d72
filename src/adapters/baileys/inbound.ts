/**
 * Which inbox rows a decrypted stanza makes. Decided from the stanza and the plaintext alone, so that live messages, offline
 * replay, copies of our own account's messages and those that the phone resends all take this one way.
 *
 * No row for: what the account tells itself (`category=peer`, history), protocol messages (revokes, edits, key shares, settings), pure
 * sender-key distribution, status updates and channel posts: none of them is somebody writing to the line.
 */
import { isJidGroup, isJidNewsletter, isJidStatusBroadcast, jidNormalizedUser, proto } from "@whiskeysockets/baileys";
import type { BinaryNode } from "@whiskeysockets/baileys";
import type { AccountId, DeviceId, Millis, WaId } from "../../../machines/ports/ids.ts";
import type { InboundDraft } from "../../../machines/ports/store.ts";

export interface Owner {
  readonly account: AccountId;
  readonly device: DeviceId;
  /** Is this address our own account's, by number or by LID? */
  isMe(jid: string): boolean;
}

/** Fields that accompany a message and are none themselves. */
const COMPANIONS = new Set(["messageContextInfo", "senderKeyDistributionMessage", "fastRatchetKeySenderKeyDistributionMessage"]);

const hasContent = (message: proto.IMessage): boolean =>
  Object.entries(message).some(([field, value]) => value !== null && value !== undefined && !COMPANIONS.has(field));

export const authorOf = (stanza: BinaryNode): string => stanza.attrs["participant"] ?? stanza.attrs["from"] ?? "";

/** A message of our own account from another of its devices: the stanza says so before anything is decrypted. */
export const isCopy = (stanza: BinaryNode, owner: Owner): boolean => {
  const { from, participant, recipient, category } = stanza.attrs;
  if (category === "peer" || from === undefined) return false;
  return isJidGroup(from) === true
    ? participant !== undefined && owner.isMe(participant)
    : recipient !== undefined && owner.isMe(from);
};

/** What a phone sends when it was asked for a message that came without content (from an advertisement, for example). */
const resent = (message: proto.IMessage, owner: Owner, now: Millis): InboundDraft[] => {
  const results = message.protocolMessage?.peerDataOperationRequestResponseMessage?.peerDataOperationResult ?? [];
  const drafts: InboundDraft[] = [];
  for (const result of results) {
    const bytes = result.placeholderMessageResendResponse?.webMessageInfoBytes;
    if (!bytes) continue;
    const info = proto.WebMessageInfo.decode(bytes);
    const { id, remoteJid, participant, fromMe } = info.key ?? {};
    if (!id || !remoteJid || !info.message || !hasContent(info.message)) continue;
    drafts.push({
      account: owner.account,
      device: owner.device,
      waId: id as WaId,
      chat: jidNormalizedUser(remoteJid),
      sender: jidNormalizedUser(participant ?? remoteJid),
      fromMe: fromMe === true,
      proto: proto.Message.encode(info.message).finish(),
      sentAt: Number(info.messageTimestamp ?? 0) * 1000,
      receivedAt: now,
    });
  }
  return drafts;
};

export const draftsOf = (
  stanza: BinaryNode,
  outer: proto.IMessage,
  bytes: Uint8Array,
  owner: Owner,
  now: Millis,
): readonly InboundDraft[] => {
  const { id, from, recipient, category, t } = stanza.attrs;
  const author = authorOf(stanza);
  const sent = outer.deviceSentMessage?.message;
  const message = sent ?? outer;
  if (id === undefined || from === undefined) return [];
  if (message.protocolMessage) return owner.isMe(author) ? resent(message, owner, now) : [];
  if (category === "peer" || isJidStatusBroadcast(from) || isJidNewsletter(from) || !hasContent(message)) return [];
  const fromMe = owner.isMe(author);
  const chat = isJidGroup(from) ? from : jidNormalizedUser(fromMe ? (recipient ?? from) : from);
  return [
    {
      account: owner.account,
      device: owner.device,
      waId: id as WaId,
      chat,
      sender: jidNormalizedUser(author),
      fromMe,
      proto: sent ? proto.Message.encode(sent).finish() : bytes,
      sentAt: Number(t ?? 0) * 1000,
      receivedAt: now,
    },
  ];
};
