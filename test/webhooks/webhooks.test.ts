import { createHmac } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FleetEventRow } from "../../machines/ports/records.ts";
import type { InboundRow } from "../../machines/ports/store.ts";
import type { SqliteStore } from "../../src/adapters/sqlite/store.ts";
import { parseFleetData, revealedWebhooks } from "../../src/config/index.ts";
import type { InboundMessage } from "../../src/runtime/messages.ts";
import { isInside } from "../../src/webhooks/address.ts";
import { Courier, type WebhookConfig } from "../../src/webhooks/courier.ts";
import type { WebhookDesk } from "../../src/webhooks/desk.ts";
import { isWanted } from "../../src/webhooks/envelope.ts";
import { Poster } from "../../src/webhooks/poster.ts";
import { signedHeaders } from "../../src/webhooks/signature.ts";
import type { DeadLetter } from "../../src/webhooks/store.ts";
import { append, clock, CONFIG, deskOf, type Got, opened, Receiver, stepping, until } from "./rig.ts";

const message = (seq: number, conversation: string, line = "sales"): InboundMessage =>
  ({
    seq,
    id: `w${seq}`,
    line,
    seat: `${line}/1`,
    conversation,
    chat: conversation,
    sentAt: 1,
    receivedAt: 2,
    proto: new Uint8Array([1, 2]),
    text: `text ${seq}`,
  }) as unknown as InboundMessage;
const event = (seq: number, type: string, subject: string): FleetEventRow => ({ seq, at: seq, type, subject, data: { n: seq } });
/** A courier on lists, with posts that the test answers. */
const courierOn = (
  messages: readonly InboundMessage[],
  events: readonly FleetEventRow[],
  config: Partial<WebhookConfig>,
  post: (id: string) => void,
) => {
  const time = stepping();
  const cursors = new Map<string, number>();
  const buried: DeadLetter[] = [];
  const delivered: { webhook: string; lag: number }[] = [];
  const courier = new Courier(
    { ...CONFIG, ...config },
    {
      fleet: "acme",
      clock: time.clock,
      draw: () => 0.5,
      post: async (body) => {
        post((JSON.parse(body) as { id: string }).id);
        return { status: 200 };
      },
      inbox: {
        rows: async (after, limit) =>
          messages.filter(({ seq }) => seq > after).slice(0, limit) as unknown as readonly InboundRow[],
        message: async (row) => row as unknown as InboundMessage,
      },
      events: async (after, limit) => events.filter(({ seq }) => seq > after).slice(0, limit),
      concerns: (lines, subject) => lines.some((line) => subject.startsWith(`${line}/`)),
      cursor: async (reader, seq) => {
        if (seq !== null) cursors.set(reader, Math.max(seq, cursors.get(reader) ?? 0));
        return cursors.get(reader) ?? 0;
      },
      bury: async (letter) => void buried.push(letter),
      onTried: () => undefined,
      onDelivered: (webhook, lag) => void delivered.push({ webhook, lag }),
    },
  );
  return { courier, time, cursors, buried, delivered };
};

describe("a signature", () => {
  it("is what Standard Webhooks' own example says", () => {
    const headers = signedHeaders(
      ["whsec_plJ3nmyCDGBKInavdOK15jsl"],
      "msg_loFOjxBNrRLzqYUf",
      1_731_705_121_000,
      '{"event_type":"ping","data":{"success":true}}',
    );
    expect(headers["webhook-signature"]).toBe("v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=");
    expect(headers["webhook-timestamp"]).toBe("1731705121");
  });

  it("is made with each secret while they are exchanged", () => {
    const body = "{}";
    const { "webhook-signature": both = "" } = signedHeaders(["old", "new"], "id", 5000, body);
    const of = (secret: string): string => `v1,${createHmac("sha256", secret).update(`id.5.${body}`).digest("base64")}`;
    expect(both).toBe(`${of("old")} ${of("new")}`);
    expect(signedHeaders([], "id", 5000, body)).not.toHaveProperty("webhook-signature");
  });
});

