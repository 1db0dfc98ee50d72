/** Conversations for which another seat is looked for, because the account may not write to them. */
import type { AccountId, ConversationId, MessageId, Millis } from "../../ports/ids.ts";
import { type QueueEvent, tell } from "../../protocol.ts";
import { refusalReason, untaken, UNTRIED } from "../refusals.ts";
import type { Row } from "../window-row.ts";
import { refuse } from "./fates.ts";
import { learn } from "./openings.ts";
import type { Line, QueueState } from "./state.ts";

/** `unlessWarm`: the account is restricted, but may write where it has written before. Otherwise it was refused. */
export const reroute = (
  queue: QueueState,
  row: Row,
  account: AccountId,
  { unlessWarm }: { readonly unlessWarm: boolean },
  at: Millis,
): void => {
  row.askedFor = account;
  row.askedAs = null;
  queue.window.move(row, "rerouting", at);
  const { id: conversation } = row.conversation;
  queue.out.push(
    tell("roster", {
      type: "reroute.request",
      seat: queue.seat,
      conversation,
      message: row.id,
      unlessWarm: unlessWarm ? account : null,
    }),
  );
};

/** What was asked for one account says nothing about another that speaks by now: then it is asked again. */
export const onNotRerouted = (
  queue: QueueState,
  message: MessageId,
  why: Extract<QueueEvent, { type: "notRerouted" }>["why"],
  at: Millis,
): void => {
  const row = queue.window.get(message);
  if (row?.phase !== "rerouting") return;
  queue.inquiring.delete(row);
  if (row.conversation.yielded === row) queue.window.stays(row, at);
  const line = queue.line;
  const isFinal = why === "nobody" && line !== null && row.askedFor === line.account && row.askedAs === null;
  if (why === "warm" && row.askedFor !== null) learn(queue, row.conversation, row.askedFor);
  else if (why === "known") row.conversation.hasBegun = true;
  else if ((row.askedAs === "new" || row.askedAs === "full") && why !== "store" && row.askedFor !== null)
    row.conversation.cold = { on: row.askedFor, at };
  if (row.askedAs === "full" && why === "nobody") row.cappedOn = row.askedFor;
  if (why === "store") queue.window.move(row, "delayed", at, at + queue.backOff(++row.tries));
  else if (isFinal && row.refusedBy.includes(line.account)) refuse(queue, row, untaken(refusalReason(463)), at);
  else if (isFinal && mayNotBegin(queue, row, line)) refuse(queue, row, UNTRIED, at);
  else queue.window.move(row, "ready", at);
};

/** The account is restricted, and the contact has not heard from it, or nobody knows. */
export const mayNotBegin = (queue: QueueState, row: Row, { account }: Line): boolean => {
  return queue.restricted.has(account) && row.conversation.warmOn !== account;
};

/** Whoever was asked knows of it no more. */
export const forgetAsked = (queue: QueueState, at: Millis): void => {
  queue.window.comeAll();
  queue.inquiring.clear();
  for (const { rows } of queue.window.conversations) {
    for (const row of rows) if (row.phase === "rerouting") queue.window.stays(row, at);
  }
};

export const depart = (queue: QueueState, conversation: ConversationId): void => {
  for (const row of queue.inquiring) if (row.conversation.id === conversation) queue.inquiring.delete(row);
  for (const row of queue.unanswered) if (row.conversation.id === conversation) queue.unanswered.delete(row);
  queue.window.depart(conversation);
};
