/** Laws of the inbox reader over schedules: slow, failing and hanging handlers, a store that fails, kill -9 at any time. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Clock } from "../../machines/ports/clock.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import { InboxReader } from "../../src/runtime/inbox-reader.ts";

type Outcome = { readonly kind: "ok" | "fail"; readonly after: Millis } | { readonly kind: "hang" };
interface Written {
  readonly conversation: string;
  readonly at: Millis;
  /** Somebody calls the reader; otherwise it finds out by itself. */
  readonly isTold: boolean;
  /** A try each; later ones are well. */
  readonly tries: readonly Outcome[];
  /** Nobody can handle it. */
  readonly isPoisoned: boolean;
  /** Nothing for a handler. */
  readonly isNothing: boolean;
}
interface Schedule {
  readonly written: readonly Written[];
  readonly crashes: readonly Millis[];
  /** When all that failed is to be tried again. */
  readonly agains?: readonly Millis[];
  readonly concurrency: number;
  readonly ahead: number;
  /** Every so many-th question to the store fails, for a minute; 0: none. */
  readonly failEvery: number;
  readonly answerAfter: Millis;
}

const TRIES = 3;
const HANDLE_WITHIN = 500;
const FAILS_UNTIL = 60_000;

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("ok" as const), after: fc.nat(200) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("fail" as const), after: fc.nat(200) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "hang" as const }) },
);
const schedule: fc.Arbitrary<Schedule> = fc.record({
  written: fc.array(
    fc.record({
      conversation: fc.constantFrom("a", "b", "c"),
      at: fc.nat(3000),
      isTold: fc.boolean(),
      tries: fc.array(outcome, { maxLength: TRIES - 1 }),
      isPoisoned: fc.nat(9).map((one) => one === 0),
      isNothing: fc.nat(9).map((one) => one === 0),
    }),
    { maxLength: 25 },
  ),
  crashes: fc.array(fc.nat(8000), { maxLength: 3 }),
  agains: fc.array(fc.nat(8000), { maxLength: 4 }),
  concurrency: fc.integer({ min: 1, max: 3 }),
  ahead: fc.integer({ min: 1, max: 6 }),
  failEvery: fc.constantFrom(0, 2, 5),
  answerAfter: fc.nat(30),
});

const CALM: Written = { conversation: "a", at: 0, isTold: true, tries: [], isPoisoned: false, isNothing: false };
const PLAIN = { crashes: [], concurrency: 1, ahead: 9, failEvery: 0, answerAfter: 1 };

