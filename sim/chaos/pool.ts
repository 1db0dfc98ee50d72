/** Threads that carry out tasks, each one at a time. Answers come in the order in which they are done. */
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import type { Answer, Draw, Task } from "./task.ts";

/** Built, it stands beside this file as JavaScript. */
const FILE = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);

interface Thread {
  readonly worker: Worker;
  done: ((answer: Answer) => void) | null;
  failed: ((error: unknown) => void) | null;
}

export class Pool {
  readonly #threads: readonly Thread[];
  readonly #idle: Thread[];
  readonly #waiting: ((thread: Thread) => void)[] = [];

  constructor(jobs: number, draw: Draw) {
    // Each thread has a core to itself: helpers that V8 starts for its nursery take that of another one.
    setFlagsFromString("--no-parallel-scavenge");
    this.#threads = Array.from({ length: jobs }, () => this.#start(draw));
    this.#idle = [...this.#threads];
  }

  async do(task: Task): Promise<Answer> {
    const thread = this.#idle.pop() ?? (await new Promise<Thread>((resolve) => this.#waiting.push(resolve)));
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
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #start(draw: Draw): Thread {
    // XState's production build, whatever the caller's environment says: the simulator is a tenth faster with it.
    const env = { ...process.env, NODE_ENV: "production" };
    // A nursery of 16 MiB: most of a run is forgotten within a moment, and two threads share the caches that a larger one would fill.
    const worker = new Worker(FILE, { workerData: draw, env, resourceLimits: { maxYoungGenerationSizeMb: 48 } });
    const thread: Thread = { worker, done: null, failed: null };
    worker.on("message", (answer: Answer) => thread.done?.(answer));
    worker.on("error", (error) => thread.failed?.(error));
    return thread;
  }
}
