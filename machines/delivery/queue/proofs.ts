/** WhatsApp has a message: by its ack, its copy on a twin, or a receipt. */
import { accountOf, type Millis, type WaId } from "../../ports/ids.ts";
import type { OutboxRow } from "../../ports/store.ts";
import { detectorOf, tell } from "../../protocol.ts";
import { isProved } from "../outbox-state.ts";
import { stepOutbox } from "../outbox.ts";
import { emptyConversation, isPreparing, lastDoubt, type Proof, type Row, rowFrom } from "../window-row.ts";
import { learn } from "./openings.ts";
import { attempt, type QueueState } from "./state.ts";

export const onProved = (queue: QueueState, waId: WaId, { by, receipt }: Proof, at: Millis): void => {
  const row = queue.window.byWaId(waId);
  if (row) prove(queue, row, { by, receipt }, at);
  else queue.lookups.add(waId, { by, receipt });
};

export const onLookedUp = (queue: QueueState, stored: OutboxRow | null, at: Millis): void => {
  const lookup = queue.lookups.done();
  if (!lookup) return;
  let row = queue.window.byWaId(lookup.waId);
  if (!row) {
    if (!stored || stored.waId !== lookup.waId) return;
    // Another queue has it by now, and waits for nobody's word but WhatsApp's.
    const { waId, proof } = lookup;
    if (stored.seat !== queue.seat) queue.out.push(tell(`queue:${stored.seat}`, { type: "proved", waId, ...proof }));
    row = rowFrom(stored, emptyConversation(stored.conversation), at);
    row.phase = "settled";
    row.content = null;
    queue.window.remember(row);
    writeDoubts(queue, row);
  }
  prove(queue, row, lookup.proof, at);
};

/** WhatsApp has the message, whichever attempt it was. */
export const prove = (queue: QueueState, row: Row, proof: Proof, at: Millis): void => {
  const wasSent = queue.sent.delete(row);
  if (wasSent) {
    queue.lastProofAt = at;
    if (row.device) {
      // A receipt may be about an earlier attempt, on another number.
      if (proof.by === "ack" || row.doubts.length === 0) learn(queue, row.conversation, accountOf(row.device));
      const event = { type: "attempt.answered", message: row.id, byAck: proof.by === "ack" } as const;
      queue.out.push(tell(detectorOf(row.device), event));
    }
  }
  const before = row.state;
  row.state = stepOutbox(before, { type: "attempt.proved", doubtful: row.doubts.length > 0 });
  if (proof.receipt) {
    row.state = stepOutbox(row.state, { type: proof.receipt === "read" ? "message.read" : "message.delivered" });
  }
  if (row.state !== before) {
    row.reason = null;
    const number = wasSent ? row.attempt : lastDoubt(row);
    const isKnown = number > 0 && !isProved(before) && !isPreparing(row);
    queue.write(row, isKnown ? attempt(number, "acknowledged", proof.by) : null);
  }
  if (row.phase === "settled") return;
  if (isPreparing(row)) {
    // What is being prepared can't be called back: its conversation waits until that is over.
    row.proof ??= proof;
    return;
  }
  queue.unanswered.delete(row);
  queue.inquiring.delete(row);
  queue.window.settle(row, at);
};

/** The attempt that was being prepared when proof of an earlier one came is over. */
export const finish = (queue: QueueState, row: Row, at: Millis): void => {
  queue.asked.delete(row);
  queue.orphaned.delete(row);
  queue.window.settle(row, at);
};

/** The store may believe that somebody still waits for these attempts. */
export const writeDoubts = (queue: QueueState, row: Row): void => {
  for (const { number } of row.doubts) queue.write(row, attempt(number, "unanswered", null));
};