describe("the inbox reader", () => {
  it("hands over every message, in order per conversation, and skips nothing, whenever it is killed", {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(schedule, async (plan) => {
        const world = new World(plan);
        await world.play();
        expect(world.broken).toEqual([]);
        expect(world.unsettled()).toEqual([]);
        expect(world.cursor).toBe(plan.written.length);
      }),
      { numRuns: 200 },
    );
  });

  it("does not let one conversation keep the others waiting", async () => {
    const calm = { isTold: true, isPoisoned: false, isNothing: false };
    const slow: Written = { ...calm, conversation: "a", at: 0, tries: [{ kind: "ok", after: 400 }] };
    const quick: Written = { ...calm, conversation: "b", at: 1, tries: [{ kind: "ok", after: 1 }] };
    const written = [...Array.from({ length: 5 }, () => slow), quick];
    const world = new World({ written, crashes: [], concurrency: 2, ahead: 100, failEvery: 0, answerAfter: 1 });
    await world.play();
    expect(world.settledIn.indexOf(6)).toBe(0);
  });

  it("passes over what nobody can handle, after its tries, and says so once", async () => {
    const poisoned: Written = { conversation: "a", at: 0, isTold: true, tries: [], isPoisoned: true, isNothing: false };
    const written = [poisoned, { ...poisoned, isPoisoned: false }];
    const world = new World({ written, crashes: [], concurrency: 2, ahead: 100, failEvery: 0, answerAfter: 1 });
    await world.play();
    expect(world.failures).toEqual(["1 try 1", "1 try 2", "1 try 3, the last"]);
    expect(world.settledIn).toEqual([1, 2]);
  });

  it("counts the tries of each message for itself", async () => {
    const fails: Outcome = { kind: "fail", after: 1 };
    const weak: Written = { conversation: "a", at: 0, isTold: true, tries: [fails, fails], isPoisoned: false, isNothing: false };
    const world = new World({ written: [weak, weak], crashes: [], concurrency: 2, ahead: 100, failEvery: 0, answerAfter: 1 });
    await world.play();
    expect(world.failures).toEqual(["1 try 1", "1 try 2", "2 try 1", "2 try 2"]);
  });

  it("waits for no look now and then, neither for what is told while it reads nor for what it had no room for", async () => {
    const told: Written = { conversation: "a", at: 7, isTold: true, tries: [], isPoisoned: false, isNothing: false };
    // The first question is answered at 5 ms, the second is on its way from then until 10 ms.
    const meanwhile = new World({ written: [told], crashes: [], concurrency: 1, ahead: 2, failEvery: 0, answerAfter: 5 });
    await meanwhile.live(1000);
    expect(meanwhile.settledIn).toEqual([1]);
    const written = Array.from({ length: 8 }, () => ({ ...told, tries: [{ kind: "ok" as const, after: 50 }] }));
    const crowded = new World({ written, crashes: [], concurrency: 1, ahead: 2, failEvery: 0, answerAfter: 1 });
    await crowded.live(1000);
    expect(crowded.settledIn).toHaveLength(8);
  });

  it("asks nothing of the store while nothing is written, but for a look now and then", async () => {
    const world = new World({ written: [], crashes: [], concurrency: 2, ahead: 100, failEvery: 0, answerAfter: 1 });
    await world.play();
    expect(world.reads).toBeLessThanOrEqual(world.clock.now() / 30_000 + 2);
  });

  it("tries at once what waits for its pause when it is to try again, and counts its tries anew, also of what is under way", async () => {
    const fails: Outcome = { kind: "fail", after: 100 };
    const weak: Written = { ...CALM, tries: [fails, fails] };
    // It fails at 100 ms, is to be tried again at 500 ms, and once more while that is under way.
    const world = new World({ ...PLAIN, written: [weak], agains: [500, 550] });
    await world.live(1300);
    expect(world.failures).toEqual(["1 try 1", "1 try 0"]);
    expect(world.settledIn).toEqual([1]);
  });

  it("goes back to where it is told, and the cursor does not", async () => {
    const one: Written = { conversation: "a", at: 0, isTold: true, tries: [], isPoisoned: false, isNothing: false };
    const world = new World({ written: [one, one, one], crashes: [], concurrency: 2, ahead: 100, failEvery: 0, answerAfter: 1 });
    await world.play();
    await world.live(60_000, 2);
    expect(world.settledIn).toEqual([1, 2, 3, 2, 3]);
    expect(world.cursor).toBe(3);
  });

  it("waits for handlers at work when it is stopped, but not for ever, and begins nothing more", async () => {
    const one: Written = {
      conversation: "a",
      at: 0,
      isTold: true,
      tries: [{ kind: "ok", after: 100 }],
      isPoisoned: false,
      isNothing: false,
    };
    const hanging: Written = { ...one, conversation: "b", tries: [{ kind: "hang" }] };
    const world = new World({
      written: [one, one, hanging],
      crashes: [],
      concurrency: 2,
      ahead: 100,
      failEvery: 0,
      answerAfter: 1,
    });
    await world.live(50);
    expect(world.settledIn).toEqual([1]);
    expect(world.cursor).toBe(1);
  });
});

interface Message {
  readonly seq: number;
  readonly conversation: string;
}

/** The store, the people who write, and one life of the reader after the other. */
class World {
  readonly clock = new SteppedClock();
  readonly broken: string[] = [];
  readonly failures: string[] = [];
  /** In the order in which they were done or given up; again if they were handed over again. */
  readonly settledIn: number[] = [];
  readonly #plan: Schedule;
  readonly #rows: readonly (Written & Message)[];
  readonly #tried = new Map<number, number>();
  cursor = 0;
  reads = 0;
  #questions = 0;
  #wake: () => void = () => undefined;
  #again: () => void = () => undefined;

