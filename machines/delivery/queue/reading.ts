/** What a queue reads in the store and writes there. */
import type { Millis } from "../../ports/ids.ts";
import type { OutboxRow } from "../../ports/store.ts";
import type { Row } from "../window-row.ts";
import { prove, writeDoubts } from "./proofs.ts";
import type { QueueState } from "./state.ts";

export const onHeld = (queue: QueueState, rows: readonly OutboxRow[], more: boolean, at: Millis): void => {
  queue.readFailures = 0;
  if (more) {
    queue.held = { state: "wanted", limit: queue.held.limit * 2 };
    return;
  }
  queue.held.state = "known";
  arrived(queue, queue.window.adopt(rows, at), at);
};

export const onPage = (queue: QueueState, rows: readonly OutboxRow[], more: boolean, at: Millis): void => {
  queue.readFailures = 0;
  arrived(queue, queue.window.page(rows, more, at), at);
};

export const arrived = (queue: QueueState, rows: readonly Row[], at: Millis): void => {
  for (const row of rows) {
    if (row.phase === "unanswered") {
      queue.unanswered.add(row);
      if (queue.line?.isUp) queue.window.wake(row, Math.max(at, queue.line.resolveUntil));
      writeDoubts(queue, row);
    }
    const proof = queue.lookups.take(row.waId);
    if (proof) prove(queue, row, proof, at);
  }
};

export const onStoreFailed = (queue: QueueState, op: string, at: Millis): void => {
  const backOff = (failures: number): Millis => queue.backOff(failures);
  if (op === "outbox.record") return queue.recorder.failed(at, backOff);
  if (op === "outbox.get") return queue.lookups.failed(at, backOff);
  if (op === "outbox.list") queue.held.state = "wanted";
  else queue.window.unread();
  queue.readAt = at + queue.backOff(++queue.readFailures);
};

export const askStore = (queue: QueueState, at: Millis): void => {
  const changes = queue.recorder.next(at);
  if (changes) queue.out.push({ op: "store", ask: { op: "outbox.record", changes } });
  const waId = queue.lookups.next(at);
  if (waId !== null) queue.out.push({ op: "store", ask: { op: "outbox.get", waId } });
  if (at < queue.readAt) return;
  if (queue.held.state === "wanted") {
    queue.held.state = "asked";
    queue.out.push({
      op: "store",
      ask: { op: "outbox.list", seat: queue.seat, states: ["held"], limit: queue.held.limit },
    });
  }
  if (queue.held.state !== "known") return;
  const read = queue.window.nextRead();
  if (read) queue.out.push({ op: "store", ask: { op: "outbox.open", seat: queue.seat, ...read } });
};
