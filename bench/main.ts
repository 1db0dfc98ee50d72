/** `npm run bench`: what this project claims, measured. Each benchmark runs in a process of its own, one after the other. */
import { parseArgs } from "node:util";
import { startChild } from "./peer/index.ts";
import { machine } from "./report.ts";

const BENCHMARKS: Readonly<Record<string, string>> = {
  baileys: "sends, receipts, memory and durability against raw Baileys on the same server",
  storm: "500 connections, 50 of them holders: 50 fall silent, 200 are dropped at once",
  probes: "what probing 100 holders once a second costs",
  coldstart: "from the start of the process to the first connection in service, against raw Baileys",
  boot: "a cold start with 200 linked devices, against raw Baileys",
  store: "commits and reads of the SQLite store",
  http: "messages posted to the API from another process, and a hundred readers of events",
  pressure: "probing and failover under 500 accepted and 50 sent a second, paired with idle",
  webhooks: "100,000 messages that waited for a webhook, delivered, and with kill -9 in between",
  failover: "every fault of the demo, repeated: detected, chosen, in service, acknowledged",
  calm: "jitter and no faults: nobody may be accused",
  delivery: "accepting under load, an outbox of a million rows, processor time of a message",
  switchover: "planned moves under load: what they add to a message",
  restart: "kill -9 of a running supervisor, and its return",
  balance: "choosing the seat of a new conversation among a thousand",
  metrics: "what counting and scraping cost 500 devices",
  world: "how fast simulated time passes",
  viewer: "a film of 100,000 steps in Chromium: opened, and scrubbed",
  alerts: "from a fault to the first word that reaches people, over a thousand simulated seeds",
  top: "what the live screen takes of a core, beside 500 devices",
  watching: "failover with and without dashboards and a scraper, paired",
  dashboard: "500 devices and 1,000 changes a second in Chromium: how long a key waits",
};
const HELP = `npm run bench -- [NAME...] [--json] [--quick]

Measures and prints; exit 1 if a figure that must be reached is missed. Without names: all of them.
${Object.entries(BENCHMARKS)
  .map(([name, what]) => `  ${name.padEnd(10)} ${what}`)
  .join("\n")}

  --quick    less of everything: to see that it works, not to quote
  --json     one document on stdout`;

interface Outcome {
  readonly name: string;
  readonly report: unknown;
  readonly missed: readonly string[];
}

const run = (name: string, json: boolean, quick: boolean): Promise<Outcome> =>
  new Promise((resolve) => {
    const child = startChild(new URL("./one.child.ts", import.meta.url), ["--expose-gc"], 1);
    let outcome: Outcome | undefined;
    child.on("message", (message: Outcome) => {
      outcome = message;
    });
    child.once("exit", (code) => {
      resolve(outcome ?? { name, report: null, missed: [`${name}: it ended without figures (exit ${code})`] });
    });
    child.send({ name, json, quick });
  });

const main = async (): Promise<number> => {
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: { json: { type: "boolean" }, quick: { type: "boolean" }, help: { type: "boolean", short: "h" } },
    });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${HELP}\n`);
    return 2;
  }
  const { json = false, quick = false, help = false } = parsed.values;
  if (help) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  const unknown = parsed.positionals.filter((name) => !(name in BENCHMARKS));
  if (unknown.length > 0) {
    process.stderr.write(`no benchmark is named ${unknown.join(", ")}; there are ${Object.keys(BENCHMARKS).join(", ")}\n`);
    return 2;
  }
  const outcomes: Outcome[] = [];
  for (const name of parsed.positionals.length > 0 ? parsed.positionals : Object.keys(BENCHMARKS)) {
    outcomes.push(await run(name, json, quick));
  }
  const missed = outcomes.flatMap((outcome) => outcome.missed);
  if (json) {
    const reports = Object.fromEntries(outcomes.map(({ name, report }) => [name, report]));
    process.stdout.write(`${JSON.stringify({ machine: machine(), quick, reports, missed, met: missed.length === 0 })}\n`);
  } else {
    for (const line of missed) process.stdout.write(`MISSED ${line}\n`);
    if (missed.length === 0) process.stdout.write("every figure that must be reached was reached\n");
  }
  return missed.length === 0 ? 0 : 1;
};

process.exitCode = await main();
