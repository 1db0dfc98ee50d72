/** Whether a message begins a conversation of an account that may begin only so many (caps.ts), and what waits until it may. */
import type { AccountId, ConversationId, Millis } from "../../ports/ids.ts";
import { tell } from "../../protocol.ts";
import { type Conversation, isGroup, type Row } from "../window-row.ts";
import type { QueueState } from "./state.ts";

/** The contact is new to an account with a cap, as far as is known. */
export const isOpening = (queue: QueueState, row: Row, account: AccountId): boolean => {
  const { warmOn, openedOn, id } = row.conversation;
  const isKnown = warmOn === account || openedOn === account || queue.known.get(id) === account;
  return queue.allowance.isCounted(account) && !isKnown && !isGroup(row);
};

/** It was asked a moment ago. The contact may have written since. */
export const isKnownCold = (queue: QueueState, { conversation: { cold } }: Row, account: AccountId, at: Millis): boolean => {
  return cold?.on === account && at - cold.at < queue.config.coldFor;
};

export const learn = (queue: QueueState, conversation: Conversation, account: AccountId): void => {
  conversation.warmOn = account;
  if (!queue.allowance.isCounted(account)) return;
  queue.known.delete(conversation.id);
  queue.known.set(conversation.id, account);
  if (queue.known.size > queue.config.known) queue.known.delete(queue.known.keys().next().value as ConversationId);
};

/** Only the store knows whom the account has spoken to. False: enough is asked already. */
export const inquire = (queue: QueueState, row: Row, account: AccountId, at: Millis): boolean => {
  if (queue.inquiring.size >= queue.config.inquiries) return false;
  const as = queue.allowance.nextAt(account, true, at) > at ? "full" : "new";
  row.askedFor = account;
  row.askedAs = as;
  queue.inquiring.add(row);
  queue.window.move(row, "rerouting", at);
  const { id: conversation } = row.conversation;
  queue.out.push(
    tell("roster", { type: "reroute.request", seat: queue.seat, conversation, message: row.id, unlessWarm: account, as }),
  );
  return true;
};

/** Something new for a conversation that waits for room: perhaps because the contact has written. */
export const askAnew = (queue: QueueState, id: ConversationId, at: Millis): void => {
  const row = queue.postponed.size > 0 ? queue.window.firstOf(id) : undefined;
  if (row?.phase !== "capped") return;
  row.conversation.cold = null;
  row.cappedOn = null;
  queue.window.move(row, "ready", at);
};

/** The first of those that wait, as soon as there is room for it. */
export const resume = (queue: QueueState, account: AccountId, at: Millis): void => {
  if (queue.postponed.size === 0 || queue.resumed?.phase === "ready") return;
  if (queue.allowance.nextAt(account, true, at) > at) return;
  queue.resumed = queue.postponed.next() ?? null;
  if (queue.resumed) queue.window.move(queue.resumed, "ready", at);
};

export const takeBack = (queue: QueueState, row: Row): void => {
  if (!row.counted) return;
  const { account, opens, at } = row.counted;
  row.counted = null;
  queue.allowance.takeBack(account, opens, at);
  if (opens && row.conversation.openedOn === account) row.conversation.openedOn = null;
};

export const postpone = (queue: QueueState, row: Row, at: Millis): void => {
  queue.window.move(row, "capped", at);
  queue.postponed.add(row);
};
