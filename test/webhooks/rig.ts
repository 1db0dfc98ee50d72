/** Receivers on loopback that answer as they are told, a real store, and time that passes when it is told to. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { FleetEventRow } from "../../machines/ports/records.ts";
import { openSqliteStore, type SqliteStore } from "../../src/adapters/sqlite/store.ts";
import type { WebhookConfig } from "../../src/webhooks/courier.ts";
import { WebhookDesk, type WebhookDeskOptions } from "../../src/webhooks/desk.ts";
import { createTestClock } from "../conformance/store-kit.ts";

export interface Got {
  readonly headers: IncomingHttpHeaders;
  readonly body: { readonly id: string; readonly type: string; readonly data: Readonly<Record<string, unknown>> };
  readonly text: string;
}
/** A receiver that answers as it is told. */
export class Receiver {
  readonly got: Got[] = [];
  answer: (got: Got, response: ServerResponse) => void = (_, response) => void response.writeHead(204).end();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      let text = "";
      request.on("data", (part) => {
        text += String(part);
      });
      request.on("end", () => {
        const got = { headers: request.headers, body: JSON.parse(text) as Got["body"], text };
        this.got.push(got);
        this.answer(got, response);
      });
    });
    onTestFinished(() => {
      this.#server.closeAllConnections();
      this.#server.close();
    });
  }
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook?token=secret`;
  }
}

/** Time that passes when it is told to, with nothing else in it. */
export const stepping = () => {
  let now = 1_700_000_000_000;
  let no = 0;
  const timers = new Map<number, { at: number; fire: () => void }>();
  return {
    clock: {
      now: () => now,
      setTimeout: (fire: () => void, after: number) => {
        timers.set(++no, { at: now + after, fire });
        return no;
      },
      clearTimeout: (timer: unknown) => void timers.delete(timer as number),
    },
    /** Runs what is due within `ms`, with turns in between. */
    pass: async (ms: number): Promise<void> => {
      const until = now + ms;
      for (;;) {
        await turns();
        const [next] = [...timers].filter(([, { at }]) => at <= until).sort(([, one], [, other]) => one.at - other.at);
        if (!next) break;
        timers.delete(next[0]);
        now = Math.max(now, next[1].at);
        next[1].fire();
      }
      now = until;
    },
  };
};
export const turns = async (): Promise<void> => {
  for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve));
};
export const until = async (done: () => boolean | Promise<boolean>): Promise<void> => {
  for (let n = 0; n < 2000; n++) {
    if (await done()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("it did not happen");
};

export const CONFIG: WebhookConfig = {
  name: "crm",
  url: "http://unused",
  secrets: ["old", "new"],
  events: ["message.received"],
  lines: [],
  allowPrivate: true,
  concurrency: 4,
};

export const opened = (): SqliteStore => {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-webhooks-"));
  const store = openSqliteStore({ file: join(folder, "fleet.db"), key: new Uint8Array(32), clock: createTestClock() });
  onTestFinished(() => {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return store;
};
export const clock = {
  now: () => Date.now(),
  setTimeout: (fire: () => void, after: number) => setTimeout(fire, after),
  clearTimeout: (timer: unknown) => clearTimeout(timer as NodeJS.Timeout),
};
export const ask = <T>(store: SqliteStore, question: object): Promise<T> =>
  new Promise((resolve) => store.ask({ reqId: "r", ...question } as never, (answer) => resolve(answer as T)));
export const append = (store: SqliteStore, count: number): Promise<unknown> =>
  ask(store, {
    op: "events.append",
    events: Array.from({ length: count }, (_, n) => ({ at: n, type: "seat.serving", subject: `s${n % 3}`, data: { n } })),
  });

/** The events of a real store for real receivers; nobody writes anything. */
export const deskOf = (
  store: SqliteStore,
  webhooks: readonly WebhookConfig[],
  others: Partial<WebhookDeskOptions> = {},
): WebhookDesk => {
  const desk = new WebhookDesk({
    fleet: "acme",
    webhooks,
    store: store.webhooks,
    clock,
    draw: () => 0.5,
    inbox: { rows: async () => [], message: async () => null },
    events: async (afterSeq, limit) => (await ask<{ rows: FleetEventRow[] }>(store, { op: "events.read", afterSeq, limit })).rows,
    concerns: (lines, subject) => lines.includes(subject),
    cursor: async (reader, seq) => (await ask<{ seq: number }>(store, { op: "inbox.cursor", reader, seq })).seq,
    onDelivered: () => undefined,
    onDead: () => undefined,
    onFault: () => undefined,
    ...others,
  });
  onTestFinished(() => desk.stop(100));
  return desk;
};
