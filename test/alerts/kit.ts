/** A clock that moves when it is told to, notices, and a server that takes what is posted. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { Notice } from "../../machines/alerts/notices.ts";
import type { Clock } from "../../machines/ports/clock.ts";
import type { Millis } from "../../machines/ports/ids.ts";

const LONGEST_TIMER = 2 ** 31 - 1;

export class HandClock implements Clock {
  #now: Millis = 1_760_000_000_000;
  #timers: { readonly at: Millis; readonly fire: () => void }[] = [];

  now(): Millis {
    return this.#now;
  }
  setTimeout(fire: () => void, after: Millis): unknown {
    if (after > LONGEST_TIMER) throw new Error(`the platform would fire at once what is set for ${after} ms`);
    const timer = { at: this.#now + after, fire };
    this.#timers.push(timer);
    return timer;
  }
  clearTimeout(timer: unknown): void {
    this.#timers = this.#timers.filter((each) => each !== timer);
  }
  /** Fires what is due, in order, and lets promises go on in between. */
  async pass(span: Millis): Promise<void> {
    const end = this.#now + span;
    await settled();
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).toSorted((one, other) => one.at - other.at)[0];
      if (!next) break;
      this.clearTimeout(next);
      this.#now = Math.max(this.#now, next.at);
      next.fire();
      await settled();
    }
    this.#now = end;
  }
}
/** What the store and other promises have to say, is said. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
};

export const notice = (id = "n1", subjects: readonly string[] = ["sales-1/a"]): Notice => ({
  id,
  at: 1_760_000_000_000,
  channel: "ops",
  items: subjects.map((subject) => ({
    key: `device.failed:${subject}`,
    rule: "device.failed",
    subject,
    level: "warning",
    text: `${subject} failed: <nothing> is heard & more`,
    raisedAt: 1_760_000_000_000,
    resolvedAt: null,
    kind: "raised",
    flaps: false,
  })),
});

export interface Posted {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
export interface Receiver {
  readonly url: string;
  readonly posted: readonly Posted[];
  /** 0: never. */
  answer: number;
  close(): Promise<void>;
}
export const receive = async (): Promise<Receiver> => {
  const posted: Posted[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += String(part)));
    request.on("end", () => {
      if (receiver.answer === 0) return;
      if (receiver.answer < 300) posted.push({ headers: request.headers, body });
      response.writeHead(receiver.answer, { location: "http://127.0.0.1:1/elsewhere" }).end("what it says is nobody's business");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const receiver = {
    url: `http://127.0.0.1:${port}/hooks/T0/secret-path`,
    posted,
    answer: 200,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return receiver;
};
