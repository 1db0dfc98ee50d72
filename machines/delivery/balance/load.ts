/**
 * How loaded a seat is, from what its queue says and does: a reducer beside the queue that changes nothing there.
 *
 * Time to answer counts from the handing over to the connection, so that slow encryption counts as well. What was placed here
 * and is not durable yet counts as waiting, or a burst would all go to the same seat.
 */
import type { AccountId, DeviceId, MessageId, Millis } from "../../ports/ids.ts";
import { accountOf } from "../../ports/ids.ts";
import type { Effect, QueueEvent } from "../../protocol.ts";
import type { Headroom } from "../pace.ts";
import type { Wait } from "./seat-table.ts";
import { Tally } from "./tally.ts";
import type { Reading } from "./trend.ts";

/** What a queue shows of itself. */
export interface QueueView {
  readonly holder: DeviceId | null;
  readonly inMemory: number;
  readonly underWay: number;
}

/** Until a seat has answered: what WhatsApp takes on an ordinary day. */
const PRIOR: Millis = 250;
/** Weight of a new answer in the averages, and in what counts as usual. */
const NEW = 0.2;
const NEW_IN_USUAL = 0.01;
/** What was seen counts half after so long: a seat that nobody tries must not look bad for ever. */
const FORGOTTEN: Millis = 30_000;
/** Even a seat where everything fails has an expected wait. */
const MOST_ERRORS = 0.95;
/** Messages that a seat has under way at once. */
const ABREAST = 20;
/** What was placed is either offered by now or will never be. */
const PLACED: Millis = 5_000;
/** No attempt is waited for longer: what became of it was not said here. */
const OWED: Millis = 30_000;

export class Load {
  #waiting = 0;
  #underWay = 0;
  #holder: DeviceId | null = null;
  #placed = 0;
  #placedAt: Millis = 0;
  #latency: Millis = PRIOR;
  #usual: Millis = PRIOR;
  #errors = 0;
  #judgedAt: Millis = 0;
  readonly #handed = new Map<MessageId, Millis>();
  readonly tally = new Tally();

  get account(): AccountId | null {
    return this.#holder === null ? null : accountOf(this.#holder);
  }
  latency(at: Millis): Millis {
    return PRIOR + (this.#latency - PRIOR) * this.#remembered(at);
  }
  /** Share of attempts that came to nothing, 0 to 1. */
  errors(at: Millis): number {
    return this.#errors * this.#remembered(at);
  }
  /** For the trend: the oldest attempt without an answer counts as if it came now. */
  reading(at: Millis): Reading {
    const owed = at - this.#oldest(at);
    return { slowness: Math.max(this.latency(at), owed) / this.#usual, errors: this.errors(at) };
  }
  get waiting(): number {
    return this.#waiting + this.#placed;
  }
  get underWay(): number {
    return this.#underWay;
  }

  /** A conversation was given to the seat. */
  place(at: Millis): void {
    this.#placed++;
    this.#placedAt = at;
  }

  /** The queue has taken an event in, and said `effects`. */
  note(event: QueueEvent, effects: readonly Effect[], view: QueueView, at: Millis): void {
    if (event.type === "queue.offer") this.#placed = Math.max(0, this.#placed - event.rows.length);
    if (at - this.#placedAt > PLACED) this.#placed = 0;
    if (event.type === "queue.open" && event.device !== this.#holder) this.#begin();
    if (event.type === "unsent") this.#handed.delete(event.message);
    for (const effect of effects) this.#notice(effect, event.type === "refused", at);
    if (view.underWay === 0) this.#handed.clear();
    this.#holder = view.holder;
    this.#waiting = view.inMemory - view.underWay;
    this.#underWay = view.underWay;
  }

  wait(headroom: Headroom | null, at: Millis): Wait {
    const { waiting } = this;
    const behind = headroom === null ? 0 : waiting + 1 - headroom.tokens;
    const latency = this.latency(at);
    return {
      answer: latency / (1 - Math.min(MOST_ERRORS, this.errors(at))) + (waiting * latency) / ABREAST,
      freeAt: headroom !== null && behind > 0 ? at + (behind * 1000) / headroom.perSecond : 0,
      unansweredSince: this.#oldest(at),
    };
  }

  /** Another device speaks now: what the former one was like says nothing. */
  #begin(): void {
    this.#latency = PRIOR;
    this.#usual = PRIOR;
    this.#errors = 0;
    this.#handed.clear();
  }

  #notice(effect: Effect, isRefusal: boolean, at: Millis): void {
    if (effect.op === "connection") {
      if (effect.command.op !== "send") return;
      this.tally.handOver();
      // The newest last, also one that is tried again.
      this.#handed.delete(effect.command.message);
      this.#handed.set(effect.command.message, at);
    } else if (effect.op === "tell" && isAboutAttempt(effect.event)) {
      const since = this.#handed.get(effect.event.message);
      this.#handed.delete(effect.event.message);
      const isAnswer = effect.event.type === "attempt.answered";
      this.#judge(isAnswer && !isRefusal ? 0 : 1, isAnswer && since !== undefined ? at - since : null, at);
    }
  }

  #judge(error: 0 | 1, took: Millis | null, at: Millis): void {
    if (error === 1) this.tally.fail();
    else if (took !== null) this.tally.answer(took);
    const [errors, latency] = [this.errors(at), this.latency(at)];
    this.#errors = errors + NEW * (error - errors);
    this.#latency = took === null ? latency : latency + NEW * (took - latency);
    if (took !== null) this.#usual += NEW_IN_USUAL * (took - this.#usual);
    this.#judgedAt = at;
  }

  #remembered(at: Millis): number {
    return 0.5 ** (Math.max(0, at - this.#judgedAt) / FORGOTTEN);
  }

  #oldest(at: Millis): Millis {
    for (const [message, since] of this.#handed) {
      if (at - since <= OWED) return since;
      this.#handed.delete(message);
    }
    return Number.POSITIVE_INFINITY;
  }
}

type AboutAttempt = { readonly type: "attempt.answered" | "attempt.dropped"; readonly message: MessageId };
const isAboutAttempt = (event: { readonly type: string }): event is AboutAttempt =>
  event.type === "attempt.answered" || event.type === "attempt.dropped";
