/**
 * Threads that carry out tasks, each one at a time. Answers come in the order in which they are done. A thread that dies fails the
 * task that it was at, and another takes its place.
 */
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import type { Answer, Draw, Task } from "./task.ts";

/** Built, it stands beside this file as JavaScript. */
const FILE = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);

interface Thread {
  readonly worker: Worker;
  isDead: boolean;
  done: ((answer: Answer) => void) | null;
  failed: ((error: unknown) => void) | null;
}

/** MiB. */
interface Memory {
  /** A third of it can be filled: by a run as a whole, mostly, so that it is cleared between two of them (`worker.ts`). */
  readonly nursery: number;
  /** What runs may leave behind before V8 looks for what is dead among it. */
  readonly leftBehind: number;
}
/** A thread's: more save little. Where less is available it is slower. */
const memoryOf = (jobs: number): Memory => {
  const quarter = Math.floor(process.availableMemory() / 2 ** 20 / jobs / 4);
  return { nursery: Math.max(48, Math.min(288, quarter)), leftBehind: Math.max(64, Math.min(256, quarter)) };
};

/**
 * How V8 keeps the memory of a thread that does one run after the other. Its defaults are made for programs that last: it cleans up
 * every few dozen runs, and what nobody uses between two runs (the shapes of a fleet's objects, code compiled for its closures) is
 * gone then and made anew, a sixth of all work (docs/decisions/0025).
 */
const flagsFor = ({ nursery, leftBehind }: Memory): readonly string[] => [
  // Each thread has a core to itself: helpers that V8 starts for its nursery take that of another one.
  "--no-parallel-scavenge",
  "--expose-gc",
  // Half of what a nursery may fill, for V8 doubles it.
  `--scavenger-max-new-space-capacity-mb=${Math.ceil(nursery / 6)}`,
  `--initial-old-space-size=${leftBehind}`,
  "--retain-maps-for-n-gc=1000000",
  "--no-flush-bytecode",
  "--no-allocation-site-pretenuring",
];

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
