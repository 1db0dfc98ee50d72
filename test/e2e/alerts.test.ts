/**
 * kill -9 of `greenroom up` while it takes up other channels for its alerts: the next start tells whom the file says, and whoever was
 * told before is not told again. 20 times in `npm run test:full`.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Posted, receive, type Receiver } from "../alerts/kit.ts";
import { Rig, until } from "./rig.ts";

const KILLS = process.env["GREENROOM_FULL"] ? 20 : 3;
const PATIENCE = 120_000;

let rig: Rig;
let [ops, chat]: Receiver[] = [];
beforeAll(async () => {
  rig = await Rig.start();
  [ops, chat] = [await receive(), await receive()];
}, PATIENCE);
afterAll(async () => {
  await rig.close();
  await Promise.all([ops?.close(), chat?.close()]);
}, PATIENCE);

/** A disk on which there is never enough room is something to tell. */
const save = (channels: readonly ("ops" | "chat")[]): void => {
  const urls = { ops: ops?.url, chat: chat?.url };
  const alerts = {
    channels: Object.fromEntries(channels.map((name) => [name, { kind: "webhook", url: urls[name] }])),
    rules: { "disk.low": { warning: 1e12 } },
  };
  const accounts = { one: { role: "master", devices: ["a"] } };
  const fleet = { fleet: "acme", store: { file: "./acme.db" }, accounts, lines: { sales: { masters: ["one"] } }, alerts };
  writeFileSync(join(rig.folder, "fleet.yaml"), JSON.stringify(fleet));
};
const running = async (): Promise<string[]> => (await rig.ask("alertSilences", {})).channels.map(({ name }) => name);
/** Under one id something is told once, however often it comes. */
const idsOf = (receiver: Receiver | undefined): readonly string[] => [
  ...new Set(receiver?.posted.filter(isOfDisk).map(({ headers }) => String(headers["webhook-id"]))),
];
const isOfDisk = ({ body }: Posted): boolean => body.includes("disk.low");

it(`leaves whom the file says to be told, and tells nobody again, ${KILLS} times`, {
  timeout: PATIENCE + KILLS * 15_000,
}, async () => {
  save(["ops"]);
  let up = await rig.up();
  await until(async () => idsOf(ops).length > 0);
  for (let kill = 0; kill < KILLS; kill++) {
    const wanted = kill % 2 === 0 ? (["ops", "chat"] as const) : (["ops"] as const);
    save(wanted);
    const applied = Promise.allSettled([rig.ask("apply", {})]);
    await new Promise((resolve) => setTimeout(resolve, (kill * 7) % 40));
    up.child.kill("SIGKILL");
    await Promise.all([up.ended, applied]);
    up = await rig.up();
    expect(await running()).toEqual(["terminal", ...wanted]);
  }
  save(["ops", "chat"]);
  await rig.ask("apply", {});
  await until(async () => idsOf(chat).length > 0);
  expect(idsOf(ops)).toHaveLength(1);
  up.child.kill("SIGTERM");
  expect(await up.ended).toBe(0);
});
