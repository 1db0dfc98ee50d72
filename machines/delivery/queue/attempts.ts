/** An attempt passed the gate, or did not leave. */
import { detectorOf, type QueueEvent, tell } from "../../protocol.ts";
import { refusalReason } from "../refusals.ts";
import { isPreparing, isUnderWay, lastDoubt, type Row } from "../window-row.ts";
import { hold, refuse } from "./fates.ts";
import { giveUp, lineDown, lineUp } from "./holder.ts";
import { takeBack } from "./openings.ts";
import { finish } from "./proofs.ts";
import { depart } from "./rerouting.ts";
import { attempt, type QueueState } from "./state.ts";
import { spoke } from "./yielding.ts";

type Sent = Extract<QueueEvent, { type: "sent" }>;
type Unsent = Extract<QueueEvent, { type: "unsent" }>;

export const onSent = (queue: QueueState, { message, attempt: number, at }: Sent): void => {
  const row = queue.window.get(message);
  if (!row || row.attempt !== number || !isPreparing(row)) return;
  row.tries = 0;
  if (row.proof) {
    // The one before may stay unanswered: that is why the phone may see two.
    queue.write(row, attempt(number, "acknowledged", row.proof.by));
    return finish(queue, row, at);
  }
  const line = queue.line;
  // Facts come in order: what is sent after the link was lost went out on the next one.
  if (line?.device !== row.device) return giveUp(queue, row, at);
  queue.asked.delete(row);
  queue.orphaned.delete(row);
  queue.sent.add(row);
  spoke(queue, row.conversation.id);
  queue.window.move(row, "sent", at);
  if (row.device) queue.out.push(tell(detectorOf(row.device), { type: "attempt.sent", message }));
  if (line && !line.isUp && row.opening === queue.openings) lineUp(queue, line, at);
};

export const onUnsent = (queue: QueueState, unsent: Unsent): void => {
  const { message, attempt: number, why } = unsent;
  const row = queue.window.get(message);
  if (!row || row.attempt !== number) return;
  takeBack(queue, row);
  const outcome = attempt(number, "unsent", why);
  if (isUnderWay(row)) {
    queue.asked.delete(row);
    queue.orphaned.delete(row);
    queue.sent.delete(row);
    if (row.proof) {
      queue.write(row, outcome);
      queue.write(row, attempt(lastDoubt(row), "acknowledged", row.proof.by));
      return finish(queue, row, unsent.at);
    }
    queue.record(row, { type: "attempt.unsent", doubtful: row.doubts.length > 0 && !row.approved }, null, outcome);
  } else if (row.phase === "unanswered" && lastDoubt(row) === number) {
    // It had been waited for too long.
    queue.unanswered.delete(row);
    row.doubts.pop();
    if (row.doubts.length === 0) queue.record(row, { type: "attempt.unsent", doubtful: false }, null, outcome);
    else queue.write(row, outcome);
  } else return;
  afterUnsent(queue, row, unsent);
};

const afterUnsent = (queue: QueueState, row: Row, { why, detail, code, at }: Unsent): void => {
  if (row.isCancelled) return queue.window.settle(row, at);
  if (row.isLeaving) return queue.window.leave(row);
  const line = queue.line;
  const isCurrent = line !== null && row.opening === queue.openings && row.device === line.device;
  if (line && isCurrent && !line.isUp) line.retryAt = at + queue.config.linkRetry;
  switch (why) {
    case "stale":
      if (isCurrent && row.staleIn === queue.openings) {
        // Twice under one opening, so it is not the seat that was lost: the row is no longer ours, or not open. The store knows.
        depart(queue, row.conversation.id);
        return queue.window.leave(row);
      }
      row.staleIn = row.opening;
      if (line && isCurrent) lineDown(queue, line, at);
      return queue.window.move(row, "ready", at);
    case "closed":
      if (line && isCurrent) lineDown(queue, line, at);
      return queue.window.move(row, "ready", at);
    case "unpreparable":
      return refuse(queue, row, code === undefined ? `unpreparable: ${detail}` : refusalReason(code, detail), at);
    case "store":
    case "lookup":
      row.tries++;
      if (why === "lookup" && row.tries >= queue.config.lookupLimit) {
        return hold(queue, row, `WhatsApp did not answer what is needed to encrypt (${row.tries} times): ${detail}`, at);
      }
      return queue.window.move(row, "delayed", at, at + queue.backOff(row.tries));
  }
};
