/** What becomes of a message in the end: held, failed, called back, or tried once more. */
import type { MessageId, Millis } from "../../ports/ids.ts";
import { stepOutbox } from "../outbox.ts";
import { isExpired, type Phase, type Row } from "../window-row.ts";
import type { Outcome, QueueState } from "./state.ts";

const DROPPABLE: ReadonlySet<Phase> = new Set<Phase>(["ready", "delayed", "held", "releasing", "capped"]);

/** The store knows, and lets no attempt of it begin. What can't be dropped at once ends when it comes to its turn. */
export const onCancelled = (queue: QueueState, message: MessageId, at: Millis): void => {
  const row = queue.window.get(message);
  if (!row || row.phase === "settled") return;
  row.isCancelled = true;
  row.state = stepOutbox(row.state, { type: "fail" });
  if (DROPPABLE.has(row.phase)) queue.window.settle(row, at);
};

export const release = (queue: QueueState, message: MessageId, at: Millis): void => {
  const row = queue.window.get(message);
  if (row?.phase !== "held") return;
  row.approved = true;
  row.tries = 0;
  row.mute = 0;
  queue.record(row, { type: "release" }, null, null);
  queue.window.move(row, "releasing", at);
};

export const hold = (queue: QueueState, row: Row, reason: string, at: Millis): void => {
  queue.record(row, { type: "hold" }, reason, null);
  queue.unanswered.delete(row);
  queue.window.move(row, "held", at);
};

export const fail = (queue: QueueState, row: Row, reason: string, at: Millis, outcome: Outcome | null = null): void => {
  queue.inquiring.delete(row);
  queue.record(row, { type: "fail" }, reason, outcome);
  queue.unanswered.delete(row);
  queue.window.settle(row, at);
};

/** WhatsApp does not take it, or it can't be made for WhatsApp: people hear of it. What expires does so when its sender said. */
export const refuse = (queue: QueueState, row: Row, reason: string, at: Millis, outcome: Outcome | null = null): void => {
  fail(queue, row, reason, at, outcome);
  const data = { message: row.id, conversation: row.conversation.id, reason };
  queue.out.push({ op: "event", event: { type: "message.failed", subject: queue.seat, data } });
};

/** Its time of resolving is over. */
export const decide = (queue: QueueState, row: Row, at: Millis): void => {
  queue.unanswered.delete(row);
  if (isExpired(row, at)) fail(queue, row, "expired while unanswered", at);
  else if (mustHold(queue, row)) hold(queue, row, "unanswered on another number", at);
  else queue.window.move(row, "ready", at);
};

export const mustHold = (queue: QueueState, row: Row): boolean => {
  if (row.doubts.length === 0 || row.approved || queue.config.whenNumberChanges === "resend") return false;
  const account = queue.line?.account;
  return row.doubts.some((doubt) => doubt.account !== account);
};
