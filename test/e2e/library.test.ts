/** The library as a bot has it: real Baileys connections in this process, people who write, a store on disk. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FailoverRecord, FleetSupervisor, InboundMessage } from "../../src/index.ts";
import { LibraryRig, NUMBERS, until } from "./library-rig.ts";

/** Everything here is real; on a machine with other things to do it takes its time. */
const PATIENCE = 180_000;
const [ANNA, BERT] = ["99910000001", "99910000002"] as const;

let rig: LibraryRig;
let supervisor: FleetSupervisor;

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
    expect(ends.find((record) => record.to === to)).toMatchObject({ seat, from: before, outcome: "inService" });
  });
});
