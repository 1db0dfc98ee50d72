/** One thread of `greenroom chaos`: does one task after the other. */
import { parentPort, workerData } from "node:worker_threads";
import { type Draw, Hand, type Task } from "./task.ts";

const hand = new Hand(workerData as Draw);
parentPort?.on("message", (task: Task) => parentPort?.postMessage(hand.carryOut(task), []));
