/** Messages to and from groups on the adapter. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Loopback, type Person, startLoopback } from "../../../sim/loopback/index.ts";
import { whyNotOurs } from "../../../src/adapters/baileys/groups.ts";
import { until } from "../../sim/loopback/client.ts";
import { device, Rig } from "./rig.ts";

const a = device("sales-1/a");
const MASTER = "4915550000001";
const PATIENCE = 20_000;

describe("groups", () => {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-groups-"));
  const file = join(folder, "store.db");
  let loopback: Loopback;
  let rig: Rig;
  let ana: Person;
  let ben: Person;
  let group: string;
  let master: ReturnType<Loopback["account"]>;
  beforeAll(async () => {
    loopback = await startLoopback();
    [ana, ben] = [loopback.person("4915550000901"), loopback.person("4915550000902")];
    master = loopback.account(MASTER);
    rig = await Rig.start({ loopback, devices: [a], file, queryTimeout: 400 });
    await rig.link(a, MASTER);
    await rig.serve(a);
    await rig.seat(a);
    group = master.createGroup("Support", [ana.number, ben.number]);
  }, 60_000);
  afterAll(async () => {
    await rig.close();
    await loopback.close();
    rmSync(folder, { recursive: true });
  });

  const send = async (text: string): Promise<string> => {
    const { command, fact } = await rig.send(a, await rig.contact(group), text);
    expect(fact.kind).toBe("sent");
    await rig.fact("acked", ({ waId }) => waId === command.waId);
    return command.waId;
  };
  const everybodyReads = async (id: string): Promise<void> => {
    for (const person of [ana, ben])
      await until(() => person.received.some((each) => each.id === id && each.chat === group), PATIENCE);
  };

  it("what we write reaches every member: first with our key, then under it", async () => {
    await everybodyReads(await send("welcome"));
    await everybodyReads(await send("and on"));
    expect([...ana.arrivals, ...ben.arrivals].filter(({ outcome }) => outcome !== "received")).toEqual([]);
  });

  it("what a member writes is in the inbox, with the group as its chat", async () => {
    const id = ana.sendGroup(group, "thank you");
    await until(() => ana.receipts.some((each) => each.id === id && each.fromNumber === MASTER), PATIENCE);
    expect((await rig.inbox()).filter(({ waId }) => waId === id)).toMatchObject([{ chat: group, fromMe: false }]);
  });

  it("the next process goes on under the same key", async () => {
    await rig.close();
    rig = await Rig.start({ loopback, devices: [a], file, queryTimeout: 400 });
    await rig.serve(a);
    await rig.seat(a);
    const before = [...ana.arrivals].length;
    await everybodyReads(await send("after the restart"));
    expect(ana.arrivals.slice(before).map(({ outcome }) => outcome)).toEqual(["received"]);
  });

  it("is set by its admins: what it is called, what it is about, who writes, who changes it", async () => {
    const own = await rig.port.groups(a).create("Orders", [ana.jid]);
    expect(own).toMatchObject({ subject: "Orders", announce: false, locked: false });
    const settings = { subject: "Orders 2", description: "all of them", announce: true, locked: true };
    expect(await rig.port.groups(a).set(own.id, settings)).toMatchObject(settings);
    expect(await rig.port.groups(a).set(own.id, { description: null, announce: false })).toMatchObject({
      subject: "Orders 2",
      description: null,
      announce: false,
      locked: true,
    });
    const others = loopback.account(ana.number).createGroup("Ana's", [MASTER]);
    await expect(rig.port.groups(a).set(others, { announce: true })).rejects.toMatchObject({ refused: 403 });
  });

  it("has an invitation, which ends with the next one; who has it looks, joins, or asks to be let in; who left may come back", async () => {
    const groups = rig.port.groups(a);
    const own = await groups.create("Invited", [ana.jid]);
    const { code, link } = await groups.invitation(own.id);
    expect({ code, link }).toEqual({
      code: loopback.account(MASTER).invitationTo(own.id),
      link: `https://chat.whatsapp.com/${code}`,
    });
    const next = await groups.renewInvitation(own.id);
    expect(next.code).not.toBe(code);
    await expect(groups.invited(code)).rejects.toMatchObject({ refused: 406 });
    expect(await groups.invited(next.code)).toMatchObject({ id: own.id, subject: "Invited" });

    const theirs = loopback.account(ana.number).createGroup("Theirs", []);
    const door = loopback.account(ana.number).invitationTo(theirs);
    expect(await groups.join(door)).toBe(theirs);
    await expect(groups.join(door)).rejects.toMatchObject({ refused: 409 });
    await groups.leave(theirs);
    expect((await groups.list()).map(({ id }) => id)).not.toContain(theirs);
    expect(await groups.join(door)).toBe(theirs);
    const closed = loopback.account(ana.number).createGroup("Closed", [], true);
    expect(await groups.join(loopback.account(ana.number).invitationTo(closed))).toBeNull();
  });

  it("that WhatsApp does not know, or not this number in it, can't be written to: unsent for good, with WhatsApp's code", async () => {
    const none = await rig.send(a, await rig.contact("120363999999@g.us"), "is anybody there?");
    expect(none.fact).toMatchObject({ kind: "unsent", why: "unpreparable", code: 404, detail: "there is no such group" });
    const left = master.createGroup("Left", [ana.number]);
    await rig.port.groups(a).leave(left);
    const { fact } = await rig.send(a, await rig.contact(left), "is it still us?");
    expect(fact).toMatchObject({
      kind: "unsent",
      why: "unpreparable",
      code: 403,
      detail: "this number is no member of the group",
    });
    const others = loopback.account(ana.number).createGroup("Ana's", [MASTER]);
    const back = await rig.send(a, await rig.contact(others), "and here?");
    expect(back.fact).toMatchObject({ kind: "sent" });
  });

  it("are given up for no other no: that one is about the moment", () => {
    const codes = [400, 401, 403, 404, 406, 408, 429, 463, 500, 503];
    expect(codes.filter((code) => whyNotOurs(code) !== undefined)).toEqual([403, 404]);
  });

  it("without an answer about the members a message is unsent", async () => {
    loopback.faults.unanswered({ account: MASTER });
    const other = loopback.account(MASTER).createGroup("Elsewhere", [ana.number]);
    const { fact } = await rig.send(a, await rig.contact(other), "who are you?");
    expect(fact).toMatchObject({ kind: "unsent", why: "lookup" });
    loopback.faults.healAll();
  });
});
