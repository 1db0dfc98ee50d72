/** Messages that leave: what Baileys makes of it when WhatsApp does not answer, and what the adapter does. See docs/baileys.md. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AuthenticationCreds, proto, type WASocket } from "@whiskeysockets/baileys";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { startLoopback } from "../../../sim/loopback/index.ts";
import type { DeviceKeys } from "../../../src/adapters/baileys/keys/device-keys.ts";
import { Lookups } from "../../../src/adapters/baileys/lookups.ts";
import { until } from "../../sim/loopback/client.ts";
import { Rig } from "./rig.ts";
import { a, b, MASTER, onMaster, onRaw, turns, World } from "./world.ts";

const PATIENCE = 20_000;
const { ERROR, PENDING } = proto.WebMessageInfo.Status;

describe("sends", () => {
  let world: World;
  beforeAll(async () => {
    world = await World.make();
  }, 120_000);
  afterEach(() => world.recover());
  afterAll(() => world.close());

  it("without WhatsApp's ack a send is an open question, and the same id sent again answers it; Baileys calls it sent", async () => {
    const { rig, raw, loopback, customer } = world;
    loopback.faults.ackLost(onMaster);
    loopback.faults.ackLost(onRaw);
    const { command, fact } = await rig.send(a, world.contact, "did it arrive?");
    expect(fact.kind).toBe("sent");
    const bare = await raw.sendText(customer.number, "Baileys has sent it");
    await until(() => world.atPhone(command.waId).length + world.atPhone(bare).length === 2, PATIENCE);
    expect(rig.facts.some((each) => each.kind === "acked" && each.waId === command.waId)).toBe(false);
    expect(await rig.ask("outbox.get", { waId: command.waId })).toMatchObject({
      row: { attempts: [{ number: 1, outcome: "pending" }] },
    });
    expect(raw.reported(bare).filter(({ status }) => status !== undefined && status !== PENDING)).toEqual([]);
    loopback.faults.healAll();
    rig.port.perform({ ...command, attempt: 2 });
    await rig.fact("acked", ({ waId }) => waId === command.waId);
    await until(() => customer.arrivals.filter(({ id }) => id === command.waId).length === 2, PATIENCE);
    expect(world.atPhone(command.waId)).toEqual(["did it arrive?"]);
  });

  it("an error in WhatsApp's ack is a refusal with its code", async () => {
    const { rig, raw, loopback } = world;
    loopback.faults.restrict(MASTER);
    const stranger = loopback.person("4915550000997");
    const { command } = await rig.send(a, await rig.contact(stranger.jid), "hello stranger");
    expect(await rig.fact("refused", ({ waId }) => waId === command.waId)).toMatchObject({ code: 463 });
    loopback.faults.restrict(onRaw.account);
    const bare = await raw.sendText(stranger.number, "hello stranger");
    await until(() => raw.reported(bare).some(({ status }) => status === ERROR), PATIENCE);
  });

  it("to strangers are over once new chats are used up, of which WhatsApp may tell unasked; that there are new ones is for a deep check", async () => {
    const { rig, loopback } = world;
    const account = loopback.account(MASTER);
    const since = rig.mark;
    account.allowNewChats(0);
    const { until: ends } = await rig.fact("standing", ({ standing }) => standing === "capped", { since });
    expect(ends).toBeGreaterThan(Date.now());
    const stranger = loopback.person("4915550000981");
    const { command } = await rig.send(a, await rig.contact(stranger.jid), "hello stranger");
    expect(await rig.fact("refused", ({ waId }) => waId === command.waId)).toMatchObject({ code: 463 });
    const { command: known } = await rig.send(a, world.contact, "hello friend");
    await rig.fact("acked", ({ waId }) => waId === known.waId);
    account.allowNewChats(1000);
    const again = await rig.send(a, await rig.contact(stranger.jid), "hello stranger");
    await rig.fact("acked", ({ waId }) => waId === again.command.waId);
    expect(rig.facts.slice(since).filter((fact) => fact.kind === "standing" && fact.standing !== "capped")).toEqual([]);
  });

  it("on a link that died unnoticed a message is sent and stays unanswered; on a closed one it is unsent", async () => {
    const { rig, raw, loopback } = world;
    loopback.faults.halfOpenLink(onMaster);
    loopback.faults.halfOpenLink(onRaw);
    const { command, fact } = await rig.send(a, world.contact, "into silence");
    expect(fact.kind).toBe("sent");
    const bare = await raw.sendText(world.customer.number, "Baileys resolves");
    rig.port.perform({ op: "terminate", device: a });
    expect((await rig.send(a, world.contact, "nowhere")).fact).toMatchObject({ kind: "unsent", why: "closed" });
    const { live } = raw;
    raw.stop();
    await expect(live.sendMessage(world.customer.jid, { text: "nowhere" })).rejects.toMatchObject({
      output: { statusCode: 428 },
    });
    expect([world.atPhone(command.waId), world.atPhone(bare)]).toEqual([[], []]);
  });

  it("with its look-up unanswered a message is unsent and nothing leaves; Baileys sends a stanza that is encrypted for nobody", async () => {
    const { rig, raw, loopback } = world;
    const stranger = loopback.person("4915550000999");
    loopback.faults.unanswered(onMaster, { answer: "usync" });
    loopback.faults.unanswered(onRaw, { answer: "usync" });
    const accepted: string[] = [];
    onTestFinished(loopback.on("accepted", ({ waId }) => accepted.push(waId)));
    const { command, fact } = await rig.send(a, await rig.contact(stranger.jid), "who are you?");
    expect(fact).toMatchObject({ kind: "unsent", why: "lookup" });
    const bare = await raw.sendText(stranger.number, "for nobody");
    expect((await raw.acked(bare, PATIENCE)).attrs["error"]).toBe("479");
    expect(rig.facts.some((each) => each.kind === "refused" && each.waId === command.waId)).toBe(false);
    loopback.faults.healAll();
    const since = rig.mark;
    rig.port.perform(command);
    expect(await rig.answer(command, since)).toMatchObject({ kind: "sent" });
    await until(() => stranger.received.some(({ id }) => id === command.waId), PATIENCE);
    expect(accepted).toEqual([command.waId]);
  });

  it("to a number that nobody has, a message can't be prepared", async () => {
    const { rig } = world;
    const nobody = await rig.contact("4915559999999@s.whatsapp.net");
    const { fact } = await rig.send(a, nobody, "is anybody there?");
    expect(fact).toMatchObject({ kind: "unsent", why: "unpreparable", detail: "the number is not on WhatsApp" });
  });

  it("are given up for a number only when WhatsApp says that nobody has it: no other answer says so", async () => {
    const says = (answer: () => Promise<unknown>): Promise<boolean> => {
      const sock = { executeUSyncQuery: answer } as unknown as WASocket;
      return new Lookups(sock, {} as AuthenticationCreds, {} as DeviceKeys).isNobody("4915559999999@s.whatsapp.net");
    };
    expect(await says(async () => ({ list: [{ id: "4915559999999@s.whatsapp.net", contact: false }] }))).toBe(true);
    expect(await says(async () => ({ list: [{ id: "4915559999999@s.whatsapp.net", contact: true }] }))).toBe(false);
    expect(await says(async () => ({ list: [{ id: "4915559999999@s.whatsapp.net" }] }))).toBe(false);
    expect(await says(async () => ({ list: [] }))).toBe(false);
    expect(await says(async () => undefined)).toBe(false);
    expect(await says(() => Promise.reject(new Error("rate-overlimit")))).toBe(false);
  });

  it("with its look-up unanswered a message to somebody known is unsent as well: sessions alone name no devices", async () => {
    const { rig, loopback } = world;
    await rig.seat(b);
    loopback.faults.unanswered(onMaster, { answer: "usync" });
    const { command, fact } = await rig.send(b, world.contact, "from the one that never wrote to you");
    expect(fact).toMatchObject({ kind: "unsent", why: "lookup" });
    loopback.faults.healAll();
    await rig.seat(a);
    await world.talk("and on");
    expect(world.customer.arrivals.filter(({ id }) => id === command.waId)).toEqual([]);
  });

  it("with the keys of the recipient unanswered a message is unsent as well", async () => {
    const { rig, loopback } = world;
    const stranger = loopback.person("4915550000996");
    loopback.faults.unanswered(onMaster, { answer: "list" });
    const { fact } = await rig.send(a, await rig.contact(stranger.jid), "who are you?");
    expect(fact).toMatchObject({ kind: "unsent", why: "lookup" });
    expect(stranger.arrivals).toEqual([]);
  });

  it("a link that drops during a look-up leaves the message unsent, without waiting for the look-up's end", async () => {
    const { rig, loopback } = world;
    const stranger = loopback.person("4915550000998");
    loopback.faults.unanswered(onMaster, { answer: "usync" });
    const command = await rig.accept(a, await rig.contact(stranger.jid), "cut off");
    const since = rig.mark;
    rig.port.perform(command);
    await turns();
    loopback.faults.close({ account: MASTER, device: 1 }, 428);
    expect(await rig.answer(command, since)).toMatchObject({ kind: "unsent", why: "closed" });
    expect(rig.facts.slice(since).find(({ kind }) => kind === "closed")).toMatchObject({ reason: "dropped", code: 428 });
  });

  it("nothing leaves before the ratchet and the attempt are durable; Baileys writes first", async () => {
    const { rig, raw, store, customer } = world;
    store.hold(({ attempt }) => attempt !== null);
    const command = await rig.accept(a, world.contact, "after the commit");
    const since = rig.mark;
    rig.port.perform(command);
    await until(() => store.held.length === 1, PATIENCE);
    expect(store.held[0]?.keys.some(({ type }) => type === "session")).toBe(true);
    expect(await world.probe(10_000)).not.toBeNull();
    expect([world.atPhone(command.waId), rig.facts.slice(since).filter(({ kind }) => kind === "sent")]).toEqual([[], []]);
    store.release();
    expect(await rig.answer(command, since)).toMatchObject({ kind: "sent" });
    await until(() => world.atPhone(command.waId).length === 1, PATIENCE);

    // Baileys, with a store that refuses: the phone reads what was encrypted with a key that is not stored.
    const refused = vi.spyOn(raw.keys, "set").mockImplementation(() => {
      throw new Error("the disk is full");
    });
    const sending = raw.sendText(customer.number, "before the commit", "BEFORE-THE-COMMIT");
    await until(() => world.atPhone("BEFORE-THE-COMMIT").length === 1, PATIENCE);
    await until(() => refused.mock.calls.length > 0, PATIENCE);
    refused.mockRestore();
    await sending;
  });

  it("the gate is asked after the commit: a seat lost meanwhile keeps the message here", async () => {
    const { rig, store } = world;
    const { seat } = await rig.seat(a);
    store.hold(({ attempt }) => attempt !== null);
    const command = await rig.accept(a, world.contact, "too late");
    const since = rig.mark;
    rig.port.perform(command);
    await until(() => store.held.length === 1, PATIENCE);
    rig.port.perform({ op: "revoke", device: a, seat });
    store.release();
    expect(await rig.answer(command, since)).toMatchObject({ kind: "unsent", why: "stale" });
    await rig.seat(a);
    await world.talk("and the next is readable");
    expect(world.atPhone(command.waId)).toEqual([]);
  });

  it("twins: each has what the other sends under the same id, even when its sender never hears of it, and what both receive once", async () => {
    const { rig, loopback, customer } = world;
    loopback.faults.ackLost({ account: MASTER, device: 1 });
    const { command } = await rig.send(a, world.contact, "seen by the twin");
    await rig.fact("copied", (fact) => fact.device === b && fact.waId === command.waId);
    expect(rig.facts.some((fact) => fact.kind === "acked" && fact.waId === command.waId)).toBe(false);
    const id = customer.send(MASTER, "for both");
    // Each device confirms for itself.
    await until(() => customer.receipts.filter((receipt) => receipt.id === id).length === 2, PATIENCE);
    expect(await world.inInbox(id)).toEqual(["for both"]);
    expect(await world.inInbox(command.waId)).toEqual(["seen by the twin"]);
  });

  it("a retry is answered by a process that never sent the message", async () => {
    const loopback = await startLoopback();
    onTestFinished(() => loopback.close());
    const ben = loopback.person("4915550000902");
    loopback.account(MASTER);
    const folder = mkdtempSync(join(tmpdir(), "greenroom-retry-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "store.db");
    const first = await Rig.start({ loopback, devices: [a], file });
    await first.link(a, MASTER);
    await first.serve(a);
    await first.seat(a);
    const contact = await first.contact(ben.jid);
    await first.send(a, contact, "hello");
    await until(() => ben.received.length === 1, PATIENCE);
    const answer = ben.send(MASTER, "hello");
    await until(() => ben.receipts.some(({ id }) => id === answer), PATIENCE);
    ben.goOffline();
    const { command } = await first.send(a, contact, "once more, please");
    await first.fact("acked", ({ waId }) => waId === command.waId);
    await first.close();
    ben.forgetSessions();
    ben.goOnline();
    await ben.settled();
    expect(ben.arrivals.at(-1)).toMatchObject({ id: command.waId, outcome: "undecryptable" });
    const second = await Rig.start({ loopback, devices: [a], file });
    onTestFinished(() => second.close());
    await second.serve(a);
    await until(() => ben.received.length === 2, PATIENCE);
    expect(ben.received[1]).toMatchObject({ id: command.waId, text: "once more, please", retryCount: 1 });
  });

  it("LID and number are kept as one contact, in the store and for the next process", async () => {
    const { rig, loopback } = world;
    const eva = loopback.person("4915550000903");
    const contact = await rig.contact(eva.jid);
    const { command } = await rig.send(a, contact, "hello Eva");
    await until(() => eva.received.some(({ id }) => id === command.waId), PATIENCE);
    expect(await rig.contact(eva.jid, null)).toBe(contact);
    const answer = await rig.ask("contact.get", { id: contact });
    expect(answer).toMatchObject({ row: { lid: eva.lid, pn: eva.jid } });
    const user = eva.jid.split("@")[0] ?? "";
    const mapping = await rig.ask("keys.load", { device: a, type: "lid-mapping", ids: [user] });
    expect(mapping).toMatchObject({ values: [expect.any(Uint8Array)] });

    // The other way round: somebody unknown writes from a LID, and the stanza tells the number.
    const ida = loopback.person("4915550000904");
    const id = ida.send(MASTER, "guess who", { addressing: "lid" });
    await until(() => ida.receipts.some((receipt) => receipt.id === id), PATIENCE);
    expect(await rig.ask("contact.resolve", { lid: ida.lid, pn: null })).toMatchObject({ row: { pn: ida.jid } });
    const reply = await rig.send(a, await rig.contact(ida.jid), "Ida?");
    await until(() => ida.received.some((message) => message.id === reply.command.waId), PATIENCE);
  });
});
