/**
 * The pump of one seat: takes its messages from the outbox, hands them to the holder's connection, and writes down what became
 * of them.
 *
 * Laws (test/delivery/laws.test.ts):
 * - what was accepted stays in the store until it is proved, failed with a reason, or held; nothing is decided twice;
 * - a message is handed over only when every earlier one of its conversation is proved, failed or gone to another seat;
 * - one attempt at a time per message; numbers grow (with gaps), and one that was committed is never used again;
 * - after an attempt that passed the gate, another follows only if that one is unanswered or refused to that account;
 * - what is proved is never handed over again; a 463 never again on that account;
 * - an account that is known to be restricted begins no conversation: not the seat counts, but the number that the contact knows.
 *
 * The order between conversations: by acceptance less `agingPerLevel` for each level of priority of the first message. So an
 * urgent one overtakes, and a message of priority p is overtaken only by what was accepted at most (9 - p) * agingPerLevel after
 * it: nobody starves. The window fills in order of acceptance; what is not in it yet takes no part, unless it is urgent and the first
 * of its conversation (window.ts).
 *
 * Pacing counts what is handed over. An account has one bucket, whichever of its seats it speaks for; they take turns at it.
 * Caps (caps.ts) count the same, in hours and days. A new contact that an account has no room for goes to another seat, or waits
 * until there is; what is written to known ones passes by.
 *
 * The state is one mutable object: `receive` returns the same one. It draws nothing and reads no clock, so the same inputs give
 * the same effects.
 */
import type { DeviceId, MessageId, Millis, SeatId } from "../ports/ids.ts";
import type { QueueEvent, Reducer, Step } from "../protocol.ts";
import type { QueueInput } from "./queue-config.ts";
import { onSent, onUnsent } from "./queue/attempts.ts";
import { fail, onCancelled, release } from "./queue/fates.ts";
import { close, onLinkLost, open } from "./queue/holder.ts";
import { askAnew } from "./queue/openings.ts";
import { onLookedUp, onProved } from "./queue/proofs.ts";
import { pump } from "./queue/pump.ts";
import { arrived, askStore, onHeld, onPage, onStoreFailed } from "./queue/reading.ts";
import { onRefused } from "./queue/refused.ts";
import { depart, forgetAsked, onNotRerouted } from "./queue/rerouting.ts";
import { QueueState } from "./queue/state.ts";
import { onDue, resolve, sayDrained, saySettled, wakeAt } from "./queue/time.ts";
import { type Backlog, backlogOf, owesSince } from "./queue/waiting.ts";
import { letGo } from "./queue/yielding.ts";
import type { Phase } from "./window-row.ts";

/** The queue as others see it: what it knows is theirs to ask for, not to change. */
export class SeatQueue {
  readonly seat: SeatId;
  readonly #state: QueueState;

  constructor(input: QueueInput, at: Millis) {
    this.seat = input.seat;
    this.#state = new QueueState(input, at);
  }

  get holder(): DeviceId | null {
    return this.#state.line?.device ?? null;
  }
  get inMemory(): number {
    return this.#state.window.count;
  }
  get underWay(): number {
    return this.#state.asked.size + this.#state.sent.size + this.#state.orphaned.size;
  }

  /** For status and tests. */
  get view(): { holder: DeviceId | null; isUp: boolean; inMemory: number; underWay: number; unanswered: number; capped: number } {
    return {
      capped: this.#state.postponed.size,
      holder: this.holder,
      isUp: this.#state.line?.isUp ?? false,
      inMemory: this.inMemory,
      underWay: this.underWay,
      unanswered: this.#state.unanswered.size,
    };
  }

  backlog(): Backlog {
    return backlogOf(this.#state);
  }

  owesSince(): Millis | null {
    return owesSince(this.#state);
  }

  /** Where a message stands, if it is in memory. */
  phaseOf(message: MessageId): Phase | undefined {
    return this.#state.window.get(message)?.phase;
  }

  begin(at: Millis): Step<SeatQueue> {
    askStore(this.#state, at);
    return this.#stepped(at);
  }

  step(event: QueueEvent): Step<SeatQueue> {
    const { at } = event;
    const queue = this.#state;
    queue.out = [];
    take(queue, event);
    onDue(queue, at);
    resolve(queue, at);
    pump(queue, at);
    sayDrained(queue);
    saySettled(queue);
    askStore(queue, at);
    return this.#stepped(at);
  }

  #stepped(at: Millis): Step<SeatQueue> {
    return { state: this, effects: this.#state.out, wakeAt: wakeAt(this.#state, at) };
  }
}

const take = (queue: QueueState, event: QueueEvent): void => {
  const { at } = event;
  switch (event.type) {
    case "queue.open":
      return open(queue, event);
    case "queue.close":
      return close(queue, at);
    case "queue.drain":
      queue.drain = "wanted";
      return;
    case "queue.offer":
      for (const { conversation } of event.rows) askAnew(queue, conversation, at);
      return arrived(queue, queue.window.offer(event.rows, at), at);
    case "queue.reload":
      if (event.conversation) queue.window.come(event.conversation);
      if (event.isAnew) forgetAsked(queue, at);
      if (event.isAll) queue.window.distrust();
      queue.window.rewind(event.from);
      if (event.from === undefined) queue.held = { ...queue.held, state: "wanted" };
      return;
    case "queue.policy":
      queue.config = { ...queue.config, whenNumberChanges: event.whenNumberChanges, whenRefused: event.whenRefused };
      return;
    case "queue.settle":
      queue.settles = true;
      return;
    case "queue.clear":
      for (const { id } of queue.window.conversations) depart(queue, id);
      queue.window.distrust();
      queue.window.rewind();
      queue.held = { ...queue.held, state: "wanted" };
      return;
    case "conversation.coming":
      return queue.window.awaits(event.conversation);
    case "conversation.yield":
      return letGo(queue, event.conversation, at);
    case "sent":
      return onSent(queue, event);
    case "unsent":
      return onUnsent(queue, event);
    case "proved":
      return onProved(queue, event.waId, event, at);
    case "refused":
      return onRefused(queue, event);
    case "link.lost":
      return onLinkLost(queue, event.device, at);
    case "rerouted":
      // The message may be settled and forgotten by now; its conversation has moved all the same.
      return depart(queue, event.conversation);
    case "notRerouted":
      return onNotRerouted(queue, event.message, event.why, at);
    case "account.restricted":
      if (event.restricted) queue.restricted.add(event.account);
      else queue.restricted.delete(event.account);
      return;
    case "held.release":
      return release(queue, event.message, at);
    case "held.fail": {
      const row = queue.window.get(event.message);
      if (row?.phase === "held") fail(queue, row, "failed by an operator", at);
      return;
    }
    case "message.cancelled":
      return onCancelled(queue, event.message, at);
    case "wake":
      return;
    case "store.recorded":
      for (const row of queue.recorder.done()) if (row.phase === "releasing") queue.window.move(row, "ready", at);
      return;
    case "store.rows":
      return event.answer.op === "outbox.list"
        ? onHeld(queue, event.answer.rows, event.answer.more, at)
        : onPage(queue, event.answer.rows, event.answer.more, at);
    case "store.row":
      return onLookedUp(queue, event.answer.row, at);
    case "store.failed":
      return onStoreFailed(queue, event.answer.op, at);
  }
};

export const queue: Reducer<SeatQueue, QueueEvent, QueueInput> = {
  start: (input, at) => new SeatQueue(input, at).begin(at),
  receive: (state, event) => state.step(event),
};
