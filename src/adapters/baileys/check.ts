/** The deep check: may the account open new chats, and how many? Can people who write to the device first still encrypt for it? */
import {
  type BinaryNode,
  type NewChatMessageCapInfo,
  NewChatMessageCappingStatusType,
  type ReachoutTimelockState,
  S_WHATSAPP_NET,
  type WASocket,
} from "@whiskeysockets/baileys";
import type { Finding } from "../../../machines/ports/connection.ts";
import { childOf } from "./stanza.ts";

/** @throws if WhatsApp does not answer one of the questions, or answers with an error */
export const deepCheck = async (sock: WASocket): Promise<Finding> => {
  const [lock, cap, preKeys] = await Promise.all([
    sock.fetchAccountReachoutTimelock(),
    sock.fetchNewChatMessageCap(),
    countPreKeys(sock),
  ]);
  return {
    ...standingOf(lock, cap),
    cap: typeof cap?.total_quota === "number" ? Math.max(0, cap.total_quota - (cap.used_quota ?? 0)) : null,
    preKeys,
  };
};

type Judged = Pick<Finding, "standing" | "until">;

/** The restriction is the graver of the two. */
const standingOf = (lock: ReachoutTimelockState, cap: NewChatMessageCapInfo | null): Judged =>
  lock.isActive === true
    ? { standing: "restricted", until: lock.timeEnforcementEnds?.getTime() ?? null }
    : (cappedBy(cap) ?? { standing: "good", until: null });

/** A cap is used up if WhatsApp says so, whatever its numbers are: until the end of the cycle that it names. Undefined: it is not. */
export const cappedBy = (cap: NewChatMessageCapInfo | null): Judged | undefined => {
  if (cap?.capping_status !== NewChatMessageCappingStatusType.CAPPED) return undefined;
  const ends = Number(cap.cycle_end_timestamp) * 1000;
  return { standing: "capped", until: ends > 0 ? ends : null };
};

const countPreKeys = async (sock: WASocket): Promise<number | null> => {
  const attrs = { id: sock.generateMessageTag(), xmlns: "encrypt", type: "get", to: S_WHATSAPP_NET };
  const answer: BinaryNode = await sock.query({ tag: "iq", attrs, content: [{ tag: "count", attrs: {} }] });
  const value = Number.parseInt(childOf(answer, "count")?.attrs["value"] ?? "", 10);
  return Number.isNaN(value) ? null : value;
};
