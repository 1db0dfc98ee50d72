import { type BinaryNode, WAMessageStatus } from "@whiskeysockets/baileys";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Loopback, type Person, startLoopback } from "../../../sim/loopback/index.ts";
import { Client, pause, until } from "./client.ts";

const SALES = "15550001001";
const HELP = "15550001002";
const ANA = "15550009001";
const target = { account: SALES };

describe("messages", () => {
  let loopback: Loopback;
  let one: Client;
  let twin: Client;

  beforeAll(async () => {
    loopback = await startLoopback();
    one = new Client(loopback.url);
    twin = new Client(loopback.url);
    await one.pair(loopback, SALES);
    await twin.pair(loopback, SALES);
  });
  afterAll(async () => {
    one.stop();
    twin.stop();
    await loopback.close();
  });

  /** Until each has read the other, a sender repeats what it takes to start a session. */
  async function converse(person: Person): Promise<void> {
    await one.acked(await one.sendText(person.number, "hello"));
    const answer = person.send(SALES, "hello");
    await until(() => one.textOf(answer));
  }

  it("links two devices of one account and brings both into service", () => {
    expect(loopback.account(SALES).devices()).toEqual([1, 2]);
    expect(loopback.connections()).toMatchObject([
      { account: SALES, device: 1, serving: true },
      { account: SALES, device: 2, serving: true },
    ]);
  });

  it("delivers what a device sends, acknowledges it and reports it as accepted", async () => {
    const ana = loopback.person(ANA);
    const accepted: unknown[] = [];
    const off = loopback.on("accepted", (event) => accepted.push(event));
    const id = await one.sendText(ANA, "hello Ana");
    expect((await one.acked(id)).attrs.error).toBeUndefined();
    const received = await until(() => ana.received.find((message) => message.id === id));
    expect(received).toMatchObject({ text: "hello Ana", fromNumber: SALES, fromDevice: 1, chat: SALES, retryCount: 0 });
    expect(accepted).toMatchObject([{ account: SALES, device: 1, waId: id, to: ANA }]);
    off();
  });

  it("copies it to the twin as a message of its own, with the same id", async () => {
    const id = await one.sendText(ANA, "seen by both");
    const copy = await until(() => twin.seen.find(({ message }) => message.key.id === id));
    expect(copy.message.key).toMatchObject({ fromMe: true, remoteJid: `${ANA}@s.whatsapp.net` });
    expect(twin.textOf(id)).toBe("seen by both");
  });

  it("brings what a person writes to both devices, and their receipts back", async () => {
    const ana = loopback.person(ANA);
    const id = ana.send(SALES, "hello shop");
    await until(() => one.textOf(id) === "hello shop" && twin.textOf(id) === "hello shop");
    await until(() => ana.receipts.some((receipt) => receipt.id === id && receipt.type === "delivered"));
    const key = one.seen.find(({ message }) => message.key.id === id)?.message.key;
    expect(key).toMatchObject({ fromMe: false, remoteJid: `${ANA}@s.whatsapp.net` });
    if (key) await one.live.readMessages([key]);
    await until(() => ana.receipts.some((receipt) => receipt.id === id && receipt.type === "read"));
  });

  it("tells the sending account of delivery and reading", async () => {
    const ana = loopback.person(ANA);
    const own = confirmations(one);
    const id = await one.sendText(ANA, "did you read this?");
    await until(() => one.reported(id).some(({ status }) => status === WAMessageStatus.DELIVERY_ACK));
    // One of them that came together with the receipt of reading would hide that.
    await until(() => own(id).length === 2);
    ana.read(id, SALES);
    await until(() => one.reported(id).some(({ status }) => status === WAMessageStatus.READ));
    expect(ana.received.at(-1)?.id).toBe(id);
  });

  it("tells the device that sent of its account's phone and twin, each by its own address; of a phone that is off when it is on", async () => {
    const own = confirmations(one);
    const twins = confirmations(twin);
    const phone = loopback.account(SALES);
    const twinsAddress = `${SALES}:2@s.whatsapp.net`;
    const first = await one.sendText(ANA, "copied twice");
    await until(() => own(first).length === 2);
    expect(own(first)).toEqual(expect.arrayContaining([phone.jid, twinsAddress]));
    phone.switchOff();
    const second = await one.sendText(ANA, "copied once, for now");
    await until(() => own(second).length === 1);
    await one.acked(second);
    expect(own(second)).toEqual([twinsAddress]);
    phone.switchOn();
    await until(() => own(second).length === 2);
    expect(own(second)[1]).toBe(phone.jid);
    expect([...twins(first), ...twins(second)]).toEqual([]);
  });

  it("carries a message from one account's device to all devices of another, and their receipts back", async () => {
    const other = new Client(loopback.url);
    await other.pair(loopback, HELP);
    const id = await other.sendText(SALES, "from account to account");
    await until(() => one.textOf(id) === "from account to account" && twin.textOf(id) === "from account to account");
    await until(() => other.reported(id).some(({ status }) => status === WAMessageStatus.DELIVERY_ACK));
    const back = await twin.sendText(HELP, "and back");
    await until(() => other.textOf(back) && one.textOf(back));
    expect([other, one].map((client) => client.textOf(back))).toEqual(["and back", "and back"]);
    other.stop();
  });

  it("addresses a person by LID as well", async () => {
    const ana = loopback.person(ANA);
    const id = await one.sendText(ana.lid, "by lid");
    await until(() => ana.received.some((message) => message.id === id && message.text === "by lid"));
    await until(() => twin.seen.some(({ message }) => message.key.id === id && message.key.remoteJid === ana.lid));
    const back = ana.send(SALES, "lid back", { addressing: "lid" });
    const seen = await until(() => one.seen.find(({ message }) => message.key.id === back));
    expect(seen.message.key).toMatchObject({ remoteJid: ana.lid, remoteJidAlt: ana.jid });
  });

  it("tells existing numbers from others", async () => {
    const found = await one.live.onWhatsApp(ANA, "19998887777");
    expect(found).toEqual([{ jid: `${ANA}@s.whatsapp.net`, exists: true }]);
    // Baileys sends it all the same, for the twin to copy; the server refuses it whole.
    const id = await one.sendText("19998887777", "hello?");
    expect((await one.acked(id)).attrs.error).toBe("404");
    expect(twin.textOf(id)).toBeUndefined();
  });

  it("shows the person the first of two messages with one id from one account, and both from two accounts", async () => {
    const ana = loopback.person(ANA);
    const before = ana.duplicatesSuppressed;
    await one.sendText(ANA, "first", "SAMEID1");
    await one.acked("SAMEID1");
    await twin.sendText(ANA, "second", "SAMEID1");
    await twin.acked("SAMEID1");
    await until(() => ana.duplicatesSuppressed === before + 1);
    expect(ana.received.filter(({ id }) => id === "SAMEID1").map(({ text }) => text)).toEqual(["first"]);
    expect(ana.arrivals.filter(({ id }) => id === "SAMEID1").map(({ outcome }) => outcome)).toEqual(["received", "duplicate"]);

    const other = new Client(loopback.url);
    await other.pair(loopback, HELP);
    await other.sendText(ANA, "third", "SAMEID1");
    await until(() => ana.received.some(({ id, fromNumber }) => id === "SAMEID1" && fromNumber === HELP));
    other.stop();
  });

  it("keeps what a device misses while it is down, and replays it in order at its next login", async () => {
    const ana = loopback.person(ANA);
    one.stop();
    await until(() => loopback.connections().length === 1);
    const ids = ["a", "b", "c", "d"].map((text) => ana.send(SALES, text));
    const sentByTwin = await twin.sendText(ANA, "from the twin");
    await ana.settled();
    await twin.acked(sentByTwin);
    await until(() => ids.every((id) => twin.textOf(id)));
    const waiting = (): unknown[] => ids.map((id) => loopback.account(SALES).waiting(id));
    await until(() => loopback.account(SALES).waiting(ids[3] ?? "").length === 1);
    expect(waiting()).toEqual(ids.map(() => [{ device: 1, live: false }]));
    one.start();
    await one.ready();
    await until(() => one.textOf(sentByTwin));
    await until(() => waiting().flat().length === 0);
    const replayed = one.seen.filter(({ message }) => ids.includes(message.key.id ?? "") || message.key.id === sentByTwin);
    expect(replayed.map(({ message }) => message.key.id)).toEqual([...ids, sentByTwin]);
    expect(replayed.every(({ type }) => type === "append")).toBe(true);
    await one.restart();
    await pause(50);
    expect(one.seen.filter(({ message }) => message.key.id === ids[0])).toHaveLength(1);
  });

  it("gives a person who was offline everything afterwards, in order", async () => {
    const ana = loopback.person(ANA);
    ana.goOffline();
    const first = await one.sendText(ANA, "1");
    const second = await one.sendText(ANA, "2");
    await one.acked(second);
    expect(ana.received.some(({ id }) => id === first)).toBe(false);
    ana.goOnline();
    await until(() => ana.received.some(({ id }) => id === second));
    expect(ana.received.slice(-2).map(({ text }) => text)).toEqual(["1", "2"]);
  });

  it("counts without reading for a person that does not decrypt", async () => {
    const sink = loopback.person("15550009009", { decrypt: false });
    const id = await one.sendText(sink.number, "unread");
    await one.acked(id);
    await until(() => sink.rawCount === 1);
    expect(sink.received).toEqual([]);
    const cheap = sink.send(SALES, "without encryption", { plaintext: true });
    await until(() => one.textOf(cheap) === "without encryption");
  });

  it("answers a retry receipt: a device that lost its session still reads the message", async () => {
    const ana = loopback.person(ANA);
    const forget = (client: Client): void => {
      for (const key of client.keys.keys()) if (key.startsWith("session ")) client.keys.delete(key);
    };
    forget(one);
    await one.restart();
    const id = ana.send(SALES, "again please");
    await until(() => one.textOf(id) === "again please", 8000);
    // The other way round: the device starts anew, with a message that the person can read at once.
    forget(one);
    await one.restart();
    const back = await one.sendText(ANA, "new session");
    const received = await until(() => ana.received.find((message) => message.id === back));
    expect(received.text).toBe("new session");
  });

  it("asks again for what a person's reinstalled phone can't read, and Baileys sends it again", async () => {
    const ana = loopback.person(ANA);
    await converse(ana);
    ana.forgetSessions();
    const id = await one.sendText(ANA, "once more");
    const received = await until(() => ana.received.find((message) => message.id === id), 8000);
    expect(received).toMatchObject({ text: "once more", retryCount: 1 });
  });

  it("a sender whose keys went back in time is acknowledged, yet its next message is not readable", async () => {
    const ana = loopback.person(ANA);
    await converse(ana);
    const snapshot = structuredClone([...one.keys].filter(([key]) => key.startsWith("session ")));
    await one.acked(await one.sendText(ANA, "uses the key"));
    one.stop();
    for (const [key, value] of snapshot) one.keys.set(key, value);
    one.start();
    await one.ready();
    // To the LID: whenever Baileys looks a number up it starts a new session with its phone, which would hide what happened.
    const id = await one.sendText(ana.lid, "uses it again");
    expect((await one.acked(id)).attrs.error).toBeUndefined();
    const arrival = await until(() => ana.arrivals.find((each) => each.id === id));
    expect(arrival.outcome).toBe("undecryptable");
    expect(ana.received.some((message) => message.id === id)).toBe(false);
  });

  it("ack lost: delivered and copied to the twin, but its sender hears nothing", async () => {
    const ana = loopback.person(ANA);
    const fault = loopback.faults.ackLost({ ...target, device: 1 });
    const id = await one.sendText(ANA, "silence");
    await until(() => ana.received.some((message) => message.id === id) && twin.textOf(id));
    await pause(50);
    expect(one.acks.some(({ attrs }) => attrs.id === id)).toBe(false);
    expect(one.statuses.some(({ key }) => key.id === id)).toBe(false);
    fault.heal();
    await one.acked(await one.sendText(ANA, "heard again"));
  });

  it("send swallowed: neither delivered, copied nor acknowledged, while everything else works", async () => {
    const ana = loopback.person(ANA);
    const fault = loopback.faults.sendSwallowed({ ...target, device: 1 });
    const id = await one.sendText(ANA, "into the void");
    const inbound = ana.send(SALES, "still there?");
    await until(() => one.textOf(inbound));
    await twin.acked(await twin.sendText(ANA, "the twin can"));
    expect(ana.received.some((message) => message.id === id)).toBe(false);
    expect(twin.textOf(id)).toBeUndefined();
    fault.heal();
    await one.acked(await one.sendText(ANA, "back"));
  });

  it("restriction: 463 for cold contacts, business as usual for warm ones, and the client learns of it", async () => {
    const cold = loopback.person("15550009002");
    const fault = loopback.faults.restrict(SALES, { forMs: 60_000 });
    const lock = await one.state(({ reachoutTimeLock }) => reachoutTimeLock);
    expect(lock).toMatchObject({ isActive: true, enforcementType: "WEB_COMPANION_ONLY" });
    const refused = await one.sendText(cold.number, "hello stranger");
    expect((await one.acked(refused)).attrs.error).toBe("463");
    await until(() => one.reported(refused).some(({ messageStubParameters }) => messageStubParameters?.[0] === "463"));
    expect((await one.acked(await one.sendText(ANA, "hello friend"))).attrs.error).toBeUndefined();
    expect(await one.live.fetchAccountReachoutTimelock()).toMatchObject({ isActive: true });
    cold.send(SALES, "I write first");
    await cold.settled();
    expect((await one.acked(await one.sendText(cold.number, "then I may answer"))).attrs.error).toBeUndefined();
    fault.heal();
    expect(await one.live.fetchAccountReachoutTimelock()).toMatchObject({ isActive: false });
    expect(await one.live.fetchNewChatMessageCap()).toMatchObject({ total_quota: 1000, capping_status: "NONE" });
  });

  it("late or missing offline replay", async () => {
    const ana = loopback.person(ANA);
    one.stop();
    const id = ana.send(SALES, "while you were away");
    await ana.settled();
    const late = loopback.faults.offlineReplay(target, { delayMs: 300 });
    const started = Date.now();
    one.start();
    await one.ready();
    expect(Date.now() - started).toBeGreaterThan(280);
    await until(() => one.textOf(id));
    late.heal();

    one.stop();
    const missed = ana.send(SALES, "and again");
    await ana.settled();
    const missing = loopback.faults.offlineReplay(target, { missing: true });
    one.start();
    await one.state(({ connection }) => (connection === "open" ? true : undefined));
    await pause(100);
    expect(one.states.some(({ receivedPendingNotifications }) => receivedPendingNotifications)).toBe(false);
    const live = ana.send(SALES, "what is new comes all the same");
    await until(() => twin.textOf(live));
    missing.heal();
    await one.restart();
    await until(() => one.textOf(missed) && one.textOf(live));
  });

  it("duplicates: the same stanza twice is shown once", async () => {
    const ana = loopback.person(ANA);
    const fault = loopback.faults.duplicate(target, { afterMs: 10 });
    const id = ana.send(SALES, "twice");
    await until(() => one.textOf(id));
    const sent = await one.sendText(ANA, "one ack, two acks");
    await until(() => one.acks.filter(({ attrs }) => attrs.id === sent).length === 2);
    fault.heal();
    expect(one.seen.filter(({ message }) => message.key.id === id)).toHaveLength(1);
  });

  it("does not accept a message that is encrypted for nobody", async () => {
    const id = "EMPTY1";
    await one.live.sendNode({ tag: "message", attrs: { id, to: `${ANA}@s.whatsapp.net`, type: "text" }, content: [] });
    expect((await one.acked(id)).attrs.error).toBe("479");
  });

  it("unlinking a device tells the others, who stop writing to it", async () => {
    const third = new Client(loopback.url);
    const device = await third.pair(loopback, SALES);
    const id = await one.sendText(ANA, "there are three of us");
    await until(() => third.textOf(id));
    loopback.account(SALES).unlink(device);
    expect(await third.closed()).toBe(401);
    await one.acked(await one.sendText(ANA, "two again"));
  });
});

/** From now on: which of its account's other devices have confirmed to it that they have a message. */
function confirmations(client: Client): (id: string) => string[] {
  const receipts: BinaryNode[] = [];
  client.live.ws.on("CB:receipt,type:sender", (receipt: BinaryNode) => receipts.push(receipt));
  return (id) => receipts.filter(({ attrs }) => attrs.id === id).map(({ attrs }) => attrs.from ?? "");
}
