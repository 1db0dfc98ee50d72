/** The client of bench/http.ts, in a process of its own. */
import { Agent, request } from "node:http";
import { monitorEventLoopDelay } from "node:perf_hooks";

export type Wanted = { readonly url: string; readonly key: string } & (
  | { readonly kind: "post"; readonly perSecond: number; readonly seconds: number }
  | { readonly kind: "listen"; readonly readers: number }
);
export interface Told {
  /** Milliseconds: of each post from when it was due, in that order, of each event from when it happened. */
  readonly times: readonly number[];
  /** Posts answered a second; events that were heard. */
  readonly count: number;
  readonly faults: number;
  /** Milliseconds by which the client's own timers were late, p99: what the machine adds to every figure. */
  readonly late: number;
}

type Measured = Omit<Told, "late">;

const now = (): number => performance.timeOrigin + performance.now();

/** As they come due, whether the ones before are answered or not: what waits is counted, too. */
const post = async ({ url, key, perSecond, seconds }: Extract<Wanted, { kind: "post" }>): Promise<Measured> => {
  const agent = new Agent({ keepAlive: true, maxSockets: 50 });
  const times: (number | undefined)[] = [];
  let faults = 0;
  const one = (n: number, due: number): Promise<void> =>
    new Promise((resolve) => {
      const body = JSON.stringify({
        line: "sales",
        to: `+4917${10_000_000 + (n % 1000)}`,
        text: "a message of about the length that people write all day",
      });
      const headers = {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
        "idempotency-key": `${due}-${n}`,
      };
      const asked = request(`${url}/v1/messages`, { method: "POST", agent, headers }, (response) => {
        if (response.statusCode !== 202) faults++;
        response.resume();
        response.once("end", () => {
          times[n] = performance.now() - due;
          resolve();
        });
      });
      asked.once("error", () => {
        faults++;
        resolve();
      });
      asked.end(body);
    });
  const begun = performance.now();
  const answers: Promise<void>[] = [];
  while (answers.length < perSecond * seconds) {
    const due = Math.min(perSecond * seconds, Math.floor(((performance.now() - begun) * perSecond) / 1000));
    while (answers.length < due) answers.push(one(answers.length, begun + (answers.length * 1000) / perSecond));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(answers);
  agent.destroy();
  return {
    times: times.filter((time) => time !== undefined),
    count: times.length / ((performance.now() - begun) / 1000),
    faults,
  };
};

const listen = async ({ url, key, readers }: Extract<Wanted, { kind: "listen" }>): Promise<Measured> => {
  const times: number[] = [];
  let [count, faults, isOver] = [0, 0, false];
  const abort = new AbortController();
  const read = async (): Promise<void> => {
    const headers = { authorization: `Bearer ${key}`, accept: "text/event-stream" };
    const response = await fetch(`${url}/v1/events?type=bench.told`, { headers, signal: abort.signal });
    if (response.status !== 200 || !response.body) throw new Error(`a stream was answered with ${response.status}`);
    const body = response.body;
    void (async () => {
      let [rest, expected] = ["", 0];
      for await (const chunk of body) {
        const at = now();
        const frames = (rest + Buffer.from(chunk).toString()).split("\n\n");
        rest = frames.pop() ?? "";
        for (const frame of frames) {
          const data = /^data: (.*)$/m.exec(frame)?.[1];
          if (data === undefined) continue;
          const event = JSON.parse(data) as { data: { n: number; at: number } };
          if (event.data.n !== expected++) faults++;
          count++;
          times.push(at - event.data.at);
        }
      }
      if (!isOver) faults++;
    })().catch(() => {
      if (!isOver) faults++;
    });
  };
  await Promise.all(Array.from({ length: readers }, read));
  process.send?.("ready");
  await new Promise((resolve) => process.once("message", resolve));
  isOver = true;
  abort.abort();
  return { times, count, faults };
};

const measure = async (wanted: Wanted): Promise<Told> => {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const measured = await (wanted.kind === "post" ? post(wanted) : listen(wanted));
  return { ...measured, late: Math.max(0, delay.percentile(99) / 1e6 - 1) };
};

process.once("message", (wanted: Wanted) => {
  measure(wanted).then(
    (told) => process.send?.(told),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exit(1);
    },
  );
});
