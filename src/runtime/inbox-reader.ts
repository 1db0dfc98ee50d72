/**
 * Hands the inbox to a handler: each message at least once, in order within its conversation, several conversations at once.
 *
 * The cursor in the store names the last message up to which everything is done, so whoever starts again after kill -9 is handed
 * what was under way once more, and nothing is skipped. A message whose handler fails is tried again with growing pauses; its
 * conversation waits meanwhile, the others do not. After `tries` it is reported and passed over: one message that nobody can
 * handle does not stop its conversation for ever.
 */
import type { Clock } from "../../machines/ports/clock.ts";
import type { Millis } from "../../machines/ports/ids.ts";

/** What the reader has to know of a message; `seq` is its place in the inbox. */
interface Readable {
  readonly seq: number;
  readonly conversation: string;
}
export interface ReaderLimits {
  /** Conversations that are worked on at once. */
  readonly concurrency: number;
  /** How often a message is handed over before it is given up. */
  readonly tries: number;
  /** How long a handler may take; then it counts as failed. */
  readonly handleWithin: Millis;
  /** Messages read and not done at most: so far a slow handler may fall behind before reading waits for it. */
  readonly ahead: number;
}
export interface InboxReaderOptions<R extends { readonly seq: number }, M extends Readable> {
  /** Where it begins: the first message that it is to see. Left out: after what is done. */
  readonly from?: number | undefined;
  readonly clock: Clock;
  readonly limits: ReaderLimits;
  /** Rows after a place, oldest first. Rejects when the store does not answer. */
  readonly read: (afterSeq: number, limit: number) => Promise<readonly R[]>;
  /** Remembers how far everything is done; null: only tells it. Rejects when the store does not answer. */
  readonly cursor: (seq: number | null) => Promise<number>;
  /** null: nothing for a handler. Rejects when the store does not answer. */
  readonly toMessage: (row: R) => Promise<M | null>;
  readonly handle: (message: M) => unknown;
  /** Of the last try it is waited for; if it rejects, the message is tried once more. */
  readonly onFailure: (failure: HandlerFailure<M>) => unknown;
  /** Before the next try, after so many; 0: `again` was called during the only one. Left out: `PAUSE`, doubling. */
  readonly pause?: (tries: number) => Millis;
}
export interface HandlerFailure<M> {
  readonly message: M;
  readonly error: unknown;
  /** How often it was tried so far, since `again`. */
  readonly tries: number;
  /** It is not tried again. */
  readonly isLast: boolean;
}

export const DEFAULT_LIMITS: ReaderLimits = { concurrency: 16, tries: 8, handleWithin: 60_000, ahead: 10_000 };
const PAGE = 100;
/** Facts wake the reader; this is for the one that got lost. */
const LOOK_ANYWAY: Millis = 30_000;
/** Pause before a store that did not answer is asked again. */
const ASK_AGAIN: Millis = 1000;
/** Before the second try, doubling up to the other figure: eight tries take about two minutes. */
const PAUSE: Millis = 1000;
const PAUSE_AT_MOST: Millis = 60_000;

interface Lane<M> {
  readonly waiting: M[];
  /** Of the first one. */
  tries: number;
}

export class InboxReader<R extends { readonly seq: number }, M extends Readable> {
  readonly #options: InboxReaderOptions<R, M>;
  /** Read and not done, in the order of the inbox. */
  readonly #open = new Set<number>();
  /** Conversations with something to do. */
  readonly #lanes = new Map<string, Lane<M>>();
  /** Those that may be worked on at once. */
  readonly #ready: string[] = [];
  /** What they end the pause of. */
  readonly #timers = new Map<unknown, string>();
  #running = 0;
  #read = 0;
  #saved = 0;
  #saving: Promise<void> | undefined;
  #isSaving = false;
  #isStopped = false;
  /** Something happened since it was last looked at. */
  #isCalled = false;
  #wakeUp: (() => void) | undefined;
  #reading: Promise<void> | undefined;

  constructor(options: InboxReaderOptions<R, M>) {
    this.#options = options;
  }

  start(): void {
    this.#reading ??= this.#readOn();
  }

  /** There may be something new. */
  wake(): void {
    this.#isCalled = true;
    this.#wakeUp?.();
  }

