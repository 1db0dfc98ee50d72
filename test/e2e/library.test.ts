/** The library as a bot has it: real Baileys connections in this process, people who write, a store on disk. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FailoverRecord, FleetSupervisor, InboundMessage, Reply } from "../../src/index.ts";
import { LibraryRig, NUMBERS, until } from "./library-rig.ts";

/** Everything here is real; on a machine with other things to do it takes its time. */
const PATIENCE = 180_000;
const [ANNA, BERT] = ["99910000001", "99910000002"] as const;

let rig: LibraryRig;
let supervisor: FleetSupervisor;
let phones: readonly (number | null)[];
const phonesSeen = async () => (await supervisor.ask("accounts", {})).accounts.map(({ phone }) => phone.seenAt);

beforeAll(async () => {
  rig = await LibraryRig.start();
  supervisor = rig.supervisor();
}, PATIENCE);
afterAll(async () => rig.close(), PATIENCE);

describe("a bot", { timeout: PATIENCE }, () => {
  it("is handed what people write, with the line and the seat that it belongs to, and answers through them", async () => {
    const seen: InboundMessage[] = [];
    supervisor.onMessage(async (message, reply) => {
      seen.push(message);
      await reply(`you wrote: ${message.text ?? ""}`, { quote: true });
    });
    await supervisor.start();
    await rig.link(supervisor);
    rig.loopback.person(ANNA).send(NUMBERS["sales-2"] ?? "", "is it open?");
    await until(() => rig.textsAt(ANNA).includes("you wrote: is it open?"));
    expect(seen).toMatchObject([
      { line: "sales", seat: "sales/sales-2", account: "sales-2", kind: "text", text: "is it open?", isGroup: false },
    ]);
    expect(rig.loopback.person(ANNA).received[0]?.fromNumber).toBe(NUMBERS["sales-2"]);
  });

  it("is handed one message once, though both twins receive it", async () => {
    const texts = ["one", "two", "three"];
    for (const text of texts) rig.loopback.person(BERT).send(NUMBERS["sales-1"] ?? "", text);
    await until(() => rig.textsAt(BERT).length >= 3);
    expect(rig.textsAt(BERT)).toEqual(texts.map((text) => `you wrote: ${text}`));
  });

  it("can be told how its seats did: who spoke, what was sent, and how soon WhatsApp had it", async () => {
    const acked = async () =>
      (await supervisor.ask("performance", { line: "sales" })).groups.map((group) => [group.seat, group.acked]);
    await until(async () => JSON.stringify(await acked()) === '[["sales/sales-1",3],["sales/sales-2",1]]');
    const { groups, imbalance } = await supervisor.ask("performance", { line: "sales" });
    expect(groups[0]).toMatchObject({
      account: "sales-1",
      role: "master",
      strategy: "round-robin",
      sent: 3,
      failed: 0,
      share: 0.75,
    });
    expect(groups[0]?.p99).toBeGreaterThan(0);
    // The weights, equal at first, follow how soon each account's acks come.
    expect(imbalance).toBeCloseTo(1.5, 0);
  });

  it("knows when the phones of its accounts were seen", async () => {
    await until(async () => (await phonesSeen()).every((at) => at !== null));
    phones = await phonesSeen();
    expect(phones).toEqual([expect.any(Number), expect.any(Number)]);
  });
});

describe("a planned move while a handler thinks", { timeout: PATIENCE }, () => {
  it("changes nothing for the answer: it goes out through the same line", async () => {
    const ends: FailoverRecord[] = [];
    supervisor.on("failover.ended", ({ data }) => ends.push(data));
    const thinking = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<InboundMessage>();
    const end = supervisor.onMessage(
      async (message, reply) => {
        if (message.text !== "think") return;
        asked.resolve(message);
        await thinking.promise;
        await reply("thought");
      },
      { reader: "thinker" },
    );
    rig.loopback.person(BERT).send(NUMBERS["sales-1"] ?? "", "think");
    const { seat } = await asked.promise;
    const before = (await supervisor.status()).seats.find(({ id }) => id === seat)?.holder;
    const to = before === "sales-1/a" ? "sales-1/b" : "sales-1/a";
    expect(await supervisor.switchover(seat, to)).toMatchObject({ inTime: true, record: { to, outcome: "inService" } });
    thinking.resolve();
    await until(() => rig.textsAt(BERT).includes("thought"));
    await end();
    await until(() => ends.some((record) => record.to === to));
    expect(ends.filter((record) => record.to === to)).toMatchObject([{ seat, from: before, outcome: "inService" }]);
    // In the log as well, for webhooks and streams.
    const logged = async () => (await supervisor.ask("events", { after: 0, limit: 1000 })).events;
    await until(async () => (await logged()).some(({ type, data }) => type === "failover.ended" && data["to"] === to));
  });
});

