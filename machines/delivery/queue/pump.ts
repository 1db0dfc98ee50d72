/** What is handed over next. */
import type { Millis } from "../../ports/ids.ts";
import { stepOutbox } from "../outbox.ts";
import { refusalReason } from "../refusals.ts";
import { isExpired, type Row } from "../window-row.ts";
import { decide, fail, hold, mustHold, refuse } from "./fates.ts";
import { inquire, isKnownCold, isOpening, postpone, resume } from "./openings.ts";
import { mayNotBegin, reroute } from "./rerouting.ts";
import type { Line, QueueState } from "./state.ts";

export const pump = (queue: QueueState, at: Millis): void => {
  queue.pacedUntil = null;
  const line = queue.line;
  if (line) queue.buckets.prepares(line.account, queue.seat, queue.asked.size, at);
  if (!line || queue.drain !== "no" || queue.held.state !== "known" || queue.recorder.isFull) return;
  if (!line.isUp && (at < line.retryAt || queue.asked.size > 0)) return;
  const allowed = line.isUp ? queue.config.perDevice : 1;
  if (!line.isUp) {
    for (const row of queue.unanswered) {
      if (queue.window.ready.size > 0) break;
      decide(queue, row, at);
    }
  }
  const { account } = line;
  const mostAsked = queue.buckets.most(account);
  while (queue.asked.size + queue.sent.size < allowed && queue.asked.size < mostAsked) {
    resume(queue, account, at);
    const row = queue.window.ready.peek()?.rows[0];
    if (!row) return;
    if (row.isCancelled) queue.window.settle(row, at);
    else if (isExpired(row, at)) fail(queue, row, row.state === "unanswered" ? "expired while unanswered" : "expired", at);
    else if (mustHold(queue, row)) hold(queue, row, "unanswered on another number", at);
    else if (row.refusedBy.includes(line.account) && !mayAnotherTry(queue, row)) refuse(queue, row, refusalReason(463), at);
    else if (row.refusedBy.includes(line.account)) reroute(queue, row, line.account, { unlessWarm: false }, at);
    else if (mayNotBegin(queue, row, line)) reroute(queue, row, line.account, { unlessWarm: true }, at);
    else {
      const nextAt = queue.allowance.nextAt(account, false, at);
      const pacedUntil = nextAt > at ? nextAt : queue.buckets.nextAt(account, queue.seat, at);
      if (pacedUntil > at) {
        queue.pacedUntil = pacedUntil;
        return;
      }
      const opens = isOpening(queue, row, account);
      const isFull = opens && queue.allowance.nextAt(account, true, at) > at;
      if (isFull && row.cappedOn === account) {
        postpone(queue, row, at);
        continue;
      }
      if (opens && (isFull || !isKnownCold(queue, row, account, at))) {
        if (!inquire(queue, row, account, at)) return;
        continue;
      }
      queue.buckets.take(account, queue.seat, at);
      send(queue, row, line, opens, at);
    }
  }
};

/** One other number may, unless the line says that none should: a contact that two numbers may not write to would cost a third. */
const mayAnotherTry = (queue: QueueState, { refusedBy }: Row): boolean =>
  queue.config.whenRefused === "reroute" && new Set(refusedBy).size < 2;

const send = (queue: QueueState, row: Row, line: Line, opens: boolean, at: Millis): void => {
  const { device, term, account } = line;
  const { id: message, waId, contact, content } = row;
  if (!content) throw new Error(`${message} is settled and was about to be sent again`);
  row.attempt++;
  row.device = device;
  row.term = term;
  row.opening = queue.openings;
  row.state = stepOutbox(row.state, { type: "attempt.begun" });
  queue.window.move(row, "asked", at);
  queue.asked.add(row);
  queue.buckets.prepares(line.account, queue.seat, queue.asked.size, at);
  const isCounted = queue.allowance.isCounted(account);
  row.counted = isCounted ? { account, opens, at } : null;
  queue.allowance.count(account, opens, at);
  if (opens) row.conversation.openedOn = account;
  const { attempt: number } = row;
  const counts = isCounted ? { counts: { opens } } : {};
  queue.out.push({
    op: "connection",
    command: { op: "send", device, seat: queue.seat, term, message, waId, contact, content, attempt: number, ...counts },
  });
};
