/** Baileys waits for ever while it handles a message: what that holds up, and what the adapter does about it. See docs/baileys.md. */
import { proto } from "@whiskeysockets/baileys";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type Loopback, startLoopback } from "../../../sim/loopback/index.ts";
import { Client, until } from "../../sim/loopback/client.ts";
import { device, Rig, sleep } from "./rig.ts";

const a = device("sales-1/a");
const MASTER = "4915550000001";
const RAW = "4915550000002";
const PATIENCE = 20_000;
const QUERY_TIMEOUT = 100;

describe("WhatsApp tells a device that was just linked no settings (app state)", () => {
  let loopback: Loopback;
  let messages = 0;
  beforeAll(async () => {
    loopback = await startLoopback();
    for (const number of [MASTER, RAW]) loopback.account(number);
    loopback.faults.unanswered("all", { answer: "sync" });
  });
  afterAll(() => loopback.close());

  /** Three people go on writing to a number until `holds`. Only WhatsApp can tell their LIDs: such messages are left to Baileys. */
  const writeUntil = async (number: string, holds: () => boolean): Promise<{ texts: string[]; areConfirmed: () => boolean }> => {
    const people = [1, 2, 3].map((n) => loopback.person(`999555000${n}`));
    const written: { readonly id: string; readonly person: (typeof people)[number] }[] = [];
    const texts: string[] = [];
    while (!holds()) {
      for (const person of people) {
        const text = `hello ${++messages}`;
        texts.push(text);
        written.push({ id: person.send(number, text, { addressing: "pn-only" }), person });
      }
      await sleep(100);
    }
    const isConfirmed = ({ id, person }: (typeof written)[number]): boolean => person.receipts.some((each) => each.id === id);
    return { texts, areConfirmed: () => written.every(isConfirmed) };
  };

  it("Baileys asks for them again and again and handles no message meanwhile, of nobody, for ever", async () => {
    const raw = new Client(loopback.url, { defaultQueryTimeoutMs: QUERY_TIMEOUT });
    onTestFinished(() => raw.stop());
    await raw.pair(loopback, RAW);
    const end = Date.now() + 20 * QUERY_TIMEOUT;
    const { texts, areConfirmed } = await writeUntil(RAW, () => Date.now() > end);
    const seen = (): number => raw.seen.filter(({ message }) => texts.includes(message.message?.conversation ?? "")).length;
    expect(seen()).toBeLessThan(texts.length / 2);
    expect(areConfirmed()).toBe(false);
    loopback.faults.healAll();
    onTestFinished(() => void loopback.faults.unanswered("all", { answer: "sync" }));
    await until(() => areConfirmed(), PATIENCE);
  });

  it("the link ends when messages have waited, they come with the next one, and another end is not made of it so soon", async () => {
    const log: string[] = [];
    const rig = await Rig.start({ loopback, devices: [a], queryTimeout: QUERY_TIMEOUT, handledWithin: 600, log });
    onTestFinished(() => rig.close());
    const ends = (): unknown[] => rig.facts.filter((fact) => fact.kind === "closed" && fact.reason === "stuck");
    await rig.link(a, MASTER);
    await rig.serve(a);
    const { texts, areConfirmed } = await writeUntil(MASTER, () => ends().length > 0);
    const stored = async (): Promise<string[]> =>
      (await rig.inbox()).map(({ proto: bytes }) => proto.Message.decode(bytes).conversation ?? "").toSorted();
    expect((await stored()).length).toBeLessThan(texts.length);
    // The phone tells its history once only: the next link does not wait for anything.
    await rig.serve(a);
    await until(() => areConfirmed(), PATIENCE);
    expect(await stored()).toEqual(texts.toSorted());
    expect(log.filter((line) => line.includes("E_STUCK sales-1/a"))).toHaveLength(1);

    await rig.link(a, MASTER);
    await rig.serve(a);
    const later = await writeUntil(MASTER, () => log.filter((line) => line.includes("so this one stays")).length > 1);
    expect(later.areConfirmed()).toBe(false);
    expect(ends()).toHaveLength(1);
  });

  it("the same where they are asked for on behalf of what was missed: that has a line of its own", async () => {
    const rig = await Rig.start({ loopback, devices: [a], queryTimeout: QUERY_TIMEOUT, handledWithin: 600 });
    onTestFinished(() => rig.close());
    loopback.faults.healAll();
    onTestFinished(() => void loopback.faults.unanswered("all", { answer: "sync" }));
    const other = new Client(loopback.url);
    onTestFinished(() => other.stop());
    await other.pair(loopback, MASTER);
    await rig.link(a, MASTER);
    await rig.serve(a);
    const [before, away] = [loopback.person("9995550008"), loopback.person("9995550009")];
    /** By so many of the two devices. */
    const confirmations = (person: typeof away, message: string): number =>
      person.receipts.filter(({ id }) => id === message).length;
    const first = before.send(MASTER, "hello", { addressing: "pn-only" });
    await until(() => confirmations(before, first) === 2, PATIENCE);
    rig.port.perform({ op: "terminate", device: a });
    await other.live.updateProfileName("Another name");
    const missed = away.send(MASTER, "is anybody there?", { addressing: "pn-only" });
    await until(() => confirmations(away, missed) === 1, PATIENCE);

    loopback.faults.unanswered("all", { answer: "sync" });
    const dial = await rig.serve(a);
    const live = before.send(MASTER, "hello again", { addressing: "pn-only" });
    await rig.fact("closed", (fact) => fact.dial === dial && fact.reason === "stuck");
    expect([confirmations(before, live), confirmations(away, missed)]).toEqual([2, 1]);
    loopback.faults.healAll();
    await rig.serve(a);
    await until(() => confirmations(away, missed) === 2, PATIENCE);
  });
});
