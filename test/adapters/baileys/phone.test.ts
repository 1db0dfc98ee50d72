/** What is taken for a sign of the account's own phone: on real Baileys and a loopback server whose phone can be switched off. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BinaryNode } from "@whiskeysockets/baileys";
import { isFromPhone, signedAt } from "../../../src/adapters/baileys/phone.ts";
import { device, Rig, sleep } from "./rig.ts";

const A = device("sales-1/a");
const B = device("sales-1/b");
const NUMBER = "15550001001";
const ANA = "4915550000001";

describe("a sign of the phone", () => {
  const signs: { readonly account: string; readonly at: number }[] = [];
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.start({ devices: [A, B], onPhone: (account, at) => signs.push({ account, at }) });
    rig.loopback.account(NUMBER);
    rig.loopback.person(ANA);
  });
  afterAll(() => rig.close());

  it("is being linked by it, and what it tells a device that was just linked", async () => {
    const before = Date.now();
    await rig.link(A, NUMBER);
    expect(signs).toHaveLength(1);
    await rig.serve(A);
    // A key and two parts of its history.
    await rig.until(() => signs.length === 4, "what it tells");
    expect(signs.every(({ account, at }) => account === "sales-1" && at >= before && at <= Date.now())).toBe(true);
    await rig.link(B, NUMBER);
    await rig.serve(B);
    await rig.until(() => signs.length === 8, "what it tells the other");
  });

  it("is its receipt for a message of ours, and not that of a twin", async () => {
    await rig.seat(A);
    const to = await rig.contact(`${ANA}@s.whatsapp.net`);
    signs.length = 0;
    const { command } = await rig.send(A, to, "hello");
    await rig.until(() => signs.length > 0, "its receipt");
    rig.loopback.account(NUMBER).switchOff();
    signs.length = 0;
    const since = rig.mark;
    const second = await rig.send(A, to, "nobody is there");
    // The twin confirms, the recipient does.
    await rig.fact("copied", ({ device: by, waId }) => by === A && waId === second.command.waId, { since });
    await rig.fact("receipt", ({ waId }) => waId === second.command.waId, { since });
    expect(signs).toEqual([]);
    rig.loopback.account(NUMBER).switchOn();
    await rig.until(() => signs.length > 0, "its receipt for what waited");
    expect(rig.facts.some((fact) => fact.kind === "copied" && fact.waId === command.waId)).toBe(true);
  });

  it("tells by WhatsApp's clock when it was, if it waited for us", async () => {
    const to = await rig.contact(`${ANA}@s.whatsapp.net`);
    rig.loopback.account(NUMBER).switchOff();
    const { command } = await rig.send(A, to, "while the phone is off");
    await rig.fact("acked", ({ waId }) => waId === command.waId);
    rig.port.perform({ op: "terminate", device: A });
    await rig.fact("closed", (fact) => fact.device === A, { since: rig.mark - 1 });
    signs.length = 0;
    rig.loopback.account(NUMBER).switchOn();
    const then = Date.now();
    // The stamps are whole seconds.
    await sleep(1100);
    await rig.serve(A);
    await rig.until(() => signs.length > 0, "what waited");
    expect(signs.every(({ at }) => at <= then && at > then - 2000)).toBe(true);
  });

  it("is what its owner writes on it", async () => {
    const owner = rig.loopback.person(NUMBER);
    signs.length = 0;
    const id = owner.send(ANA, "from the phone itself");
    await rig.fact("copied", ({ waId }) => waId === id);
    await rig.until(() => signs.length === 2, "a sign to each of our devices");
    signs.length = 0;
    const ana = rig.loopback.person(ANA);
    const hers = ana.send(NUMBER, "from somebody else");
    await rig.until(() => ana.receipts.filter((receipt) => receipt.id === hers).length >= 2, "both our devices' receipts");
    expect(signs).toEqual([]);
    // Nor does it hear of its own devices that they have it: it hears of the person.
    expect(owner.receipts.map(({ id: of, fromNumber }) => [of, fromNumber])).toEqual([[id, ANA]]);
  });
});

describe("an address", () => {
  const isMe = (jid: string): boolean => /^(1555|8000)(:\d+)?@/.test(jid);
  const receipt = (type: string | undefined, attrs: Record<string, string>): BinaryNode => ({
    tag: "receipt",
    attrs: { id: "1", ...(type === undefined ? {} : { type }), ...attrs },
  });

  it.each([
    ["the phone, by number", receipt("sender", { from: "1555@s.whatsapp.net" }), true],
    ["the phone, by LID", receipt("sender", { from: "8000@lid", recipient: "9000@lid" }), true],
    ["the phone, in a group", receipt("sender", { from: "1@g.us", participant: "8000@lid" }), true],
    ["the phone, which can't read it", receipt("retry", { from: "8000:0@lid" }), true],
    ["a companion", receipt("sender", { from: "8000:3@lid", recipient: "9000@lid" }), false],
    ["somebody else's phone", receipt(undefined, { from: "9000@lid" }), false],
    ["a person who has read, on whichever device", receipt("read-self", { from: "8000@lid", recipient: "9000@lid" }), false],
    ["the phone, which writes", { tag: "message", attrs: { from: "8000@lid", recipient: "9000@lid" } }, true],
    ["a companion that writes", { tag: "message", attrs: { from: "8000:3@lid", recipient: "9000@lid" } }, false],
  ] as const)("is that of %s", (_, stanza, is) => {
    expect(isFromPhone(stanza, isMe)).toBe(is);
  });

  it("tells when: now, or when it was stamped if it waited, and never later than now", () => {
    const at = 1_760_000_000_500;
    const stamped = (attrs: Record<string, string>): number => signedAt(receipt("sender", attrs), at);
    expect(stamped({ t: "1750000000" })).toBe(at);
    expect(stamped({ t: "1750000000", offline: "1" })).toBe(1_750_000_000_000);
    expect(stamped({ t: "1790000000", offline: "1" })).toBe(at);
    expect(stamped({ offline: "1" })).toBe(at);
  });
});
