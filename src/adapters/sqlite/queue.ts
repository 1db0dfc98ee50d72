/**
 * When commands are carried out: at once when idle, together when several were asked in one turn of the event loop, and never
 * for longer than a slice, so that sockets get their turn.
 *
 * 1. `push` in turn 1: a flush is scheduled for the end of the turn (setImmediate), nothing else happens.
 * 2. The flush carries out what is queued as one transaction, until the slice is used up; then it replies, in order.
 * 3. What is left, or was asked by the replies, goes to the next flush.
 * Entries of the background lane (the journal) get a flush of their own, and only after a foreground flush had its turn.
 * So does the medium's upkeep: what blocks the loop comes in short pieces, with sockets served in between.
 */
export interface Job {
  readonly run: () => () => void;
  /** What to reply if the job could not be carried out. */
  readonly fail: (error: unknown) => () => void;
  readonly writes: boolean;
}

export interface Medium {
  /** Makes what `work` does durable as a whole, or throws and leaves nothing of it. */
  commit<T>(work: () => T, lane: Lane): T;
  /** Whether it wants a turn for itself soon. */
  readonly needsUpkeep: boolean;
  /** Never throws. */
  upkeep(): void;
}
export type Lane = "foreground" | "background";

/** Milliseconds of carrying out before a flush commits and lets others run. */
const SLICE = 2;

export class CommandQueue {
  readonly #medium: Medium;
  readonly #lanes: Readonly<Record<Lane, Waiting>> = { foreground: new Waiting(), background: new Waiting() };
  #scheduled = false;
  #last: Lane = "background";

  constructor(medium: Medium) {
    this.#medium = medium;
  }

  push(job: Job, lane: Lane): void {
    this.#lanes[lane].push(job);
    this.#schedule();
  }

  /** Carries out everything queued, now, and replies in a later turn. For closing. */
  drain(): void {
    for (const lane of ["foreground", "background"] as const) {
      while (this.#lanes[lane].length > 0) {
        const replies = this.#carryOut(lane);
        setImmediate(() => callAll(replies));
      }
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const { foreground, background } = this.#lanes;
    if (this.#medium.needsUpkeep) this.#medium.upkeep();
    else if (foreground.length + background.length > 0) this.#carryOutNext();
    if (foreground.length + background.length > 0 || this.#medium.needsUpkeep) this.#schedule();
  }

  #carryOutNext(): void {
    const { foreground, background } = this.#lanes;
    const isBackgroundsTurn = background.length > 0 && (foreground.length === 0 || this.#last === "foreground");
    const lane = isBackgroundsTurn ? "background" : "foreground";
    this.#last = lane;
    callAll(this.#carryOut(lane));
  }

  #carryOut(lane: Lane): readonly (() => void)[] {
    const jobs = this.#lanes[lane];
    const until = performance.now() + SLICE;
    let replies: (() => void)[] = [];
    const together = (): void => {
      for (let i = 0; i < jobs.length; i++) {
        replies.push(jobs.at(i).run());
        if (performance.now() > until) break;
      }
    };
    try {
      if (jobs.someWrites) this.#medium.commit(together, lane);
      else together();
    } catch {
      // One of them failed, or the medium did: find out which, each on its own.
      const tried = Math.min(replies.length + 1, jobs.length);
      replies = Array.from({ length: tried }, (_, i) => this.#alone(jobs.at(i), lane));
    }
    jobs.drop(replies.length);
    return replies;
  }

  #alone(job: Job, lane: Lane): () => void {
    try {
      return job.writes ? this.#medium.commit(job.run, lane) : job.run();
    } catch (error) {
      return job.fail(error);
    }
  }
}

/** First in, first out, without moving the whole queue at every step. */
class Waiting {
  #jobs: Job[] = [];
  #head = 0;
  #writes = 0;

  get length(): number {
    return this.#jobs.length - this.#head;
  }
  get someWrites(): boolean {
    return this.#writes > 0;
  }
  push(job: Job): void {
    this.#jobs.push(job);
    if (job.writes) this.#writes++;
  }
  at(index: number): Job {
    const job = this.#jobs[this.#head + index];
    if (!job) throw new RangeError(`${index} is beyond the queue`);
    return job;
  }
  drop(count: number): void {
    for (let i = 0; i < count; i++) if (this.at(i).writes) this.#writes--;
    this.#head += count;
    if (this.#head < 1024 && this.length > 0) return;
    this.#jobs = this.#jobs.slice(this.#head);
    this.#head = 0;
  }
}

/** Each reply is called whatever the others do; what one throws is thrown in a turn of its own. */
const callAll = (replies: readonly (() => void)[]): void => {
  for (const reply of replies) {
    try {
      reply();
    } catch (error) {
      setImmediate(() => {
        throw error;
      });
    }
  }
};
