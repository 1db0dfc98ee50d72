/** The examples as they are printed: each a process of its own, against a loopback server. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { askSupervisor } from "../../src/cli/control-client.ts";
import type { ControlAnswers, ControlOp, ControlRequest } from "../../src/index.ts";
import { bareEnv } from "../cli/process.ts";
import { LibraryRig, NUMBERS, until } from "./library-rig.ts";

const PATIENCE = 180_000;
const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));
const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

let rig: LibraryRig;
const children: ChildProcess[] = [];

beforeAll(async () => {
  rig = await LibraryRig.start();
  const supervisor = rig.supervisor();
  await supervisor.start();
  await rig.link(supervisor);
  await supervisor.stop();
}, PATIENCE);
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});
afterAll(async () => rig.close(), PATIENCE);

it("bot.ts is 15 lines, answers who writes, and ends when it is told to", { timeout: PATIENCE }, async () => {
  expect(readFileSync(`${EXAMPLES}bot.ts`, "utf8").trimEnd().split("\n")).toHaveLength(15);
  const bot = run("bot.ts");
  await serving();
  const person = "99910000011";
  rig.loopback.person(person).send(NUMBERS["sales-1"] ?? "", "hours");
  await until(() => rig.textsAt(person).length > 0);
  expect(rig.textsAt(person)).toEqual(["We are open from 9 to 17."]);
  bot.child.kill("SIGTERM");
  expect(await bot.ended).toEqual({ how: 0, out: "" });
});

it("bot.ts answers everything once and in order, though it is killed in the middle", { timeout: PATIENCE }, async () => {
  const person = "99910000012";
  const words = Array.from({ length: 30 }, (_, index) => `word ${index}`);
  const first = run("bot.ts");
  await serving();
  for (const word of words) rig.loopback.person(person).send(NUMBERS["sales-1"] ?? "", word);
  await until(() => rig.textsAt(person).length >= 5);
  first.child.kill("SIGKILL");
  expect((await first.ended).how).toBe("SIGKILL");
  const before = rig.textsAt(person).length;
  expect(before).toBeLessThan(words.length);
  const second = run("bot.ts");
  await until(() => rig.textsAt(person).length >= words.length);
  second.child.kill("SIGTERM");
  expect((await second.ended).how).toBe(0);
  expect(rig.textsAt(person).map((text) => /"(word \d+)"/.exec(text)?.[1])).toEqual(words);
});

it("broadcast.ts sends to each number once, also when it is run again, and no faster than the pace", {
  timeout: PATIENCE,
}, async () => {
  const numbers = Array.from({ length: 20 }, (_, index) => `999100001${String(index).padStart(2, "0")}`);
  for (const number of numbers) rig.loopback.person(number);
  writeFileSync(join(rig.folder, "numbers.txt"), numbers.join("\n"));
  const begun = Date.now();
  for (let time = 1; time <= 2; time++) {
    expect(await run("broadcast.ts", "numbers.txt").ended).toEqual({ how: 0, out: "20 messages have gone out\n" });
  }
  for (const number of numbers) expect(rig.textsAt(number)).toEqual(["Our spring catalogue is out."]);
  // Of each account so many may have left: a burst of 5, and 10 a second.
  const sent = numbers.map((number) => rig.loopback.person(number).received[0]);
  const allowed = 2 * (5 + ((Math.max(...sent.map((message) => message?.at ?? 0)) - begun) / 1000) * 10);
  expect(sent.length).toBeLessThanOrEqual(allowed);
});

it("strategy.ts gives new conversations to the seats that it means", { timeout: PATIENCE }, async () => {
  const example = run("strategy.ts");
  await serving();
  const seatOf = async (to: string): Promise<string> => (await ask("send", { line: "sales", to, text: "hello" })).seat;
  for (const german of ["+491701234567", "+491701234568", "+491701234569"]) expect(await seatOf(german)).toBe("sales/sales-1");
  for (const other of ["+33612345678", "+33612345679", "+447700900123"]) expect(await seatOf(other)).toBe("sales/sales-2");
  example.child.kill("SIGTERM");
  expect((await example.ended).how).toBe(0);
});

it("plugins.ts answers, chooses seats and writes down what happens, in the supervisor that up starts", {
  timeout: PATIENCE,
}, async () => {
  const fleet = JSON.parse(readFileSync(join(rig.folder, "fleet.yaml"), "utf8")) as { lines: { sales: object } };
  const plugins = {
    ...fleet,
    lines: { sales: { ...fleet.lines.sales, strategy: "last-first" } },
    plugins: `${EXAMPLES}plugins.ts`,
  };
  const alerts = { channels: { notebook: { kind: "plugin" } } };
  writeFileSync(join(rig.folder, "with-plugins.yaml"), JSON.stringify({ ...plugins, alerts }));
  const up = start(MAIN, "up", "with-plugins.yaml", "--log-level", "error");
  await serving();
  const person = "99910000013";
  rig.loopback.person(person).send(NUMBERS["sales-1"] ?? "", "hours");
  await until(() => rig.textsAt(person).length > 0);
  expect(rig.textsAt(person)).toEqual(["We are open from 9 to 17."]);
  expect((await ask("send", { line: "sales", to: "+491701239876", text: "hello" })).seat).toBe("sales/sales-2");
  await ask("switchover", { seat: "sales/sales-1" });
  await until(() => readFileSync(join(rig.folder, "events.txt"), { encoding: "utf8", flag: "a+" }).includes("failover.ended"));
  const { services } = await ask("services", { kind: "plugin" });
  expect(services.map(({ name, state, version }) => [name, state, version])).toEqual([
    ["onMessage.hours", "running", "1.0.0"],
    ["strategies.last-first", "running", "1.0.0"],
    ["alertChannels.notebook", "running", "1.0.0"],
    ["eventSinks.journal", "running", "1.0.0"],
  ]);
  const adapters = (await ask("services", { kind: "adapter" })).services.map(({ name }) => name);
  expect(adapters).toEqual(expect.arrayContaining(["store.sqlite", "connections.baileys", "control.socket", "alerts.notebook"]));
  const actors = (await ask("services", { kind: "actor" })).services;
  expect(actors).toContainEqual(expect.objectContaining({ name: "seat:sales/sales-1", state: "serving" }));
  up.child.kill("SIGTERM");
  expect((await up.ended).how).toBe(0);
});

/** As whoever tries it does. */
const run = (example: string, ...args: string[]) => start(`${EXAMPLES}${example}`, "fleet.yaml", ...args);
const start = (...args: string[]) => {
  const options = ["--conditions=greenroom-source", "--disable-warning=ExperimentalWarning"];
  const child = spawn(process.execPath, [...options, ...args], {
    cwd: rig.folder,
    env: bareEnv(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  let out = "";
  child.stdout.on("data", (part) => (out += String(part)));
  const ended = new Promise<{ how: number | NodeJS.Signals | null; out: string }>((resolve) =>
    child.once("close", (code, signal) => resolve({ how: code ?? signal, out })),
  );
  return { child, ended };
};
const ask = <K extends ControlOp>(op: K, request: ControlRequest<K>): Promise<ControlAnswers[K]> =>
  askSupervisor(join(rig.folder, "acme.db.sock"), op, request);
const serving = (): Promise<void> =>
  until(async () => {
    const status = await ask("status", {}).catch(() => undefined);
    return status?.seats.every(({ phase }) => phase === "serving") === true;
  });
