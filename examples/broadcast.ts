/**
 * One text to a list of numbers, as fast as the fleet file's `pacing` lets each account send: `node broadcast.ts fleet.yaml numbers.txt`.
 * Run again after a crash it goes on: each number gets the text once, because its key stays the same.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ControlError, createSupervisor } from "greenroom";

const [fleet = "fleet.yaml", list = "numbers.txt"] = process.argv.slice(2);
const numbers = readFileSync(list, "utf8").split(/\s+/).filter(Boolean);
const supervisor = createSupervisor(fleet);
await supervisor.start();

for (const to of numbers) {
  const message = { line: "sales", to, text: "Our spring catalogue is out.", key: `spring:${to}`, expiresIn: 86_400_000 };
  // Bulk: whatever else is said within the next minute goes first.
  while (!(await supervisor.send({ ...message, priority: 0 }).catch(waitIfFull))) await sleep(1000);
}
while ((await supervisor.status()).seats.some(({ queue }) => queue.open > 0)) await sleep(250);
console.log(`${numbers.length} messages have gone out`);
await supervisor.stop();

function waitIfFull(error: unknown): undefined {
  if (!(error instanceof ControlError) || error.code !== "E_FULL") throw error;
}
