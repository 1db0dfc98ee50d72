/** What waits in a queue, for those who ask. */
import type { ConversationId, Millis } from "../../ports/ids.ts";
import type { Phase } from "../window-row.ts";
import type { QueueState } from "./state.ts";
import { hasBegun } from "./yielding.ts";

const OWED: ReadonlySet<Phase> = new Set<Phase>(["ready", "delayed", "asked", "orphaned", "sent", "unanswered", "rerouting"]);

export type Backlog = { conversation: ConversationId; waiting: number; isBusy: boolean; hasBegun: boolean }[];

/**
 * What waits, by conversation, as far as it is in memory. `isBusy`: something is under way, unanswered or held. `hasBegun`: the
 * contact knows a number of the line, as far as the queue knows.
 */
export const backlogOf = (queue: QueueState): Backlog =>
  [...queue.window.conversations].flatMap((conversation) => {
    const { id, rows } = conversation;
    const waiting = rows.filter(({ phase }) => phase === "ready" || phase === "delayed");
    const isBusy = waiting.length < rows.length || rows.some(({ doubts }) => doubts.length > 0);
    return waiting.length > 0
      ? [{ conversation: id, waiting: waiting.length, isBusy, hasBegun: hasBegun(queue, conversation) }]
      : [];
  });

/**
 * When the oldest message was accepted that could have had WhatsApp's word by now, as far as it is in memory: what is paced, capped
 * or held, or waits behind such a one, owes nobody an answer. Null: none.
 */
export const owesSince = (queue: QueueState): Millis | null => {
  const isPaced = queue.pacedUntil !== null;
  let oldest: Millis | null = null;
  for (const { rows } of queue.window.conversations) {
    const [first] = rows;
    if (!first || !OWED.has(first.phase) || (isPaced && first.phase === "ready")) continue;
    if (oldest === null || first.acceptedAt < oldest) oldest = first.acceptedAt;
  }
  return oldest;
};