describe("an address inside", () => {
  it.each([
    "127.0.0.1",
    "10.1.2.3",
    "172.31.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "::1",
    "fd00::1",
    "fe80::1",
    "::ffff:127.0.0.1",
  ])("%s is refused, as a number and behind a name", async (address) => {
    expect(isInside(address)).toBe(true);
    const host = address.includes(":") ? `[${address}]` : address;
    const poster = new Poster({ url: `http://${host}:9/`, allowPrivate: false, within: 1000, connections: 1 });
    await expect(poster.post("{}", {})).rejects.toThrow(/set allowPrivate/);
  });
  it("is refused behind a name", async () => {
    const poster = new Poster({ url: "http://localhost:9/", allowPrivate: false, within: 1000, connections: 1 });
    await expect(poster.post("{}", {})).rejects.toThrow(/localhost is an address of this network/);
  });
  it.each(["8.8.8.8", "172.32.0.1", "2606:4700::1111"])("%s is not one", (address) => {
    expect(isInside(address)).toBe(false);
  });
});

describe("a courier", () => {
  it("delivers each at least once, in the order of its conversation, whatever fails", async () => {
    const scene = fc.record({
      conversations: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 25 }),
      failures: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 25 }),
    });
    await fc.assert(
      fc.asyncProperty(scene, async ({ conversations, failures }) => {
        const messages = conversations.map((no, place) => message(place + 1, `c${no}`));
        const left = new Map(messages.map(({ seq }, place) => [`acme.in.${seq}`, failures[place] ?? 0]));
        const delivered: string[] = [];
        const { courier, time, cursors, buried } = courierOn(messages, [], {}, (id) => {
          const more = left.get(id) ?? 0;
          left.set(id, more - 1);
          if (more > 0) throw new Error("not now");
          delivered.push(id);
        });
        courier.start();
        await time.pass(3_600_000);
        await courier.stop(0);
        expect(new Set(delivered)).toEqual(new Set(messages.map(({ seq }) => `acme.in.${seq}`)));
        for (const no of new Set(conversations)) {
          const own = messages.filter(({ conversation }) => conversation === `c${no}`).map(({ seq }) => `acme.in.${seq}`);
          expect(delivered.filter((id) => own.includes(id))).toEqual(own);
        }
        expect(buried).toEqual([]);
        expect(cursors.get("webhook:crm:inbox")).toBe(messages.length);
      }),
      { numRuns: 15 },
    );
  });

  it("tries for a day, lets other conversations pass meanwhile, and then buries", async () => {
    const tried: string[] = [];
    const messages = [message(1, "a"), message(2, "a"), message(3, "b")];
    const { courier, time, cursors, buried, delivered } = courierOn(messages, [], {}, (id) => {
      tried.push(id);
      if (id === "acme.in.1") throw new Error("never");
    });
    courier.start();
    await time.pass(60_000);
    expect(tried.filter((id) => id !== "acme.in.1")).toEqual(["acme.in.3"]);
    expect(cursors.get("webhook:crm:inbox") ?? 0).toBe(0);
    await time.pass(22 * 3_600_000);
    expect(buried).toEqual([]);
    await time.pass(4 * 3_600_000);
    expect(buried).toMatchObject([{ webhook: "crm", source: "inbox", seq: 1, tries: 11, why: "Error: never" }]);
    expect(tried.filter((id) => id === "acme.in.1")).toHaveLength(11);
    expect(tried.at(-1)).toBe("acme.in.2");
    expect(delivered.map(({ webhook }) => webhook)).toEqual(["crm", "crm"]);
    expect((delivered[1]?.lag ?? 0) - (delivered[0]?.lag ?? 0)).toBeGreaterThan(22 * 3_600_000);
    expect(cursors.get("webhook:crm:inbox")).toBe(3);
  });

  it("brings what is wanted, and no more", async () => {
    const got: string[] = [];
    const config = { events: ["failover.*", "message.received"], lines: ["sales"] };
    const events = [
      event(1, "failover.ended", "sales/1"),
      event(2, "seat.serving", "sales/1"),
      event(3, "failover.refused", "sales/2"),
      event(4, "failover.ended", "help/1"),
      event(5, "failover.ended", "fleet"),
    ];
    const { courier, time, cursors } = courierOn(
      [message(1, "a"), message(2, "b", "help")],
      events,
      config,
      (id) => void got.push(id),
    );
    courier.start();
    await time.pass(1000);
    expect(got.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(["acme.ev.1", "acme.ev.3", "acme.in.1"]);
    expect([...cursors]).toEqual(
      expect.arrayContaining([
        ["webhook:crm:events", 5],
        ["webhook:crm:inbox", 2],
      ]),
    );
    expect(isWanted("failover.ended", ["failover"])).toBe(false);
    expect(isWanted("anything.at", ["*"])).toBe(true);
  });
});

