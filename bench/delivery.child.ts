/** A node on a store with many waiting messages that may not leave: what it reads to send next, and what it keeps in memory. */
import type { RequestId } from "../machines/ports/ids.ts";
import { seatId } from "../machines/ports/ids.ts";
import { QUEUE_DEFAULTS } from "../machines/delivery/queue-config.ts";
import { makeAsk } from "../src/adapters/baileys/ask.ts";
import { LINE } from "./delivery-load.ts";
import { draftOf } from "./delivery-rows.ts";
import { openFleet, shaped } from "./fleet.ts";
import { median } from "./report.ts";

interface Task {
  readonly url: string;
  readonly root: string;
  readonly directory: string;
}
export interface Look {
  /** Milliseconds for a page of what is to be sent next: from the beginning, and from the middle. */
  readonly claim: number;
  readonly claimMiddle: number;
  readonly accept: number;
  readonly heapUsed: number;
  readonly rss: number;
}

const LOOKS = 300;
/** Nothing leaves: what waits goes on waiting. */
const STANDSTILL = { perSecond: 0.000_001, burst: 1 };

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const look = async ({ url, root, directory }: Task): Promise<Look> => {
  const declaration = shaped({ lines: 1, mastersPerLine: 1, devicesPerMaster: 1, servantsPerLine: 0 });
  const fleet = openFleet({ url, root }, directory, declaration, new Map(), (config) => ({
    ...config,
    outboxLimit: () => 1e9,
    queue: (line) => ({
      ...config.queue(line),
      pacing: Object.fromEntries(declaration.accounts.map(({ id }) => [id, STANDSTILL])),
    }),
  }));
  await fleet.supervisor.start();
  while (!fleet.supervisor.isServing()) await sleep(50);
  await sleep(2000);
  let requests = 0;
  const ask = makeAsk(fleet.store, () => `look-${++requests}` as RequestId);
  const seat = seatId(LINE, declaration.accounts[0]?.id ?? ("" as never));
  const counts = await ask("outbox.counts", {});
  const waiting = counts.kind === "counts" ? counts.seats.reduce((sum, { count }) => sum + count, 0) : 0;
  const timed = async (work: (n: number) => Promise<unknown>): Promise<number> => {
    const times: number[] = [];
    for (let n = 0; n < LOOKS; n++) {
      const from = performance.now();
      await work(n);
      times.push(performance.now() - from);
    }
    return median(times);
  };
  const claim = (afterSeq: number) => timed(() => ask("outbox.open", { seat, afterSeq, limit: QUEUE_DEFAULTS.page }));
  const figures = {
    claim: await claim(0),
    claimMiddle: await claim(Math.floor(waiting / 2)),
    accept: await timed((n) => ask("outbox.accept", { messages: [draftOf(LINE, 1e9 + waiting * 10 + n)], limit: 1e9 })),
  };
  for (let turn = 0; turn < 4; turn++) {
    (globalThis as { gc?: () => void }).gc?.();
    await sleep(100);
  }
  const { heapUsed, rss } = process.memoryUsage();
  await fleet.close();
  return { ...figures, heapUsed, rss };
};

process.once("message", (task: Task) => {
  look(task).then(
    (seen) => process.send?.(seen, () => process.exit(0)),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    },
  );
});
