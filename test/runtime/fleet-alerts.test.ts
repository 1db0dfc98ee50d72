/** Who is told of alerts changes with the fleet file of a running supervisor: real store, real receivers, real control; no device is linked. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect, it, onTestFinished } from "vitest";
import { loadFleetFile } from "../../src/config/index.ts";
import { type Production, startProduction } from "../../src/runtime/production.ts";
import { signedHeaders } from "../../src/webhooks/signature.ts";
import { type Posted, receive, type Receiver } from "../alerts/kit.ts";

const ENV = {};
class Fleet {
  readonly folder = mkdtempSync(join(tmpdir(), "greenroom-told-"));
  readonly file = join(this.folder, "fleet.yaml");
  production!: Production;

  secret(name: string, value: string): void {
    writeFileSync(join(this.folder, name), value);
  }
  save(alerts: object, more: object = {}): void {
    const fleet = {
      fleet: "acme",
      store: { file: "./acme.db" },
      accounts: { one: { role: "master", devices: ["a"] } },
      lines: { sales: { masters: ["one"] } },
      alerts,
      ...more,
    };
    writeFileSync(this.file, JSON.stringify(fleet));
  }
  async start(): Promise<void> {
    const loaded = loadFleetFile(this.file, ENV);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
    const options = { fleet: loaded.fleet, env: ENV, logger: pino({ level: "silent" }), onStop: () => undefined };
    this.production = await startProduction(options);
  }
  apply(dryRun = false) {
    return this.production.handlers.apply({ dryRun, force: false, match: null });
  }
  async drift() {
    return (await this.production.handlers.status({})).drift;
  }
  raise(subject: string, level: "warning" | "critical" = "warning"): void {
    const key = `device.failed:${subject}`;
    const effect = { op: "raise" as const, key, rule: "device.failed", subject, level, text: `${subject} failed` };
    this.production.supervisor.node.driver.perform("orchestrator", [effect]);
  }
  resolve(subject: string): void {
    const effect = { op: "resolve" as const, key: `device.failed:${subject}`, text: `${subject} is well` };
    this.production.supervisor.node.driver.perform("orchestrator", [effect]);
  }
  async channels() {
    return (await this.production.handlers.alertSilences({})).channels.map(
      ({ name, failing }) => `${name}${failing ? " fails" : ""}`,
    );
  }
}
const begun = async (alerts: object): Promise<Fleet> => {
  const fleet = new Fleet();
  fleet.save(alerts);
  await fleet.start();
  onTestFinished(async () => {
    await fleet.production.stop();
    rmSync(fleet.folder, { recursive: true, force: true });
  });
  return fleet;
};
const receiver = async (): Promise<Receiver> => {
  const one = await receive();
  onTestFinished(() => one.close());
  return one;
};
const to = ({ url }: Receiver, more: object = {}): object => ({ kind: "webhook", url, ...more });
const itemsOf = ({ posted }: Receiver): string[] =>
  posted.flatMap(({ body }) => {
    const { data } = JSON.parse(body) as { data: { alerts: { kind: string; subject: string }[] } };
    return data.alerts.map(({ kind, subject }) => `${kind} ${subject}`);
  });
const until = async (test: () => unknown): Promise<void> => {
  while (!(await test())) await new Promise((resolve) => setTimeout(resolve, 5));
};
const times = (one: Receiver, item: string): number => itemsOf(one).filter((each) => each === item).length;
const heard = (one: Receiver, item: string, count = 1): Promise<void> => until(() => times(one, item) >= count);

it("channels are added, changed and removed by the fleet file, with dry run, drift, audit and events, and nobody is told twice", async () => {
  const [ops, chat, other] = [await receiver(), await receiver(), await receiver()];
  const fleet = await begun({ channels: { ops: to(ops) } });
  const { handlers, views } = fleet.production;
  fleet.raise("1");
  await heard(ops, "raised 1");

  fleet.save({ channels: { ops: to(ops), chat: to(chat) } });
  expect(await fleet.apply(true)).toMatchObject({
    applied: false,
    changes: [
      { subject: "channel:chat", isLive: true, text: "channel chat is added: webhook" },
      { subject: "alerts:fleet", isLive: true, text: "alerts: warnings go to terminal, ops, chat (now terminal, ops)" },
      { subject: "alerts:fleet" },
      { subject: "alerts:fleet" },
    ],
  });
  expect(await fleet.drift()).toEqual({ changes: 4, restart: 0, isWrong: false });
  expect(await fleet.channels()).toEqual(["terminal", "ops"]);
  await fleet.apply();
  expect(await fleet.drift()).toEqual({ changes: 0, restart: 0, isWrong: false });
  expect(await fleet.channels()).toEqual(["terminal", "ops", "chat"]);
  expect((await handlers.services({ kind: null })).services.map(({ name }) => name)).toContain("alerts.chat");
  // What holds is told to who comes; a restart is needed for something else, and nothing waits for that.
  await heard(chat, "raised 1");
  fleet.save({ channels: { ops: to(ops), chat: to(other) } }, { brake: { seats: 5 } });
  expect((await fleet.apply()).changes.map(({ subject, isLive }) => [subject, isLive])).toEqual([
    ["channel:chat", true],
    ["brake", false],
  ]);
  fleet.raise("2");
  await Promise.all([heard(ops, "raised 2"), heard(other, "raised 2")]);

  fleet.save({ channels: { chat: to(other) } });
  await fleet.apply();
  expect(await fleet.channels()).toEqual(["terminal", "chat"]);
  await expect(handlers.alertTest({ channel: "ops" })).rejects.toThrow(/There are: terminal, chat/);
  fleet.resolve("1");
  await heard(other, "resolved 1");
  fleet.save({ channels: { ops: to(ops), chat: to(other) } });
  await fleet.apply();
  fleet.resolve("2");
  await Promise.all([heard(ops, "resolved 2"), heard(other, "resolved 2")]);
  expect([itemsOf(ops), itemsOf(chat), itemsOf(other)]).toEqual([
    ["raised 1", "raised 2", "resolved 2"],
    ["raised 1"],
    ["raised 2", "resolved 1", "resolved 2"],
  ]);

  const { rows: audit } = await views.ask("audit.read", { subject: "channel:ops", limit: 10 });
  expect(audit.map(({ action }) => action)).toEqual(["fleet.changed", "fleet.changed"]);
  const { rows } = await views.ask("events.read", { afterSeq: 0, limit: 999 });
  expect(rows.flatMap(({ type, subject }) => (type === "fleet.changed" ? [subject] : []))).toContain("channel:ops");
  expect(JSON.stringify([await views.ask("audit.read", { subject: null, limit: 999 }), rows])).not.toContain("secret-path");
});

it("a channel that fails is mended in the file: what waits for it gets through, and its alert is over", async () => {
  const [ops, chat, right] = [await receiver(), await receiver(), await receiver()];
  ops.answer = 500;
  const told = { warning: ["ops", "chat"] };
  const fleet = await begun({ channels: { ops: to(ops), chat: to(chat) }, ...told });
  fleet.raise("1");
  await until(async () => (await fleet.channels()).includes("ops fails"));
  await heard(chat, "raised ops");
  fleet.save({ channels: { ops: to(right), chat: to(chat) }, ...told });
  await fleet.apply();
  await Promise.all([heard(right, "raised 1"), heard(chat, "resolved ops")]);
  expect(await fleet.channels()).toEqual(["terminal", "ops", "chat"]);

  // And what waits for one that is removed is given up, in the record.
  right.answer = 500;
  fleet.raise("2");
  await heard(chat, "raised ops", 2);
  fleet.save({ channels: { chat: to(chat) } });
  await fleet.apply();
  await heard(chat, "resolved ops", 2);
  const { alertShow } = fleet.production.handlers;
  await until(async () => (await alertShow({ alert: "device.failed:2" })).notices.every(({ state }) => state !== "pending"));
  const { notices } = await alertShow({ alert: "device.failed:2" });
  expect(notices.filter(({ channel }) => channel === "ops")).toMatchObject([
    { state: "failed", outcome: "there is no such channel any more" },
  ]);
  expect(itemsOf(chat).toSorted()).toEqual(["raised 1", "raised 2", "raised ops", "raised ops", "resolved ops", "resolved ops"]);
  expect(itemsOf(right)).toEqual(["raised 1"]);
});

it("a secret is exchanged while it runs, also where its file says another one; what is wrong is refused, and the old goes on", async () => {
  const ops = await receiver();
  const signedBy = (secret: string) => ({ channels: { ops: to(ops, { secret }) } });
  const fleet = new Fleet();
  fleet.secret("old", "an old one");
  fleet.save(signedBy("${file:./old}"));
  await fleet.start();
  onTestFinished(async () => {
    await fleet.production.stop();
    rmSync(fleet.folder, { recursive: true, force: true });
  });
  const { handlers } = fleet.production;
  const isNextSignedWith = async (secret: string): Promise<boolean> => {
    await handlers.alertTest({ channel: "ops" });
    return isSignedWith(ops.posted.at(-1) as Posted, secret);
  };
  expect(await isNextSignedWith("an old one")).toBe(true);
  fleet.save({ ...signedBy("${file:./new}"), warning: ["oops"] });
  await expect(fleet.apply()).rejects.toThrow(/there is no channel oops\. Did you mean "ops"\?/);
  fleet.save(signedBy("${file:./new}"));
  await expect(fleet.apply()).rejects.toThrow(/alerts\.channels\.ops\.secret: the file .*new can't be read/);
  expect(await fleet.drift()).toMatchObject({ isWrong: true });
  expect(await isNextSignedWith("an old one")).toBe(true);
  fleet.secret("new", "a new one");
  await fleet.apply();
  expect(await isNextSignedWith("a new one")).toBe(true);
  expect(await fleet.drift()).toMatchObject({ changes: 0 });
  fleet.secret("new", "the newest of all");
  expect(await fleet.drift()).toEqual({ changes: 1, restart: 0, isWrong: false });
  expect(await isNextSignedWith("a new one")).toBe(true);
  expect((await fleet.apply()).changes.map(({ text }) => text)).toEqual([
    "channel ops is signed with ${file:./new}, where something that is not shown has changed",
  ]);
  expect(await isNextSignedWith("the newest of all")).toBe(true);
  expect(await fleet.drift()).toMatchObject({ changes: 0 });
});

const isSignedWith = ({ headers, body }: Posted, secret: string): boolean =>
  signedHeaders([secret], String(headers["webhook-id"]), Number(headers["webhook-timestamp"]) * 1000, body)[
    "webhook-signature"
  ] === headers["webhook-signature"];

it("limits of rules hold from the next look on, and who is told of a rule from then on", async () => {
  const ops = await receiver();
  const fleet = await begun({ channels: { ops: to(ops) }, warning: ["terminal"] });
  const wanting = (rule: object) => ({ channels: { ops: to(ops) }, warning: ["terminal"], rules: { "disk.low": rule } });
  fleet.save(wanting({ warning: 1e12 }));
  expect((await fleet.apply()).changes).toMatchObject([{ subject: "alerts:disk.low", isLive: true }]);
  await until(async () => (await fleet.production.handlers.status({})).alerts.some(({ key }) => key === "disk.low:fleet"));
  fleet.save(wanting({ warning: 1e12, channels: { warning: ["ops"] } }));
  expect(ops.posted).toEqual([]);
  await fleet.apply();
  await heard(ops, "raised fleet");
});

it("a supervisor that ends in the midst of a change begins with what the file says, and tells nobody again", async () => {
  const [ops, chat] = [await receiver(), await receiver()];
  const fleet = await begun({ channels: { ops: to(ops) } });
  fleet.raise("1");
  await heard(ops, "raised 1");
  fleet.save({ channels: { ops: to(ops), chat: to(chat) } });
  const applied = Promise.allSettled([fleet.apply()]);
  await fleet.production.stop();
  await applied;
  await fleet.start();
  expect(await fleet.channels()).toEqual(["terminal", "ops", "chat"]);
  await heard(chat, "raised 1");
  fleet.raise("2");
  await Promise.all([heard(ops, "raised 2"), heard(chat, "raised 2")]);
  expect([itemsOf(ops), itemsOf(chat)]).toEqual([
    ["raised 1", "raised 2"],
    ["raised 1", "raised 2"],
  ]);
});
