/** One thread of `greenroom chaos`: does one task after the other. */
import { runInNewContext } from "node:vm";
import { parentPort, workerData } from "node:worker_threads";
import { type Draw, Hand, type Task } from "./task.ts";

/** There for threads whose V8 was told `--expose-gc`. */
const collect = runInNewContext("globalThis.gc") as ((options: { type: "minor" }) => void) | undefined;

const hand = new Hand(workerData as Draw);
parentPort?.on("message", (task: Task) => {
  parentPort?.postMessage(hand.carryOut(task), []);
  // Nothing of a run is alive when it is over: its nursery is cleared for nothing then, and in the midst of the next one by copying that.
  collect?.({ type: "minor" });
});
