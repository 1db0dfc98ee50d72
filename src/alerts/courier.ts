/**
 * Takes notices to one channel, in order, until each was taken.
 *
 * At least once: a notice is durable before it is handed over, and stays pending until the other side has taken it. A channel that
 * fails is tried again, less and less often, unless it says that this would be in vain. The channel may become another one: what waits
 * goes there.
 */
import type { Notice } from "../../machines/alerts/notices.ts";
import type { Clock } from "../../machines/ports/clock.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import { type Channel, ChannelError } from "./channels/channel.ts";
import type { NoticeRow } from "./store.ts";

export interface CourierOptions {
  readonly channel: Channel;
  readonly clock: Clock;
  /** From 0 (included) to 1 (excluded). */
  readonly draw: () => number;
  /** Says what came of a notice. */
  readonly onAttempt: (row: NoticeRow) => void;
  /** It will never be taken: the channel is gone. */
  readonly onGivenUp: (notice: NoticeRow) => void;
  /** It has failed several times in a row; null: it has taken a notice. */
  readonly onHealth: (why: string | null) => void;
}

const ANSWER_WITHIN: Millis = 5000;
const AGAIN: Millis = 1000;
const AGAIN_AT_MOST: Millis = 300_000;
const GIVE_UP_AFTER: Millis = 86_400_000;
/** Failures in a row that make a failing channel. */
const FAILING = 3;
/** Notices that wait; more, and the oldest are dropped. */
export const MOST_WAITING = 500;

export class Courier {
  readonly #options: CourierOptions;
  #channel: Channel;
  #waiting: NoticeRow[] = [];
  #isUnderWay = false;
  #failures = 0;
  #timer: unknown;
  #isClosed = false;
  #isGone = false;

  constructor(options: CourierOptions) {
    this.#options = options;
    this.#channel = options.channel;
  }

  get channel(): Channel {
    return this.#channel;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  take(notice: Notice | NoticeRow): void {
    if (this.#isClosed) return;
    this.#waiting.push({ attempts: 0, outcome: null, endedAt: null, ...notice, state: "pending" });
    // The first one may be on its way.
    if (this.#waiting.length > MOST_WAITING) {
      const [oldest] = this.#waiting.splice(1, 1);
      if (oldest) this.#end(oldest, "dropped", `more than ${MOST_WAITING} notices waited`);
    }
    if (this.#timer === undefined) void this.#go();
  }

  /** What waits goes to that one from now on, at once and as if for the first time; a try that is under way ends where it began. */
  change(channel: Channel): void {
    this.#channel = channel;
    this.#failures = 0;
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    void this.#go();
  }

  /** The channel is gone: what waits is given up, once a try that is under way has ended. */
  end(): void {
    this.#isGone = true;
    this.close();
    if (!this.#isUnderWay) this.#giveUp();
  }

  /** What was not taken stays pending for the next life. */
  close(): void {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#timer);
  }

  async #go(): Promise<void> {
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    try {
      for (let next = this.#waiting[0]; next && !this.#isClosed && this.#timer === undefined; next = this.#waiting[0])
        await this.#attempt(next);
    } finally {
      this.#isUnderWay = false;
      if (this.#isGone) this.#giveUp();
    }
  }

  /** Sets a timer, if it is to be tried again later. */
  async #attempt(row: NoticeRow): Promise<void> {
    const { clock } = this.#options;
    const channel = this.#channel;
    const attempts = row.attempts + 1;
    try {
      const outcome = await channel.deliver(row, AbortSignal.timeout(ANSWER_WITHIN));
      this.#waiting.shift();
      this.#end({ ...row, attempts }, "delivered", outcome);
      this.#noteHealth(null);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      // Of another one this says nothing.
      if (this.#isGone || this.#channel !== channel) return this.#again({ ...row, attempts, outcome: why });
      if (error instanceof ChannelError && error.isFinal) {
        this.#waiting.shift();
        this.#end({ ...row, attempts }, "failed", why);
        return this.#noteHealth(why, FAILING);
      }
      this.#noteHealth(why);
      const isOver = clock.now() >= row.at + GIVE_UP_AFTER;
      if (isOver) {
        this.#waiting.shift();
        this.#end({ ...row, attempts }, "failed", why);
      } else {
        this.#again({ ...row, attempts, outcome: why });
      }
      this.#wait();
    }
  }

  #again(row: NoticeRow): void {
    this.#waiting[0] = row;
    this.#options.onAttempt(row);
  }

  /** The newest first. */
  #giveUp(): void {
    for (const row of this.#waiting.splice(0).toReversed()) this.#options.onGivenUp(row);
  }

  #end(row: NoticeRow, state: NoticeRow["state"], outcome: string): void {
    this.#options.onAttempt({ ...row, state, outcome, endedAt: this.#options.clock.now() });
  }

  #noteHealth(why: string | null, failures = 1): void {
    const before = this.#failures;
    this.#failures = why === null ? 0 : before + failures;
    if (why === null || (before < FAILING && this.#failures >= FAILING)) this.#options.onHealth(why);
  }

  #wait(): void {
    if (this.#isClosed) return;
    const { clock, draw } = this.#options;
    const pause = Math.min(AGAIN_AT_MOST, AGAIN * 2 ** Math.min(this.#failures - 1, 20));
    // Half of it at least: those who fail together do not come back together.
    this.#timer = clock.setTimeout(
      () => {
        this.#timer = undefined;
        void this.#go();
      },
      pause * (0.5 + draw() / 2),
    );
  }
}
