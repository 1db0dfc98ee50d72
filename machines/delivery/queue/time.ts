/** What time brings by itself. */
import type { Millis } from "../../ports/ids.ts";
import { tell } from "../../protocol.ts";
import { isExpired, type Row } from "../window-row.ts";
import { decide, fail, hold } from "./fates.ts";
import { giveUp, lineDown, orphan } from "./holder.ts";
import { finish } from "./proofs.ts";
import { NEVER, type QueueState } from "./state.ts";

const EXPIRED: Readonly<Partial<Record<Row["phase"], string>>> = {
  held: "expired while held",
  unanswered: "expired while unanswered",
  capped: "expired: the account might begin no more conversations in that time",
};

export const onDue = (queue: QueueState, at: Millis): void => {
  const { ackFor, askedFor, orphanedFor, muteLimit } = queue.config;
  for (const row of queue.sent) {
    const isMute = at - row.since >= ackFor && (queue.lastProofAt > row.since || at - row.since >= 3 * ackFor);
    if (!isMute) break;
    row.mute++;
    giveUp(queue, row, at);
    if (row.phase !== "unanswered") continue;
    if (row.mute >= muteLimit) hold(queue, row, `${row.mute} attempts got no answer on links that answered others`, at);
    else decide(queue, row, at);
  }
  for (const row of queue.asked) {
    if (at - row.since < askedFor) break;
    const line = queue.line;
    if (line && row.device === line.device && row.opening === queue.openings) {
      queue.out.push(tell(`connection:${line.device}`, { type: "redial.request" }));
      if (line.isUp) lineDown(queue, line, at);
    }
    orphan(queue, row, at);
  }
  for (const row of queue.orphaned) {
    if (at - row.since < orphanedFor) break;
    if (row.proof) finish(queue, row, at);
    else giveUp(queue, row, at);
  }
  for (const row of queue.inquiring) {
    if (at - row.since < askedFor) break;
    queue.inquiring.delete(row);
    queue.window.move(row, "ready", at);
  }
  // Last, because what was just given up may have expired long ago.
  for (let row = queue.window.due.peek(); row && row.dueAt <= at; row = queue.window.due.peek()) {
    if (row.phase === "unanswered" && queue.line?.isUp) decide(queue, row, at);
    else if (isExpired(row, at)) fail(queue, row, EXPIRED[row.phase] ?? "expired", at);
    else queue.window.move(row, "ready", at);
  }
};

export const resolve = (queue: QueueState, at: Millis): void => {
  const line = queue.line;
  if (!line || line.isResolved) return;
  const isKnown = queue.held.state === "known" && queue.window.hasRead;
  if (at < line.resolveUntil && !(isKnown && queue.unanswered.size === 0)) return;
  line.isResolved = true;
  queue.out.push(tell(`sender:${queue.seat}`, { type: "queue.resolved" }));
};

const isUnderWay = ({ asked, sent, orphaned }: QueueState): boolean => asked.size + sent.size + orphaned.size > 0;

export const sayDrained = (queue: QueueState): void => {
  if (queue.drain !== "wanted" || isUnderWay(queue)) return;
  queue.drain = "told";
  queue.out.push(tell(`sender:${queue.seat}`, { type: "queue.drained" }));
};

/** Whoever reads its rows in the store from now on reads what is known here. */
export const saySettled = (queue: QueueState): void => {
  if (!queue.settles || isUnderWay(queue) || !queue.recorder.isIdle) return;
  queue.settles = false;
  queue.out.push(tell("roster", { type: "post.settled", post: queue.seat }));
};

/** When something happens by itself. */
export const wakeAt = (queue: QueueState, at: Millis): Millis | null => {
  const { ackFor, askedFor, orphanedFor } = queue.config;
  let wake = queue.window.due.peek()?.dueAt ?? NEVER;
  const sent = first(queue.sent);
  if (sent) wake = Math.min(wake, sent.since + (at - sent.since < ackFor ? ackFor : 3 * ackFor));
  const asked = first(queue.asked);
  if (asked) wake = Math.min(wake, asked.since + askedFor);
  const orphaned = first(queue.orphaned);
  if (orphaned) wake = Math.min(wake, orphaned.since + orphanedFor);
  const inquiry = first(queue.inquiring);
  if (inquiry) wake = Math.min(wake, inquiry.since + askedFor);
  if (queue.line && !queue.line.isResolved) wake = Math.min(wake, queue.line.resolveUntil);
  if (queue.line && !queue.line.isUp && queue.line.retryAt > at) wake = Math.min(wake, queue.line.retryAt);
  if (queue.pacedUntil !== null) wake = Math.min(wake, queue.pacedUntil);
  if (queue.line?.isUp && queue.drain === "no" && queue.postponed.size > 0) {
    const nextAt = queue.allowance.nextAt(queue.line.account, true, at);
    // Something else keeps it, or there is room and no turn.
    if (nextAt > at) wake = Math.min(wake, nextAt);
  }
  if (queue.readAt > at) wake = Math.min(wake, queue.readAt);
  wake = Math.min(wake, queue.recorder.retryAt ?? NEVER, queue.lookups.retryAt ?? NEVER);
  return wake === NEVER ? null : wake;
};

const first = (rows: ReadonlySet<Row>): Row | undefined => rows.values().next().value;
