/**
 * Threads that carry out tasks, each one at a time. Answers come in the order in which they are done. A thread that dies, or has no
 * answer in time, fails the task that it was at, and another takes its place.
 */
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import type { Millis } from "../../machines/ports/ids.ts";
import { flagsFor, type Memory, memoryOf } from "./memory.ts";
import type { Answer, Draw, Task } from "./task.ts";

/** Built, it stands beside this file as JavaScript. */
const FILE = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);

/** How long to wait for a run of so many simulated ms before it counts as one that goes round in circles, in ms of real time. */
export const patienceFor = (length: Millis): Millis => 60_000 + length / 10;
/** A shrinking is up to 250 runs (sim/plan/shrink.ts), each of them mostly a thousandth of what one may take. */
const SHRINKING = 10;

/** Counts in steps, of which a process that was stopped (Ctrl-Z) or a machine that slept takes one, however long that was. */
const watchFor = (patience: Millis, isOver: () => void): NodeJS.Timeout => {
  let steps = 0;
  return setInterval(() => ++steps === STEPS && isOver(), patience / STEPS);
};
const STEPS = 20;

/** A run took more real time than any should. */
export class RunHangs extends Error {
  constructor(patience: Millis) {
    super(`it had not ended after ${Math.round(patience / 1_000)} s of real time`);
  }
}

interface Thread {
  readonly worker: Worker;
  isDead: boolean;
  readonly die: (error: unknown) => void;
  done: ((answer: Answer) => void) | null;
  failed: ((error: unknown) => void) | null;
}

export class Pool {
  readonly #draw: Draw;
  readonly #memory: Memory;
  readonly #patience: Millis;
  readonly #threads = new Set<Thread>();
  readonly #idle: Thread[];
  readonly #waiting: ((thread: Thread) => void)[] = [];

  constructor(jobs: number, draw: Draw, patience = patienceFor(draw.for)) {
    this.#draw = draw;
    this.#patience = patience;
    this.#memory = memoryOf(jobs);
    for (const flag of flagsFor(this.#memory)) setFlagsFromString(flag);
    this.#idle = Array.from({ length: jobs }, () => this.#start());
  }

  /**
   * Rejects if the thread dies of it.
   * @throws RunHangs
   */
  async do(task: Task): Promise<Answer> {
    const found = this.#idle.pop() ?? (await new Promise<Thread>((resolve) => this.#waiting.push(resolve)));
    const thread = found.isDead ? this.#start() : found;
    const patience = this.#patience * (task.kind === "shrink" ? SHRINKING : 1);
    const watch = watchFor(patience, () => thread.die(new RunHangs(patience)));
    try {
      return await new Promise<Answer>((resolve, reject) => {
        thread.done = resolve;
        thread.failed = reject;
        thread.worker.postMessage(task, []);
      });
    } finally {
      clearInterval(watch);
      thread.done = null;
      thread.failed = null;
      const next = this.#waiting.shift();
      if (next) next(thread);
      else this.#idle.push(thread);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  #start(): Thread {
    // XState's production build, whatever the caller's environment says: the simulator is a tenth faster with it.
    const env = { ...process.env, NODE_ENV: "production" };
    const resourceLimits = { maxYoungGenerationSizeMb: this.#memory.nursery };
    const worker = new Worker(FILE, { workerData: this.#draw, env, resourceLimits });
    const die = (error: unknown): void => {
      if (thread.isDead) return;
      thread.isDead = true;
      this.#threads.delete(thread);
      void worker.terminate();
      thread.failed?.(error);
    };
    const thread: Thread = { worker, isDead: false, die, done: null, failed: null };
    worker.on("message", (answer: Answer) => thread.done?.(answer));
    worker.on("error", die);
    worker.on("exit", (code) => die(new Error(`its thread ended with exit code ${code}`)));
    this.#threads.add(thread);
    return thread;
  }
}