describe("the desk, on a real store and a real receiver", () => {
  const deskAt = (store: SqliteStore, url: string, now = () => Date.now()): WebhookDesk =>
    deskOf(store, [{ ...CONFIG, url, events: ["seat.*"] }], { clock: { ...clock, now } });

  it("begins with what happens from then on, signs it, and goes on where it was after a stop", async () => {
    const store = opened();
    const receiver = new Receiver();
    const url = await receiver.listen();
    await append(store, 5);
    const first = deskAt(store, url);
    await first.begin();
    await append(store, 3);
    first.wake();
    await until(() => receiver.got.length === 3);
    const [{ headers, body, text }] = receiver.got as [Got];
    expect(body).toMatchObject({ type: "seat.serving", data: { fleet: "acme", subject: "s0", n: 0 } });
    const expected = signedHeaders(["old", "new"], body.id, Number(headers["webhook-timestamp"]) * 1000, text);
    expect(headers["webhook-signature"]).toBe(expected["webhook-signature"]);
    await first.stop(1000);
    await append(store, 2);
    const second = deskAt(store, url);
    await second.begin();
    await until(() => receiver.got.length === 5);
    expect(new Set(receiver.got.map((got) => got.body.id)).size).toBe(5);
    const [view] = await second.views();
    expect(view).toMatchObject({ name: "crm", signed: true, dead: 0 });
    expect(view?.url).not.toContain("secret");
    // What the first one tried is told as well.
    expect(view?.log.map(({ id }) => id)).toEqual(receiver.got.map((got) => got.body.id).toReversed());
  });

  it("redrives dead letters in their order, until one fails again, and keeps that one", async () => {
    const store = opened();
    const receiver = new Receiver();
    const desk = deskAt(store, await receiver.listen());
    await append(store, 3);
    for (const seq of [1, 2, 3, 99])
      await store.webhooks.bury({ webhook: "crm", source: "events", seq, type: "seat.serving", at: seq, tries: 11, why: "x" });
    receiver.answer = ({ body }, response) => void response.writeHead(body.id.endsWith(".2") ? 500 : 200).end("not read");
    expect(await desk.redrive("crm", 10)).toEqual({ delivered: 1, gone: 0, failed: "it answered 500", left: 3 });
    expect((await desk.dead(null, 10)).map(({ seq }) => seq)).toEqual([2, 3, 99]);
    receiver.answer = (_, response) => void response.writeHead(200).end();
    expect(await desk.redrive("crm", 10)).toEqual({ delivered: 2, gone: 1, failed: null, left: 0 });
    expect(await desk.dead("crm", 10)).toEqual([]);
  });

  it("redrives for a while at a time, and by one order after the other", async () => {
    const store = opened();
    const receiver = new Receiver();
    let late = 0;
    const desk = deskAt(store, await receiver.listen(), () => Date.now() + late);
    await append(store, 5);
    for (const seq of [1, 2, 3, 4, 5])
      await store.webhooks.bury({ webhook: "crm", source: "events", seq, type: "seat.serving", at: 7, tries: 11, why: "x" });
    receiver.answer = (_, response) => {
      late += 6000;
      response.writeHead(200).end();
    };
    expect(await desk.redrive("crm", 10)).toEqual({ delivered: 2, gone: 0, failed: null, left: 3 });
    await Promise.all([desk.redrive("crm", 2), desk.redrive("crm", 2)]);
    expect(receiver.got.map(({ body }) => body.id)).toEqual([1, 2, 3, 4, 5].map((seq) => `acme.ev.${seq}`));
  });

  it("lists dead letters page by page, each once, however many were given up at one time", async () => {
    const store = opened();
    const desk = deskAt(store, "http://127.0.0.1:1/");
    const places = [0, 0, 0, 5, 5, 9].flatMap((at, seq) => (["inbox", "events"] as const).map((source) => ({ at, source, seq })));
    for (const place of places)
      await store.webhooks.bury({ webhook: "crm", type: "seat.serving", tries: 11, why: "x", ...place });
    await store.webhooks.bury({ webhook: "other", source: "inbox", seq: 1, type: "x", at: 3, tries: 11, why: "x" });
    const whole = await desk.dead("crm", 100);
    expect(whole).toHaveLength(places.length);
    const paged: DeadLetter[] = [];
    for (let page = await desk.dead("crm", 5); page.length > 0; page = await desk.dead("crm", 5, paged.at(-1)))
      paged.push(...page);
    expect(paged).toEqual(whole);
  });

  it("takes redirects, hang-ups and answers of any length for what they are", async () => {
    const store = opened();
    const receiver = new Receiver();
    const desk = deskAt(store, await receiver.listen());
    receiver.answer = (_, response) => void response.writeHead(302, { location: "http://127.0.0.1:1/" }).end();
    expect(await desk.test("crm")).toBe("it answered 302");
    receiver.answer = (_, response) => void response.destroy();
    expect(await desk.test("crm")).toMatch(/^it could not be reached/);
    receiver.answer = (_, response) => void response.writeHead(200).end("x".repeat(3_000_000));
    expect(await desk.test("crm")).toBeNull();
    expect(receiver.got.at(-1)?.body).toMatchObject({ type: "webhook.test" });
  });
});

