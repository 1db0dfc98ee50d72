/** Conversations that another seat may get, so that what waits is shared out again: which ones are let go. */
import type { ConversationId, Millis } from "../../ports/ids.ts";
import { tell } from "../../protocol.ts";
import { type Conversation, isGroup, type Row } from "../window-row.ts";
import type { QueueState } from "./state.ts";

/**
 * The conversation stands still from here on until the roster says what became of it, however long that takes: whatever left in
 * the meantime would come from another number than what follows.
 */
export const letGo = (queue: QueueState, conversation: ConversationId, at: Millis): void => {
  const row = queue.window.firstOf(conversation);
  const why = whyKept(queue, row);
  if (!row || why) {
    queue.out.push(tell("roster", { type: "conversation.kept", conversation, why: why ?? "nothing of it waits here" }));
    return;
  }
  row.askedFor = queue.line?.account ?? null;
  row.askedAs = "rebalance";
  queue.window.yields(row, at);
  const { id: message, seq } = row;
  queue.out.push(tell("roster", { type: "conversation.yielded", seat: queue.seat, conversation, message, seq }));
};

const whyKept = (queue: QueueState, row: Row | undefined): string | null => {
  if (row === undefined) return "nothing of it waits here";
  const { conversation } = row;
  if (queue.held.state !== "known" || conversation.slot < 0) return "it is not its turn, or not known whether it is";
  if (conversation.rows.some(({ doubts, phase }) => doubts.length > 0 || phase !== "ready"))
    return "something of it is under way";
  if (conversation.rows.some(({ refusedBy }) => refusedBy.length > 0)) return "WhatsApp has refused it to a number of the line";
  if (queue.recorder.concerns(conversation.id)) return "something of it is being written down";
  if (isGroup(row)) return "it is a group, and the other number may be no member";
  return hasBegun(queue, conversation) ? "its contact knows a number of the line" : null;
};

export const hasBegun = (queue: QueueState, { id, hasBegun, warmOn, openedOn }: Conversation): boolean => {
  return hasBegun || warmOn !== null || openedOn !== null || queue.spoken.has(id);
};

/** Something of it has left: whether or not that is ever proved. */
export const spoke = (queue: QueueState, conversation: ConversationId): void => {
  queue.spoken.add(conversation);
  if (queue.spoken.size > queue.config.known) queue.spoken.delete(queue.spoken.values().next().value as ConversationId);
};
