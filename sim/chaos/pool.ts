/**
 * Threads that carry out tasks, each one at a time. Answers come in the order in which they are done. A thread that dies fails the
 * task that it was at, and another takes its place.
 */
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import { flagsFor, type Memory, memoryOf } from "./memory.ts";
import type { Answer, Draw, Task } from "./task.ts";

/** Built, it stands beside this file as JavaScript. */
const FILE = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);

interface Thread {
  readonly worker: Worker;
  isDead: boolean;
  done: ((answer: Answer) => void) | null;
  failed: ((error: unknown) => void) | null;
}

export class Pool {
  readonly #draw: Draw;
  readonly #memory: Memory;
  readonly #threads = new Set<Thread>();
  readonly #idle: Thread[];
  readonly #waiting: ((thread: Thread) => void)[] = [];

  constructor(jobs: number, draw: Draw) {
    this.#draw = draw;
    this.#memory = memoryOf(jobs);
    for (const flag of flagsFor(this.#memory)) setFlagsFromString(flag);
    this.#idle = Array.from({ length: jobs }, () => this.#start());
  }

  /** Rejects if the thread dies of it. */
  async do(task: Task): Promise<Answer> {
    const found = this.#idle.pop() ?? (await new Promise<Thread>((resolve) => this.#waiting.push(resolve)));
    const thread = found.isDead ? this.#start() : found;
    try {
      return await new Promise<Answer>((resolve, reject) => {
        thread.done = resolve;
        thread.failed = reject;
        thread.worker.postMessage(task, []);
      });
    } finally {
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
    const thread: Thread = { worker, isDead: false, done: null, failed: null };
    const die = (error: unknown): void => {
      thread.isDead = true;
      this.#threads.delete(thread);
      thread.failed?.(error);
    };
    worker.on("message", (answer: Answer) => thread.done?.(answer));
    worker.on("error", die);
    worker.on("exit", (code) => die(new Error(`its thread ended with exit code ${code}`)));
    this.#threads.add(thread);
    return thread;
  }
}