describe("webhooks in a fleet file", () => {
  const fleet = (webhooks: object) =>
    parseFleetData(
      { fleet: "acme", accounts: { a: { role: "master", devices: ["x"] } }, lines: { sales: { masters: ["a"] } }, webhooks },
      "/",
      {
        S1: "one",
        S2: "two",
      },
    );
  it("are read with their secrets looked up, which nothing prints", () => {
    const loaded = fleet({
      crm: { url: "https://crm.example/x", secret: ["${env:S1}", "${env:S2}"], events: ["*"], lines: ["sales"] },
    });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
    expect(revealedWebhooks(loaded.fleet.webhooks)).toMatchObject([
      { name: "crm", secrets: ["one", "two"], allowPrivate: false, concurrency: 16 },
    ]);
    expect(JSON.stringify(loaded.fleet)).not.toMatch(/"one"|"two"/);
  });
  it.each([
    [{ crm: { url: "ftp://x" } }, /no http/],
    [{ crm: { url: "https://u:p@x" } }, /without a password/],
    [{ crm: { url: "https://x", secret: "plain" } }, /does not belong in this file/],
    [{ crm: { url: "https://x", secret: "${env:S3}" } }, /S3 is not set/],
    [{ crm: { url: "https://x", events: ["Failover"] } }, /expected a type/],
    [{ crm: { url: "https://x", lines: ["sale"] } }, /there is no line sale/],
  ])("%j is refused", (webhooks, why) => {
    const loaded = fleet(webhooks);
    expect(loaded.ok).toBe(false);
    expect(JSON.stringify(loaded)).toMatch(why);
  });
});