describe("a bad day", { timeout: PATIENCE }, () => {
  it("costs no message and no second answer: a handler that fails after its answer, and a stop while it works", async () => {
    const tries: string[] = [];
    const working = Promise.withResolvers<Reply>();
    supervisor.onMessage(
      async ({ text }, reply) => {
        if (text !== "bad day") return;
        tries.push("try");
        await reply("noted");
        if (tries.length === 1) throw new Error("as on a bad day");
        working.resolve(reply);
        await new Promise(() => undefined);
      },
      { reader: "unlucky" },
    );
    rig.loopback.person(ANNA).send(NUMBERS["sales-2"] ?? "", "bad day");
    const reply = await working.promise;
    await supervisor.stop();
    await expect(reply("too late")).rejects.toMatchObject({ code: "E_NOT_RUNNING" });

    supervisor = rig.supervisor();
    const texts: (string | null)[] = [];
    supervisor.onMessage(
      async ({ text }, reply) => {
        texts.push(text);
        await reply("noted");
        await reply("and done");
      },
      { reader: "unlucky" },
    );
    await supervisor.start();
    await until(() => rig.textsAt(ANNA).includes("and done"));
    // Only what was not done is handed over once more.
    expect(texts).toEqual(["bad day"]);
    expect(rig.textsAt(ANNA).filter((text) => text === "noted")).toHaveLength(1);
    expect(rig.textsAt(ANNA)).not.toContain("too late");
  });

  it("knows after a restart when the phones were seen", async () => {
    const now = await phonesSeen();
    expect(now.map((at, index) => at !== null && at >= (phones[index] ?? 0))).toEqual([true, true]);
  });

  it("is told of by an event where nobody could handle a message, which can be handed over again", async () => {
    const passed = Promise.withResolvers<number>();
    supervisor.on("message.passedOver", ({ data }) => passed.resolve(data.seq));
    const end = supervisor.onMessage(
      ({ text }) => {
        if (text === "poison") throw new TypeError("as planned");
      },
      { reader: "weak", tries: 2 },
    );
    rig.loopback.person(BERT).send(NUMBERS["sales-1"] ?? "", "poison");
    const from = await passed.promise;
    await end();
    const again = Promise.withResolvers<string | null>();
    supervisor.onMessage(({ text }) => again.resolve(text), { reader: "weak", from });
    expect(await again.promise).toBe("poison");
  });

  it("says of a message to a group that is gone that it failed, with WhatsApp's code", async () => {
    const failed = Promise.withResolvers<unknown>();
    supervisor.on("message.failed", ({ data }) => failed.resolve(data));
    const { id } = await supervisor.send({ line: "sales", to: "120363000000000000@g.us", text: "is anybody there?" });
    const reason = "refused:404 there is no such group";
    expect(await failed.promise).toMatchObject({ message: id, reason });
    await until(async () => (await supervisor.ask("message", { message: id })).state === "failed");
    expect(await supervisor.ask("message", { message: id })).toMatchObject({ reason });
  });

  it("hands a group's message over once, though both accounts of the line are members", async () => {
    const [one = "", two = ""] = Object.values(NUMBERS);
    const group = rig.loopback.account(one).createGroup("Friends", [two, ANNA]);
    const seen: InboundMessage[] = [];
    const isAfter = Promise.withResolvers<void>();
    supervisor.onMessage(
      (message) => {
        if (message.isGroup) seen.push(message);
        if (message.text === "after") isAfter.resolve();
      },
      { reader: "groups" },
    );
    rig.loopback.person(ANNA).sendGroup(group, "hello all");
    await until(() => seen.length > 0);
    for (const number of [one, two]) rig.loopback.person(ANNA).send(number, "after");
    await isAfter.promise;
    // Nor what the fleet's other account answered there (another handler does).
    expect(seen).toMatchObject([{ line: "sales", chat: group, text: "hello all", isGroup: true }]);
  });
});
