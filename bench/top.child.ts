/** The live screen in a process of its own, 80 by 24, with nobody at its keys: what it takes of a core once it runs. */
import { PassThrough, Writable } from "node:stream";
import type { ReadStream } from "node:tty";
import type { Stream } from "../src/cli/cli.ts";
import { askSupervisor } from "../src/cli/control-client.ts";
import { runTop } from "../src/cli/top/loop.ts";

interface Task {
  readonly socket: string;
  readonly ms: number;
}
export interface TopCost {
  /** Of a core. */
  readonly share: number;
  readonly screens: number;
}

const SETTLE = 5000;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const measured = async ({ socket, ms }: Task): Promise<TopCost> => {
  let screens = 0;
  const out = new Writable({
    write: (_chunk, _encoding, done) => {
      screens++;
      done();
    },
  });
  const input = Object.assign(new PassThrough(), { setRawMode: () => undefined });
  void runTop(Object.assign(out, { isTTY: true, columns: 80, rows: 24 }) as unknown as Stream, input as unknown as ReadStream, {
    status: () => askSupervisor(socket, "status", {}),
    events: (after) => askSupervisor(socket, "events", { after, limit: 200 }),
    why: () => Promise.reject(new Error("nobody asks")),
    carryOut: () => Promise.reject(new Error("nobody orders")),
  });
  await sleep(SETTLE);
  const [from, before, cpu] = [performance.now(), screens, process.cpuUsage()];
  await sleep(ms);
  const { user, system } = process.cpuUsage(cpu);
  return { share: (user + system) / 1000 / (performance.now() - from), screens: screens - before };
};

process.once("message", (task: Task) => void measured(task).then((cost) => process.send?.(cost, () => process.exit(0))));
