/** The deep check: may the account open new chats, and how many? */
import type { WASocket } from "@whiskeysockets/baileys";
import type { ConnectionFact } from "../../../machines/ports/connection.ts";

type Finding = NonNullable<Extract<ConnectionFact, { kind: "checked" }>["finding"]>;

/** @throws if WhatsApp does not answer one of the two questions, or answers with an error */
export const checkStanding = async (sock: WASocket): Promise<Finding> => {
  const [lock, cap] = await Promise.all([sock.fetchAccountReachoutTimelock(), sock.fetchNewChatMessageCap()]);
  const restricted = lock.isActive === true;
  return {
    standing: restricted ? "restricted" : "good",
    until: restricted ? (lock.timeEnforcementEnds?.getTime() ?? null) : null,
    cap: typeof cap?.total_quota === "number" ? Math.max(0, cap.total_quota - (cap.used_quota ?? 0)) : null,
  };
};
