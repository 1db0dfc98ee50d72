import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Loopback, startLoopback } from "../../../sim/loopback/index.ts";
import { Client, until } from "./client.ts";

const SALES = "15550001001";
const HELP = "15550001002";
const ANA = "15550009001";
const BEN = "15550009002";

describe("groups", () => {
  let loopback: Loopback;
  let sales: Client;
  let twin: Client;
  let help: Client;

  beforeAll(async () => {
    loopback = await startLoopback();
    sales = new Client(loopback.url);
    twin = new Client(loopback.url);
    help = new Client(loopback.url);
    await sales.pair(loopback, SALES);
    await twin.pair(loopback, SALES);
    await help.pair(loopback, HELP);
    loopback.person(ANA);
    loopback.person(BEN);
  });
  afterAll(async () => {
    for (const client of [sales, twin, help]) client.stop();
    await loopback.close();
  });

  it("a device creates one; what anybody writes reaches everybody else, twins included", async () => {
    const ana = loopback.person(ANA);
    const { id: group, participants } = await sales.live.groupCreate("Support", [ana.jid, `${HELP}@s.whatsapp.net`]);
    expect(participants.map(({ phoneNumber }) => phoneNumber)).toEqual([
      `${SALES}@s.whatsapp.net`,
      ana.jid,
      `${HELP}@s.whatsapp.net`,
    ]);

    const first = await sales.sendText(group, "welcome");
    await sales.acked(first);
    await until(() =>
      ana.received.some(
        ({ id, text, chat, fromNumber }) => id === first && text === "welcome" && chat === group && fromNumber === SALES,
      ),
    );
    await until(() => help.textOf(first) === "welcome" && twin.textOf(first) === "welcome");

    const second = ana.sendGroup(group, "thank you");
    await until(() => [sales, twin, help].every((client) => client.textOf(second) === "thank you"));

    const third = await help.sendText(group, "how can we help?");
    await until(() => [sales, twin].every((client) => client.textOf(third)) && ana.received.some(({ id }) => id === third));
    expect(ana.received.map(({ text }) => text)).toEqual(["welcome", "how can we help?"]);
  });

  it("a person's phone creates one and all devices of the members hear of it", async () => {
    const heard: string[] = [];
    help.live.ev.on("groups.upsert", (groups) => heard.push(...groups.map(({ subject }) => subject)));
    const group = loopback.account(ANA).createGroup("Baileys Group Test", [HELP, SALES, BEN]);
    await until(() => heard.includes("Baileys Group Test"));
    const all = await help.live.groupFetchAllParticipating();
    expect(Object.keys(all)).toContain(group);
    const id = loopback.person(BEN).sendGroup(group, "hi all");
    await until(() => help.textOf(id) === "hi all" && sales.textOf(id) === "hi all");
    await until(() => loopback.person(ANA).received.some((message) => message.id === id));
  });

  it("members are added and removed; who is out hears nothing more and may not write", async () => {
    const ben = loopback.person(BEN);
    const { id: group } = await sales.live.groupCreate("Changing", [loopback.person(ANA).jid]);
    expect(await sales.live.groupParticipantsUpdate(group, [ben.jid], "add")).toMatchObject([{ status: "200" }]);
    const first = await sales.sendText(group, "hello Ben");
    await until(() => ben.received.some(({ id }) => id === first));
    await sales.live.groupParticipantsUpdate(group, [ben.jid], "remove");
    const second = await sales.sendText(group, "Ben is gone");
    await until(() => loopback.person(ANA).received.some(({ id }) => id === second));
    expect(ben.received.some(({ id }) => id === second)).toBe(false);
    expect(() => ben.sendGroup(group, "let me in")).toThrow("is no member");
    await sales.live.groupUpdateSubject(group, "Changed");
    expect((await sales.live.groupMetadata(group)).subject).toBe("Changed");
  });
});
