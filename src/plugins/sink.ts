/** Events on their way to one sink: several at a time, at most so many that wait. What comes then is dropped, and counted. */
import type { SinkEvent } from "./define.ts";

export interface SinkOptions {
  /** Resolves once the sink has taken them. */
  readonly deliver: (events: readonly SinkEvent[]) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
  readonly waiting?: number;
}
export interface SinkCounts {
  readonly delivered: number;
  readonly waiting: number;
  readonly dropped: number;
  /** It threw: those events are not handed over again. */
  readonly failed: number;
}

const WAITING = 10_000;
const TOGETHER = 100;

export class Sink {
  readonly #options: SinkOptions;
  #waiting: SinkEvent[] = [];
  #isBusy = false;
  #delivered = 0;
  #dropped = 0;
  #failed = 0;

  constructor(options: SinkOptions) {
    this.#options = options;
  }

  get counts(): SinkCounts {
    return { delivered: this.#delivered, waiting: this.#waiting.length, dropped: this.#dropped, failed: this.#failed };
  }

  push(event: SinkEvent): void {
    if (this.#waiting.length >= (this.#options.waiting ?? WAITING)) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(event);
    if (!this.#isBusy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    while (this.#waiting.length > 0) {
      const events = this.#waiting.slice(0, TOGETHER);
      this.#waiting = this.#waiting.slice(TOGETHER);
      try {
        await this.#options.deliver(events);
        this.#delivered += events.length;
      } catch (error) {
        this.#failed += events.length;
        this.#options.onFailure(error);
      }
    }
    this.#isBusy = false;
  }
}
