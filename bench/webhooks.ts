/**
 * A receiver was away, and 100,000 messages wait for it: how fast they are delivered once it answers again, signed, each conversation in
 * order; and the same with kill -9 in between, three times: none may be missing. The supervisor is a process of its own, with its SQLite
 * store; the receiver is this one, and does nothing but answer. Each message is told by its id, so what came twice is counted apart.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChild } from "./peer/index.ts";
import { type BenchOptions, type Figure, report, type Report } from "./report.ts";

export interface BacklogTask {
  readonly directory: string;
  readonly url: string;
  /** Written to the inbox first, and nothing else is done. */
  readonly fill?: { readonly messages: number; readonly conversations: number };
}

const MESSAGES = 100_000;
const CONVERSATIONS = 5000;
const PER_SECOND = 1000;
/** Shares of the backlog after which the supervisor is killed. */
const KILLS = [0.2, 0.45, 0.7];
/** Without any delivery for so long, it is over. */
const PATIENCE = 60_000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Answers each POST at once, and remembers what it was. */
class Receiver {
  readonly #seen = new Set<string>();
  readonly #last = new Map<string, number>();
  deliveries = 0;
  outOfOrder = 0;
  firstAt = Number.NaN;
  lastAt = Number.NaN;
  readonly #server = createServer((request, response) => {
    void this.#take(request).then(() => response.writeHead(204).end());
  });

  get distinct(): number {
    return this.#seen.size;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }
  forget(): void {
    this.#seen.clear();
    this.#last.clear();
    [this.deliveries, this.outOfOrder, this.firstAt, this.lastAt] = [0, 0, Number.NaN, Number.NaN];
  }
  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #take(request: IncomingMessage): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { id, data } = JSON.parse(Buffer.concat(parts).toString()) as {
      id: string;
      data: { seq: number; conversation: string };
    };
    this.deliveries++;
    this.lastAt = performance.now();
    if (Number.isNaN(this.firstAt)) this.firstAt = this.lastAt;
    if (this.#seen.has(id)) return;
    this.#seen.add(id);
    const before = this.#last.get(data.conversation) ?? 0;
    if (data.seq < before) this.outOfOrder++;
    this.#last.set(data.conversation, data.seq);
  }
}

const run = (task: BacklogTask) => {
  const child = startChild(new URL("./webhooks.child.ts", import.meta.url));
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.send(task);
  return {
    ended,
    kill: async (): Promise<void> => {
      child.kill("SIGKILL");
      await ended;
    },
  };
};

export const runWebhooksBench = async (options: BenchOptions): Promise<Report> => {
  const messages = options.quick ? MESSAGES / 10 : MESSAGES;
  const conversations = options.quick ? CONVERSATIONS / 10 : CONVERSATIONS;
  const folder = mkdtempSync(join(process.env["GREENROOM_BENCH_DIR"] ?? tmpdir(), "greenroom-webhooks-"));
  const receiver = new Receiver();
  try {
    const url = await receiver.listen();
    const figures: Figure[] = [];
    for (const kills of [[], KILLS]) {
      const directory = join(folder, `kills-${kills.length}`);
      await run({ directory, url, fill: { messages, conversations } }).ended;
      receiver.forget();
      await drain({ directory, url }, receiver, messages, kills);
      figures.push(...figuresOf(receiver, messages, kills.length));
    }
    return report("webhooks", figures, options);
  } finally {
    receiver.close();
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Until everything has come, or nothing comes any more. */
const drain = async (task: BacklogTask, receiver: Receiver, messages: number, kills: readonly number[]): Promise<void> => {
  let supervisor = run(task);
  const due = [...kills];
  for (let last = { distinct: -1, at: performance.now() }; receiver.distinct < messages; await sleep(20)) {
    if (receiver.distinct !== last.distinct) last = { distinct: receiver.distinct, at: performance.now() };
    if (performance.now() - last.at > PATIENCE) break;
    if (receiver.distinct < (due[0] ?? Number.POSITIVE_INFINITY) * messages) continue;
    due.shift();
    await supervisor.kill();
    supervisor = run(task);
  }
  await supervisor.kill();
};

const none = { is: "<=", than: 0 } as const;
const figuresOf = (
  { distinct, deliveries, outOfOrder, firstAt, lastAt }: Receiver,
  messages: number,
  kills: number,
): Figure[] => {
  const when = kills === 0 ? "undisturbed" : `kill -9, ${kills} times`;
  const seconds = (lastAt - firstAt) / 1000;
  return [
    { what: `${when}: messages that waited`, value: messages, unit: "" },
    {
      what: `${when}: delivered a second`,
      value: distinct / seconds,
      unit: "",
      ...(kills === 0 ? { bound: { is: ">=", than: PER_SECOND } as const } : {}),
    },
    { what: `${when}: never delivered`, value: messages - distinct, unit: "", bound: none },
    { what: `${when}: out of order in their conversation`, value: outOfOrder, unit: "", bound: none },
    { what: `${when}: delivered more than once`, value: deliveries - distinct, unit: "" },
  ];
};
