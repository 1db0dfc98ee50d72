/**
 * What of the traffic is a sign of the account's own phone, its device 0: an address without a device.
 *
 * Only what one device says for itself. Receipts of reading speak of the person, and may tell what was read on another companion.
 */
import { jidDecode } from "@whiskeysockets/baileys";
import type { BinaryNode } from "@whiskeysockets/baileys";
import type { Millis } from "../../../machines/ports/ids.ts";
import { authorOf } from "./inbound.ts";

/** It has a copy of ours, can't read it, or has what its companions asked of it. */
const OF_A_DEVICE: ReadonlySet<string | undefined> = new Set(["sender", "retry", "peer_msg", "hist_sync"]);

/** Of a message or a receipt. */
export const isFromPhone = (stanza: BinaryNode, isMe: (jid: string) => boolean): boolean => {
  if (stanza.tag === "receipt" && !OF_A_DEVICE.has(stanza.attrs["type"])) return false;
  const author = authorOf(stanza);
  return (jidDecode(author)?.device ?? 0) === 0 && isMe(author);
};

/** `at`: when we heard of it. What waited for us tells by WhatsApp's clock when that was. */
export const signedAt = ({ attrs: { offline, t } }: BinaryNode, at: Millis): Millis => {
  const then = offline === undefined ? Number.NaN : Number(t) * 1000;
  return Number.isFinite(then) ? Math.min(at, then) : at;
};
