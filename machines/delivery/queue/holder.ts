/** Who speaks for the seat: what its queue does when it is opened and closed, and when a link is lost. */
import { accountOf, type DeviceId, type Millis } from "../../ports/ids.ts";
import { detectorOf, type QueueEvent, tell } from "../../protocol.ts";
import type { Row } from "../window-row.ts";
import { attempt, type Line, NEVER, type QueueState } from "./state.ts";

export const open = (queue: QueueState, event: Extract<QueueEvent, { type: "queue.open" }>): void => {
  const { device, account, term, resolveFor, at } = event;
  if (queue.line && queue.line.device !== device) giveUpAll(queue, queue.line.device, at);
  queue.buckets.leaves(queue.seat);
  queue.openings++;
  queue.drain = "no";
  queue.settles = false;
  queue.line = {
    device,
    account,
    term,
    resolveFor,
    resolveUntil: at + resolveFor,
    isResolved: false,
    isUp: true,
    retryAt: NEVER,
  };
  for (const row of queue.unanswered) queue.window.wake(row, at + resolveFor);
  // Whom the one before did not know, this one may.
  for (const row of queue.postponed.all()) queue.window.move(row, "ready", at);
};

export const close = (queue: QueueState, at: Millis): void => {
  if (queue.line) giveUpAll(queue, queue.line.device, at);
  queue.line = null;
  queue.buckets.leaves(queue.seat);
  for (const row of queue.unanswered) queue.window.wake(row, NEVER);
};

export const onLinkLost = (queue: QueueState, device: DeviceId, at: Millis): void => {
  giveUpAll(queue, device, at);
  if (queue.line?.device === device) lineDown(queue, queue.line, at);
};

export const lineDown = (queue: QueueState, line: Line, at: Millis): void => {
  line.isUp = false;
  line.retryAt = at + queue.config.linkRetry;
  for (const row of queue.unanswered) queue.window.wake(row, NEVER);
};

/** A message passed the gate on a link that was believed lost. */
export const lineUp = (queue: QueueState, line: Line, at: Millis): void => {
  line.isUp = true;
  line.retryAt = NEVER;
  for (const row of queue.unanswered) queue.window.wake(row, at + line.resolveFor);
};

/** Nothing more will be heard on the device's link about what is under way, except whether it was sent. */
const giveUpAll = (queue: QueueState, device: DeviceId, at: Millis): void => {
  for (const row of queue.sent) if (row.device === device) giveUp(queue, row, at);
  for (const row of queue.asked) if (row.device === device) orphan(queue, row, at);
};

export const orphan = (queue: QueueState, row: Row, at: Millis): void => {
  queue.asked.delete(row);
  queue.window.move(row, "orphaned", at);
  queue.orphaned.add(row);
};

/** The attempt is unanswered. */
export const giveUp = (queue: QueueState, row: Row, at: Millis): void => {
  const wasSent = queue.sent.delete(row);
  if (wasSent && row.device) queue.out.push(tell(detectorOf(row.device), { type: "attempt.dropped", message: row.id }));
  queue.asked.delete(row);
  queue.orphaned.delete(row);
  if (row.device) row.doubts.push({ account: accountOf(row.device), number: row.attempt });
  row.approved = false;
  queue.record(row, { type: "attempt.lost" }, null, attempt(row.attempt, "unanswered", null));
  if (row.isLeaving) return queue.window.leave(row);
  queue.unanswered.add(row);
  const line = queue.line;
  queue.window.move(row, "unanswered", at, line?.isUp ? at + line.resolveFor : NEVER);
};
