/** Webhooks of a running supervisor change with its fleet file: real store, real receivers, real control; no device is linked. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect, it, onTestFinished } from "vitest";
import { loadFleetFile } from "../../src/config/index.ts";
import { type Production, startProduction } from "../../src/runtime/production.ts";
import { signedHeaders } from "../../src/webhooks/signature.ts";
import { type Got, Receiver, until } from "../webhooks/rig.ts";

const ENV = {};
const started = async (webhooks: object) => {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-live-"));
  const file = join(folder, "fleet.yaml");
  const secret = (name: string, value: string): void => writeFileSync(join(folder, name), value);
  const save = (all: object, more: object = {}): void =>
    writeFileSync(
      file,
      JSON.stringify({
        fleet: "acme",
        store: { file: "./acme.db" },
        accounts: { one: { role: "master", devices: ["a"] } },
        lines: { sales: { masters: ["one"] } },
        webhooks: all,
        ...more,
      }),
    );
  secret("old", "an old one");
  save(webhooks);
  const loaded = loadFleetFile(file, ENV);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  const options = { fleet: loaded.fleet, env: ENV, logger: pino({ level: "silent" }), onStop: () => undefined };
  const production = await startProduction(options);
  onTestFinished(async () => {
    await production.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const apply = (dryRun = false) => production.handlers.apply({ dryRun, force: false, match: null });
  return { production, save, secret, apply };
};
const happen = ({ supervisor }: Production, subject: string): void =>
  supervisor.report({ type: "seat.serving", subject, data: { device: null, term: 1 } });
const subjects = ({ got }: Receiver): string[] => got.map(({ body }) => String(body.data["subject"]));
const isSignedWith = ({ headers, text, body }: Got, secrets: readonly string[]): boolean =>
  signedHeaders(secrets, body.id, Number(headers["webhook-timestamp"]) * 1000, text)["webhook-signature"] ===
  headers["webhook-signature"];

it("webhooks are added, changed and removed by the fleet file, with dry run, drift, audit and events, and others hear nothing of it", async () => {
  const [crm, erp, quiet] = [new Receiver(), new Receiver(), new Receiver()];
  const events = ["seat.*"];
  const all = { allowPrivate: true, events };
  const still = { quiet: { url: await quiet.listen(), ...all } };
  const { production, save, apply } = await started(still);
  const drift = async () => (await production.handlers.status({})).drift;
  happen(production, "1");
  await until(() => quiet.got.length === 1);

  const crmUrl = await crm.listen();
  save({ ...still, crm: { url: crmUrl, ...all } });
  expect(await apply(true)).toMatchObject({
    applied: false,
    changes: [{ subject: "webhook:crm", isLive: true, text: expect.stringMatching(/^webhook crm is added, to http[^?]*$/) }],
  });
  expect(await drift()).toEqual({ changes: 1, restart: 0, isWrong: false });
  happen(production, "2");
  await until(() => quiet.got.length === 2);
  await apply();
  expect(await drift()).toEqual({ changes: 0, restart: 0, isWrong: false });
  happen(production, "3");
  await until(() => crm.got.length === 1);
  expect(subjects(crm)).toEqual(["3"]);

  // A restart is needed for something else, and nothing waits for that.
  save({ ...still, crm: { url: await erp.listen(), ...all } }, { brake: { seats: 5 } });
  expect((await apply()).changes.map(({ subject, isLive }) => [subject, isLive])).toEqual([
    ["webhook:crm", true],
    ["brake", false],
  ]);
  expect(await drift()).toEqual({ changes: 1, restart: 1, isWrong: false });
  happen(production, "4");
  await until(() => erp.got.length === 1);

  save(still);
  await apply();
  happen(production, "5");
  await until(() => quiet.got.length === 5);
  expect((await production.handlers.webhooks({})).webhooks.map(({ name }) => name)).toEqual(["quiet"]);
  expect((await production.handlers.services({ kind: null })).services.map(({ name }) => name)).not.toContain("webhook.crm");
  await expect(production.handlers.webhookTest({ webhook: "crm" })).rejects.toThrow(/crm/);

  // Back, it goes on where it was.
  save({ ...still, crm: { url: crmUrl, ...all } });
  await apply();
  await until(() => crm.got.length === 2);
  expect([subjects(crm), subjects(erp), subjects(quiet)]).toEqual([["3", "5"], ["4"], ["1", "2", "3", "4", "5"]]);

  const { rows: audit } = await production.views.ask("audit.read", { subject: "webhook:crm", limit: 10 });
  expect(audit.map(({ action }) => action)).toEqual(Array.from({ length: 4 }, () => "fleet.changed"));
  const { rows } = await production.views.ask("events.read", { afterSeq: 0, limit: 999 });
  expect(rows.filter(({ type }) => type === "fleet.changed").map(({ subject }) => subject)).toEqual(
    Array.from({ length: 4 }, () => "webhook:crm"),
  );
  expect(JSON.stringify([audit, rows])).not.toContain("token=secret");
});

it("a secret is exchanged while it runs: two for a while, and also where its file says another one", async () => {
  const crm = new Receiver();
  const url = await crm.listen();
  const signedBy = (secret: unknown): object => ({ crm: { url, secret, allowPrivate: true, events: ["seat.*"] } });
  const { production, save, secret, apply } = await started(signedBy("${file:./old}"));
  const drift = async () => (await production.handlers.status({})).drift;
  const isNextSignedWith = async (...secrets: readonly string[]): Promise<boolean> => {
    const before = crm.got.length;
    happen(production, "1");
    await until(() => crm.got.length === before + 1);
    return isSignedWith(crm.got.at(-1) as Got, secrets);
  };
  expect(await isNextSignedWith("an old one")).toBe(true);
  save(signedBy(["${file:./old}", "${file:./new}"]));
  await expect(apply()).rejects.toThrow(/new can't be read/);
  expect(await drift()).toMatchObject({ isWrong: true });
  expect(await isNextSignedWith("an old one")).toBe(true);
  secret("new", "a new one");
  expect(await drift()).toEqual({ changes: 1, restart: 0, isWrong: false });
  await apply();
  expect(await isNextSignedWith("an old one", "a new one")).toBe(true);
  save(signedBy("${file:./new}"));
  await apply();
  expect(await isNextSignedWith("a new one")).toBe(true);
  expect(await drift()).toMatchObject({ changes: 0 });
  secret("new", "the newest of all");
  expect(await drift()).toEqual({ changes: 1, restart: 0, isWrong: false });
  expect(await isNextSignedWith("a new one")).toBe(true);
  const { changes } = await apply();
  expect(changes.map(({ text }) => text)).toEqual([
    "webhook crm is signed with ${file:./new}, where something that is not shown has changed",
  ]);
  expect(await isNextSignedWith("the newest of all")).toBe(true);
  expect(await drift()).toMatchObject({ changes: 0 });
});
