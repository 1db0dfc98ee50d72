/** The deep check: may the account open new chats, and how many? Can people who write to the device first still encrypt for it? */
import { type BinaryNode, S_WHATSAPP_NET, type WASocket } from "@whiskeysockets/baileys";
import type { Finding } from "../../../machines/ports/connection.ts";
import { childOf } from "./stanza.ts";

/** @throws if WhatsApp does not answer one of the questions, or answers with an error */
export const deepCheck = async (sock: WASocket): Promise<Finding> => {
  const [lock, cap, preKeys] = await Promise.all([
    sock.fetchAccountReachoutTimelock(),
    sock.fetchNewChatMessageCap(),
    countPreKeys(sock),
  ]);
  const restricted = lock.isActive === true;
  return {
    standing: restricted ? "restricted" : "good",
    until: restricted ? (lock.timeEnforcementEnds?.getTime() ?? null) : null,
    cap: typeof cap?.total_quota === "number" ? Math.max(0, cap.total_quota - (cap.used_quota ?? 0)) : null,
    preKeys,
  };
};

const countPreKeys = async (sock: WASocket): Promise<number | null> => {
  const attrs = { id: sock.generateMessageTag(), xmlns: "encrypt", type: "get", to: S_WHATSAPP_NET };
  const answer: BinaryNode = await sock.query({ tag: "iq", attrs, content: [{ tag: "count", attrs: {} }] });
  const value = Number.parseInt(childOf(answer, "count")?.attrs["value"] ?? "", 10);
  return Number.isNaN(value) ? null : value;
};
