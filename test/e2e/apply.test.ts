/** The fleet file is saved while `up` runs: real links, of which nobody's is touched but theirs whom it concerns. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { numberOf, Rig, until } from "./rig.ts";

const PATIENCE = 120_000;

const fleetWith = (accounts: object, masters: readonly string[], servants: readonly string[] = []): string =>
  JSON.stringify({ fleet: "acme", store: { file: "./acme.db" }, accounts, lines: { sales: { masters, servants } } });
const [MASTER, TWINS] = [
  { role: "master", devices: ["a"] },
  { role: "master", devices: ["a", "b"] },
];
const SMALL = fleetWith({ "sales-1": TWINS }, ["sales-1"]);
const LARGE = fleetWith(
  { "sales-1": TWINS, "sales-2": MASTER, "bulk-1": { role: "servant", devices: ["a"] } },
  ["sales-1", "sales-2"],
  ["bulk-1"],
);

let rig: Rig;
const opened: string[] = [];
beforeAll(async () => {
  rig = await Rig.start(SMALL);
  rig.loopback.on("opened", ({ account }) => opened.push(account));
}, PATIENCE);
afterAll(() => rig.close(), PATIENCE);

const save = (text: string): void => writeFileSync(join(rig.folder, "fleet.yaml"), text);
const devices = async (): Promise<string[]> => (await rig.ask("accounts", {})).devices.map(({ id }) => id);
const opensOf = (device: string): number => opened.filter((account) => account === numberOf(device)).length;

it("accounts come and go without a restart; a broken file changes nothing; what was taken up outlives a kill -9", {
  timeout: PATIENCE,
}, async () => {
  const { child, ended } = await rig.up();
  for (const device of ["sales-1/a", "sales-1/b"]) await rig.link(device);
  await rig.serving();
  await until(async () => (await rig.ask("accounts", {})).devices.every(({ health }) => health === "healthy"));
  const before = opensOf("sales-1/a");
  expect(before).toBeGreaterThan(0);

  save("accounts: [");
  await expect(rig.ask("apply", { dryRun: true, force: false })).rejects.toMatchObject({ code: "E_REFUSED" });
  save(LARGE);
  await until(async () => (await devices()).includes("sales-2/a"));
  for (const device of ["sales-2/a", "bulk-1/a"]) await rig.link(device);
  await rig.serving();
  await until(async () => (await rig.ask("accounts", {})).devices.every(({ health }) => health === "healthy"));
  expect(await rig.ask("apply", { dryRun: true, force: false })).toMatchObject({ changes: [] });
  expect((await rig.ask("status", {})).seats.map(({ id }) => id)).toEqual(["sales/sales-1", "sales/sales-2"]);
  const to = "99910000001";
  rig.loopback.person(to);
  const sent = await Promise.all([1, 2].map((n) => rig.ask("send", { line: "sales", to, text: `hello ${n}` })));
  expect(new Set(sent.map(({ id }) => id)).size).toBe(2);
  expect(opensOf("sales-1/a")).toBe(before);
  const { audit } = await rig.ask("audit", { subject: "sales-2", limit: 50 });
  expect(audit.map(({ action, text }) => ({ action, text }))).toContainEqual({
    action: "fleet.changed",
    text: "account sales-2 (master) is added, with sales-2/a",
  });

  child.kill("SIGKILL");
  await ended;
  await rig.up();
  await rig.serving();
  await until(async () => (await rig.ask("accounts", {})).devices.every(({ health }) => health === "healthy"));
  await rig.ask("unlinkAccount", { account: "bulk-1" });
  expect(rig.loopback.account(numberOf("bulk-1/a")).devices()).toEqual([]);
  expect((await rig.ask("accounts", {})).devices.find(({ id }) => id === "bulk-1/a")).toMatchObject({ state: "unlinked" });
  expect((await rig.ask("alerts", {})).alerts.filter(({ subject }) => subject.startsWith("bulk-1"))).toEqual([]);
  await rig.link("bulk-1/a");
  await until(async () => (await rig.ask("accounts", {})).devices.every(({ health }) => health === "healthy"));
  const after = opensOf("sales-1/a");
  // By command: into the file, and taken up. Saving that is no news to who watches the file.
  await rig.ask("edit", { edit: { kind: "line.add", line: "help", masters: ["sales-2"] } });
  await rig.ask("edit", { edit: { kind: "describe", subject: "sales-2", name: "Second", labels: ["new"] } });
  await rig.serving();
  const status = await rig.ask("status", {});
  expect(status.seats.find(({ line }) => line === "help")?.holder).toBe("sales-2/a");
  expect(status.drift).toEqual({ changes: 0, restart: 0, isWrong: false });
  expect(status.accounts.find(({ id }) => id === "sales-2")).toMatchObject({ name: "Second", labels: ["new"] });
  save(SMALL);
  await until(async () => (await devices()).length === 2);
  await rig.serving();
  expect((await rig.ask("status", {})).lines.map(({ id }) => id)).toEqual(["sales"]);
  expect(opensOf("sales-1/a")).toBe(after);
});