  /** What failed may succeed now, and there may be room for more: nothing waits for its pause, and tries count anew. */
  again(): void {
    for (const lane of this.#lanes.values()) lane.tries = 0;
    for (const [timer, conversation] of this.#timers) {
      this.#options.clock.clearTimeout(timer);
      this.#ready.push(conversation);
    }
    this.#timers.clear();
    this.#dispatch();
  }

  /** Begins nothing more, waits for handlers at work, but no longer than `grace`, and remembers what is done. */
  async stop(grace: Millis): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers.keys()) this.#options.clock.clearTimeout(timer);
    this.#timers.clear();
    this.wake();
    await this.#reading;
    const end = this.#options.clock.now() + grace;
    for (let left = grace; this.#running > 0 && left > 0; left = end - this.#options.clock.now()) {
      this.#isCalled = false;
      await this.#sleep(left);
    }
    await this.#saving;
    await this.#save();
  }

  // ---- reading ----

  async #readOn(): Promise<void> {
    const { from, limits } = this.#options;
    let begin: number | undefined;
    while (!this.#isStopped) {
      this.#isCalled = false;
      try {
        if (begin === undefined) {
          this.#saved = await this.#options.cursor(null);
          begin = from === undefined ? this.#saved : from - 1;
          this.#read = begin;
        }
        const room = limits.ahead - this.#open.size;
        if (room > 0 && (await this.#readPage(Math.min(PAGE, room))) > 0) continue;
        await this.#sleep(LOOK_ANYWAY);
      } catch {
        await this.#sleep(ASK_AGAIN);
      }
    }
  }

  async #readPage(limit: number): Promise<number> {
    const rows = await this.#options.read(this.#read, limit);
    // Side by side: what they ask of the store goes together.
    const messages = await Promise.all(rows.map(this.#options.toMessage));
    if (this.#isStopped) return 0;
    this.#read = rows.at(-1)?.seq ?? this.#read;
    for (const message of messages) {
      if (message === null) continue;
      this.#open.add(message.seq);
      this.#queue(message);
    }
    this.#saveSoon();
    return rows.length;
  }

  /** Until somebody calls, at most so long. */
  async #sleep(atMost: Millis): Promise<void> {
    if (this.#isCalled) return;
    const { clock } = this.#options;
    await new Promise<void>((resolve) => {
      const timer = clock.setTimeout(resolve, atMost);
      this.#wakeUp = () => {
        clock.clearTimeout(timer);
        resolve();
      };
    });
    this.#wakeUp = undefined;
  }

  // ---- handling ----

  #queue(message: M): void {
    const lane = this.#lanes.get(message.conversation);
    if (lane) {
      lane.waiting.push(message);
      return;
    }
    this.#lanes.set(message.conversation, { waiting: [message], tries: 0 });
    this.#ready.push(message.conversation);
    this.#dispatch();
  }

  #dispatch(): void {
    while (!this.#isStopped && this.#running < this.#options.limits.concurrency) {
      const conversation = this.#ready.shift();
      if (conversation === undefined) return;
      void this.#work(conversation);
    }
  }

  async #work(conversation: string): Promise<void> {
    const lane = this.#lanes.get(conversation) as Lane<M>;
    const message = lane.waiting[0] as M;
    this.#running++;
    lane.tries++;
    try {
      await this.#inTime(message);
      this.#done(conversation, lane, message);
    } catch (error) {
      const { tries } = lane;
      const isLast = tries >= this.#options.limits.tries;
      // Told first: nothing is passed over in silence.
      const isTold = await this.#told({ message, error, tries, isLast });
      if (isLast && isTold) this.#done(conversation, lane, message);
      else this.#later(conversation, this.#pause(tries));
    } finally {
      this.#running--;
      this.#dispatch();
      if (this.#isStopped || this.#open.size === this.#options.limits.ahead - 1) this.wake();
    }
  }

  async #told(failure: HandlerFailure<M>): Promise<boolean> {
    try {
      await this.#options.onFailure(failure);
      return true;
    } catch {
      return false;
    }
  }

  #pause(tries: number): Millis {
    const { pause, limits } = this.#options;
    return pause ? pause(Math.min(tries, limits.tries - 1)) : Math.min(PAUSE_AT_MOST, PAUSE * 2 ** (tries - 1));
  }

  /** A handler that never ends would hold its place for ever. */
  async #inTime(message: M): Promise<void> {
    const { clock, handle, limits } = this.#options;
    let timer: unknown;
    const late = new Promise<never>((_, reject) => {
      timer = clock.setTimeout(
        () => reject(new Error(`the handler did not end within ${limits.handleWithin / 1000} s`)),
        limits.handleWithin,
      );
    });
    try {
      await Promise.race([(async () => handle(message))(), late]);
    } finally {
      clock.clearTimeout(timer);
    }
  }

  #done(conversation: string, lane: Lane<M>, message: M): void {
    lane.waiting.shift();
    lane.tries = 0;
    if (lane.waiting.length === 0) this.#lanes.delete(conversation);
    else this.#ready.push(conversation);
    this.#open.delete(message.seq);
    this.#saveSoon();
  }

  #later(conversation: string, pause: Millis): void {
    if (this.#isStopped) return;
    const timer = this.#options.clock.setTimeout(() => {
      this.#timers.delete(timer);
      this.#ready.push(conversation);
      this.#dispatch();
    }, pause);
    this.#timers.set(timer, conversation);
  }

  // ---- what is done ----

  #saveSoon(): void {
    if (!this.#isSaving) this.#saving = this.#save();
  }

  /** One write at a time; what is done meanwhile goes with the next. */
  async #save(): Promise<void> {
    this.#isSaving = true;
    try {
      for (let done = this.#doneUpTo(); done > this.#saved; done = this.#doneUpTo()) {
        this.#saved = Math.max(done, await this.#options.cursor(done));
      }
    } catch {
      // What is done is handed over once more if nobody remembers it; the next one that is done tries again.
    } finally {
      this.#isSaving = false;
    }
  }

  #doneUpTo(): number {
    const [first] = this.#open;
    return first === undefined ? this.#read : first - 1;
  }
}
