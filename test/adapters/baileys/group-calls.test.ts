/** Groups asked over a device's link: real Baileys against the loopback server. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Loopback, type Person, startLoopback } from "../../../sim/loopback/index.ts";
import { device, Rig } from "./rig.ts";

const a = device("sales-1/a");
const MASTER = "4915550000001";
const folder = mkdtempSync(join(tmpdir(), "greenroom-group-calls-"));
let loopback: Loopback;
let rig: Rig;
let [ana, ben]: Person[] = [];
beforeAll(async () => {
  loopback = await startLoopback();
  [ana, ben] = [loopback.person("4915550000901"), loopback.person("4915550000902")];
  loopback.account(MASTER);
  rig = await Rig.start({ loopback, devices: [a], file: join(folder, "store.db"), queryTimeout: 2000 });
}, 60_000);
afterAll(async () => {
  await rig.close();
  await loopback.close();
  rmSync(folder, { recursive: true });
});

it("are out of reach without a link, and then made, listed, looked at and changed", { timeout: 60_000 }, async () => {
  const calls = rig.port.groups(a);
  await expect(calls.list()).rejects.toMatchObject({ name: "GroupError", refused: null });
  await rig.link(a, MASTER);
  await rig.serve(a);
  expect(await calls.list()).toEqual([]);
  const made = await calls.create("Friends", [ana?.jid ?? ""]);
  expect(made).toMatchObject({ id: expect.stringMatching(/@g\.us$/), subject: "Friends", description: null });
  const membersOf = async (): Promise<readonly (readonly [string | null, string])[]> =>
    (await calls.info(made.id)).members.map(({ pn, role }) => [pn, role] as const);
  expect(await membersOf()).toEqual([
    [`${MASTER}@s.whatsapp.net`, "superadmin"],
    [ana?.jid, "member"],
  ]);
  expect((await calls.list()).map(({ id }) => id)).toEqual([made.id]);

  const stranger = "4915559999999@s.whatsapp.net";
  const added = await calls.change(made.id, "add", [ben?.jid ?? "", ana?.jid ?? "", stranger]);
  expect(added.map(({ done, code }) => [done, code])).toEqual([
    [true, null],
    [false, "409"],
    [false, "404"],
  ]);
  await calls.change(made.id, "promote", [ben?.jid ?? ""]);
  await calls.change(made.id, "remove", [ana?.jid ?? ""]);
  expect(await membersOf()).toEqual([
    [`${MASTER}@s.whatsapp.net`, "superadmin"],
    [ben?.jid, "admin"],
  ]);
  await expect(calls.info("120363000000000000@g.us")).rejects.toMatchObject({ refused: 404 });
});
