/** What is kept no longer: what is old and passed by everybody, and nothing else. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Retention, type RetentionConfig } from "../../../src/runtime/retention.ts";
import { device, inbound, leaseTerm, node } from "../../conformance/store-kit.ts";
import { asking, makeFolder, open } from "./rig.ts";

const DAY = 86_400_000;
const [A, NOW] = [device("sales-1/a"), 100 * DAY];

describe("retention", () => {
  const filled = async (days: readonly number[]) => {
    const store = open(join(makeFolder(), "greenroom.db"));
    const port = asking(store);
    await port.ask({ op: "lease.acquire", devices: [A], node: node("n1"), ttl: 10_000 });
    for (const [index, day] of days.entries()) {
      const row = { ...inbound(index + 1), receivedAt: day * DAY };
      await port.commit({ device: A, leaseTerm: leaseTerm(1), inbound: [row] });
      await port.ask({ op: "events.append", events: [{ at: day * DAY, type: "t", subject: "s", data: {} }] });
    }
    const faults: unknown[] = [];
    const look = (config: Partial<RetentionConfig>, webhookReaders: readonly string[] = []) =>
      new Retention({
        config: { inboxDays: null, eventDays: null, deliveryDays: null, ...config },
        store: store.retention,
        webhookReaders: () => webhookReaders,
        now: () => NOW,
        onFault: (error) => faults.push(error),
      }).look();
    const left = async () => {
      const { rows: inbox } = await port.expect("rows", { op: "inbox.read", afterSeq: 0, limit: 9999 });
      const { rows: events } = await port.expect("events", { op: "events.read", afterSeq: 0, limit: 9999 });
      return { inbox: inbox.map(({ seq }) => seq), events: events.map(({ seq }) => seq) };
    };
    const cursor = (reader: string, seq: number) => port.ask({ op: "inbox.cursor", reader, seq });
    return { look, left, cursor, port, faults };
  };

  it("removes what is older than its days, of each source by itself; null keeps everything", async () => {
    const { look, left, faults } = await filled([1, 5, 60, 99]);
    await look({});
    expect(await left()).toEqual({ inbox: [1, 2, 3, 4], events: [1, 2, 3, 4] });
    await look({ inboxDays: 90, eventDays: 30 });
    expect(await left()).toEqual({ inbox: [3, 4], events: [4] });
    expect(faults).toEqual([]);
  });

  it("keeps what a handler or a webhook of the fleet has not passed", async () => {
    const { look, left, cursor } = await filled([1, 2, 3, 99]);
    await cursor("bot", 2);
    await cursor("webhook:crm:events", 1);
    await look({ inboxDays: 30, eventDays: 30 }, ["webhook:crm:events"]);
    expect(await left()).toEqual({ inbox: [3, 4], events: [2, 3, 4] });
    // It wants no events any more.
    await look({ eventDays: 30 }, ["webhook:crm:inbox"]);
    expect((await left()).events).toEqual([4]);
    await cursor("bot", 4);
    await cursor("webhook:gone:inbox", 0);
    await look({ inboxDays: 30, eventDays: 30 }, []);
    expect(await left()).toEqual({ inbox: [4], events: [4] });
  });

  it("never gives a number twice: the newest row stays, however old", async () => {
    const { look, left, port } = await filled([1, 2]);
    await look({ inboxDays: 1, eventDays: 1 });
    expect(await left()).toEqual({ inbox: [2], events: [2] });
    const { inbound: rows } = (await port.commit({ device: A, leaseTerm: leaseTerm(1), inbound: [inbound(9)] })) as never as {
      inbound: { seq: number }[];
    };
    expect(rows.map(({ seq }) => seq)).toEqual([3]);
  });

  it("goes through more than fits into one transaction", async () => {
    const { look, left } = await filled(Array.from({ length: 1200 }, () => 1));
    await look({ inboxDays: 1, eventDays: 1 });
    expect(await left()).toEqual({ inbox: [1200], events: [1200] });
  });
});