  constructor(plan: Schedule) {
    this.#plan = plan;
    const inOrder = plan.written.toSorted((a, b) => a.at - b.at);
    this.#rows = inOrder.map((row, index) => ({ ...row, seq: index + 1 }));
    for (const { at, isTold } of this.#rows) if (isTold) this.clock.setTimeout(() => this.#wake(), at);
    for (const at of plan.agains ?? []) this.clock.setTimeout(() => this.#again(), at);
  }

  async play(): Promise<void> {
    for (const crash of this.#plan.crashes.toSorted((a, b) => a - b)) await this.live(crash, undefined, true);
    await this.live(300_000);
  }

  unsettled(): number[] {
    const settled = new Set(this.settledIn);
    return this.#rows.filter(({ seq, isNothing }) => !isNothing && !settled.has(seq)).map(({ seq }) => seq);
  }

  /** One life, for so long; then it is stopped, or killed. */
  async live(span: Millis, from?: number, isKilled = false): Promise<void> {
    const { concurrency, ahead } = this.#plan;
    const life = { isDead: false };
    const running = new Map<string, number>();
    const reader = new InboxReader<Written & Message, Message>({
      from,
      clock: this.clock.whileAlive(life),
      limits: { concurrency, ahead, tries: TRIES, handleWithin: HANDLE_WITHIN },
      read: (afterSeq, limit) => {
        this.reads++;
        return this.#ask(life, () =>
          this.#rows.filter(({ seq, at }) => seq > afterSeq && at <= this.clock.now()).slice(0, limit),
        );
      },
      cursor: (seq) => this.#ask(life, () => this.#remember(seq)),
      toMessage: (row) => this.#ask(life, () => (row.isNothing ? null : { seq: row.seq, conversation: row.conversation })),
      handle: async ({ seq, conversation }) => {
        if (running.has(conversation)) this.broken.push(`${seq} was begun while ${running.get(conversation) ?? 0} was at work`);
        if (this.#waiting(conversation, from ?? 1).some((before) => before < seq)) this.broken.push(`${seq} was begun too soon`);
        running.set(conversation, seq);
        if (running.size > concurrency) this.broken.push(`${running.size} at once`);
        try {
          await this.#handled(life, seq);
          this.#settle(life, seq);
        } finally {
          running.delete(conversation);
        }
      },
      onFailure: ({ message: { seq, conversation }, tries, isLast }) => {
        running.delete(conversation);
        this.failures.push(`${seq} try ${tries}${isLast ? ", the last" : ""}`);
        if (isLast) this.#settle(life, seq);
      },
    });
    this.#wake = () => reader.wake();
    this.#again = () => reader.again();
    reader.start();
    await this.clock.run(this.clock.now() + span);
    if (!isKilled) {
      let isEnded = false;
      void reader.stop(HANDLE_WITHIN).then(() => (isEnded = true));
      await this.clock.run(this.clock.now() + 2 * HANDLE_WITHIN);
      if (!isEnded) this.broken.push("it did not stop");
    }
    life.isDead = true;
  }

  /** Not settled in any life, unless it is a repetition: then everything counts as settled. */
  #waiting(conversation: string, from: number): number[] {
    const settled = new Set(this.settledIn);
    return this.#rows
      .filter((row) => row.conversation === conversation && !row.isNothing && row.seq >= from && !settled.has(row.seq))
      .map(({ seq }) => seq);
  }

  #settle(life: { readonly isDead: boolean }, seq: number): void {
    if (!life.isDead) this.settledIn.push(seq);
  }

  #remember(seq: number | null): number {
    const skipped = this.unsettled().filter((each) => each <= (seq ?? 0));
    if (skipped.length > 0) this.broken.push(`the cursor went to ${seq} before ${skipped.join()} was done`);
    return (this.cursor = Math.max(this.cursor, seq ?? 0));
  }

  async #handled(life: { readonly isDead: boolean }, seq: number): Promise<void> {
    const { tries, isPoisoned } = this.#rows[seq - 1] as Written;
    const tried = this.#tried.get(seq) ?? 0;
    this.#tried.set(seq, tried + 1);
    const outcome: Outcome = isPoisoned ? { kind: "fail", after: 1 } : (tries[tried] ?? { kind: "ok", after: 1 });
    if (outcome.kind === "hang") return new Promise(() => undefined);
    await new Promise<void>((resolve) => this.clock.whileAlive(life).setTimeout(resolve, outcome.after));
    if (outcome.kind === "fail") throw new Error("as planned");
  }

  /** Carried out at once, or not at all; answered later, unless whoever asked is dead by then. */
  #ask<T>(life: { readonly isDead: boolean }, work: () => T): Promise<T> {
    const { failEvery, answerAfter } = this.#plan;
    this.#questions++;
    const isFailing = failEvery > 0 && this.#questions % failEvery === 0 && this.clock.now() < FAILS_UNTIL;
    return new Promise((resolve, reject) => {
      if (life.isDead) return;
      const answer = isFailing ? undefined : work();
      this.clock.whileAlive(life).setTimeout(() => {
        if (isFailing) reject(new Error("the store did not answer"));
        else resolve(answer as T);
      }, answerAfter);
    });
  }
}

/** Goes from one due time to the next; promises are settled in between. */
class SteppedClock implements Clock {
  #now = 0;
  #count = 0;
  readonly #timers = new Map<number, { readonly at: Millis; readonly fire: () => void }>();

  now(): Millis {
    return this.#now;
  }
  setTimeout(fire: () => void, after: Millis): number {
    this.#timers.set(++this.#count, { at: this.#now + after, fire });
    return this.#count;
  }
  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as number);
  }
  /** The same clock, for one life: its timers die with it. */
  whileAlive(life: { readonly isDead: boolean }): Clock {
    return {
      now: () => this.#now,
      setTimeout: (fire, after) => this.setTimeout(() => void (life.isDead || fire()), after),
      clearTimeout: (timer) => this.clearTimeout(timer),
    };
  }

  async run(until: Millis): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const [next] = [...this.#timers].toSorted(([a, one], [b, other]) => one.at - other.at || a - b);
      if (!next || next[1].at > until) break;
      this.#timers.delete(next[0]);
      this.#now = Math.max(this.#now, next[1].at);
      next[1].fire();
    }
    this.#now = Math.max(this.#now, until);
  }
}
