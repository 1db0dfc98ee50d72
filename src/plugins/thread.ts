/**
 * The plugins' functions in a thread of their own: one that throws, waits or never ends costs the fleet nothing, because probes and
 * failovers run elsewhere. A thread that ends, or has not answered for a while (somebody counts to a billion), is replaced; what it
 * was doing has failed then, and is done again by whoever asked.
 */
import { Worker } from "node:worker_threads";
import type { Logger } from "pino";
import type { Clock } from "../../machines/ports/clock.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import { ControlError, type SendAnswer } from "../runtime/control-protocol.ts";
import type { Reply } from "../runtime/messages.ts";
import type { FunctionKind } from "./define.ts";
import type { FromPlugins, ToPlugins } from "./messages.ts";

/** Built, it stands beside this file as JavaScript. */
const FILE = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);

export interface ThreadOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Without an answer for so long, it is replaced. */
  readonly silentFor?: Millis;
}
export type ThreadState = "starting" | "running" | "waiting" | "stopped";
export interface Called {
  readonly of: FunctionKind;
  readonly name: string;
  readonly input: unknown;
  readonly reply?: Reply;
  readonly signal?: AbortSignal;
}
interface Open {
  readonly reply: Reply | undefined;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const SILENT_FOR: Millis = 15_000;
const STARTS_WITHIN: Millis = 60_000;
/** Before the next start, doubling up to the other figure. */
const PAUSE: Millis = 1000;
const PAUSE_AT_MOST: Millis = 60_000;
/** Having run for so long, it counts as well. */
const WELL_AFTER: Millis = 60_000;

export class PluginThread {
  readonly #options: ThreadOptions;
  readonly #open = new Map<number, Open>();
  #worker: Worker | undefined;
  #state: ThreadState = "stopped";
  #calls = 0;
  #deaths = 0;
  #pause = PAUSE;
  #beganAt: Millis = 0;
  #heardAt: Millis = 0;
  #timer: unknown;
  #ready = Promise.withResolvers<void>();

  constructor(options: ThreadOptions) {
    this.#options = options;
    this.#ready.promise.catch(() => undefined);
  }

  get state(): ThreadState {
    return this.#state;
  }
  /** How often it had to be replaced. */
  get deaths(): number {
    return this.#deaths;
  }

  start(): void {
    if (this.#worker) return;
    const { clock, file } = this.#options;
    this.#state = "starting";
    this.#beganAt = clock.now();
    this.#heardAt = this.#beganAt;
    const worker = new Worker(FILE, { workerData: { file } });
    this.#worker = worker;
    worker.on("message", (message: FromPlugins) => this.#hear(worker, message));
    worker.once("error", (error) => this.#ended(worker, error instanceof Error ? error.message : String(error)));
    worker.once("exit", (code) => this.#ended(worker, `it ended (exit ${code})`));
    this.#watch();
  }

  /** Resolves when the function has ended well; rejects with what it threw, or why nobody knows. */
  async call({ of, name, input, reply, signal }: Called): Promise<void> {
    await this.#ready.promise;
    const id = ++this.#calls;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#open.set(id, { reply, resolve, reject });
    signal?.addEventListener("abort", () => this.#say({ kind: "abort", id }), { once: true });
    this.#say({ kind: "call", id, of, name, input });
    try {
      await promise;
    } finally {
      this.#open.delete(id);
    }
  }

  async stop(): Promise<void> {
    const worker = this.#worker;
    this.#state = "stopped";
    this.#worker = undefined;
    this.#options.clock.clearTimeout(this.#timer);
    this.#failAll("the plugins were stopped");
    this.#ready.reject(new Error("the plugins were stopped"));
    await worker?.terminate();
  }

  #hear(worker: Worker, message: FromPlugins): void {
    if (worker !== this.#worker) return;
    this.#heardAt = this.#options.clock.now();
    switch (message.kind) {
      case "ready":
        this.#state = "running";
        return this.#ready.resolve();
      case "pong":
        return undefined;
      case "done":
        return this.#open.get(message.id)?.resolve();
      case "failed":
        return this.#open.get(message.id)?.reject(Object.assign(new Error(message.message), { name: message.name }));
      case "reply":
        return void this.#reply(message);
    }
  }

  async #reply({ reply, id, answer, options }: Extract<FromPlugins, { kind: "reply" }>): Promise<void> {
    try {
      const send = this.#open.get(id)?.reply;
      if (!send) throw new ControlError("E_REFUSED", "the handler was given up: nobody waits for its answer any more");
      const answered: SendAnswer = await send(answer, options);
      this.#say({ kind: "replied", reply, answer: answered });
    } catch (error) {
      const code = error instanceof ControlError ? error.code : "E_INTERNAL";
      this.#say({ kind: "notReplied", reply, code, message: error instanceof Error ? error.message : String(error) });
    }
  }

  #say(message: ToPlugins): void {
    this.#worker?.postMessage(message, []);
  }

  #watch(): void {
    const { clock, silentFor = SILENT_FOR } = this.#options;
    this.#timer = clock.setTimeout(() => {
      const now = clock.now();
      // Loading may take its time, on a machine that is busy above all.
      if (now - this.#heardAt > (this.#state === "starting" ? Math.max(silentFor, STARTS_WITHIN) : silentFor)) {
        const worker = this.#worker;
        if (worker) this.#ended(worker, `it has not answered for ${Math.round((now - this.#heardAt) / 1000)} s`);
        void worker?.terminate();
        return;
      }
      this.#say({ kind: "ping" });
      this.#watch();
    }, silentFor / 3);
  }

  #ended(worker: Worker, why: string): void {
    if (worker !== this.#worker) return;
    const { clock, logger } = this.#options;
    const wasRunning = this.#state === "running";
    this.#worker = undefined;
    this.#state = "waiting";
    this.#deaths++;
    clock.clearTimeout(this.#timer);
    if (clock.now() - this.#beganAt > WELL_AFTER) this.#pause = PAUSE;
    logger.error({ why, pause: this.#pause }, "the plugins' thread is started again; the fleet is not concerned");
    this.#failAll(`the plugins' thread was lost: ${why}`);
    if (wasRunning) this.#ready = Promise.withResolvers<void>();
    this.#ready.promise.catch(() => undefined);
    this.#timer = clock.setTimeout(() => this.start(), this.#pause);
    this.#pause = Math.min(PAUSE_AT_MOST, 2 * this.#pause);
  }

  #failAll(why: string): void {
    for (const { reject } of this.#open.values()) reject(new Error(why));
    this.#open.clear();
  }
}
