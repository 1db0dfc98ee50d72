/** Webhooks that come, go and change while messages flow: nothing is lost, nothing comes out of order, and nobody else notices. */
import { createHmac } from "node:crypto";
import type { ServerResponse } from "node:http";
import * as fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import type { SqliteStore } from "../../src/adapters/sqlite/store.ts";
import type { WebhookConfig } from "../../src/webhooks/courier.ts";
import type { WebhookDesk } from "../../src/webhooks/desk.ts";
import { Poster } from "../../src/webhooks/poster.ts";
import type { WebhookStore } from "../../src/webhooks/store.ts";
import { append, ask, clock, CONFIG, deskOf, type Got, opened, Receiver, until } from "./rig.ts";

const GRACE = 5000;
const EVENTS_OF_CRM = "webhook:crm:events";
const EVENTS: WebhookConfig = { ...CONFIG, events: ["seat.*"] };

/** Nothing that waits longer than a receiver may take ever comes to its turn by itself. */
const patient = {
  ...clock,
  setTimeout: (fire: () => void, after: number) => (after < 4000 ? clock.setTimeout(fire, after) : null),
};
const deskOn = (store: SqliteStore, webhooks: readonly WebhookConfig[], hooks: WebhookStore = store.webhooks): WebhookDesk =>
  deskOf(store, webhooks, { store: hooks, clock: patient });
const seqOf = ({ body }: Got): number => Number(body.data["seq"]);
const inOrder = (seqs: readonly number[]): number[] => seqs.toSorted((a, b) => a - b);
const isSignedWith = ({ headers, text }: Got, secret: string): boolean => {
  const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signatures } = headers;
  const mine = createHmac("sha256", secret)
    .update(`${String(id)}.${String(at)}.${text}`)
    .digest("base64");
  return String(signatures).split(" ").includes(`v1,${mine}`);
};

type Step =
  | { readonly do: "happen"; readonly count: number }
  | { readonly do: "goTo"; readonly receiver: 0 | 1 }
  | { readonly do: "sign"; readonly secrets: readonly string[] }
  | { readonly do: "widen"; readonly concurrency: number }
  | { readonly do: "leave" | "comeBack" | "restart" };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("happen" as const), count: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("goTo" as const), receiver: fc.constantFrom(0 as const, 1 as const) }) },
  fc.record({ do: fc.constant("sign" as const), secrets: fc.constantFrom(["old"], ["old", "new"], ["new"], []) }),
  fc.record({ do: fc.constant("widen" as const), concurrency: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ do: fc.constantFrom("leave" as const, "comeBack" as const, "restart" as const) }),
);

describe("webhooks that change while messages flow", () => {
  it("get each once and in order, wherever they go meanwhile; what one missed while it was gone comes when it is back", {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const store = opened();
        const arrived: { readonly receiver: number; readonly got: Got; readonly at: WebhookConfig | null }[] = [];
        const other: number[] = [];
        const urls: string[] = [];
        let now: WebhookConfig | null = null;
        for (const receiver of [0, 1]) {
          const each = new Receiver();
          each.answer = (got, response) => {
            arrived.push({ receiver, got, at: now });
            setTimeout(() => response.writeHead(204).end(), arrived.length % 3);
          };
          urls.push(await each.listen());
        }
        const untouched = new Receiver();
        untouched.answer = (got, response) => {
          other.push(seqOf(got));
          response.writeHead(204).end();
        };
        const quiet = { ...EVENTS, name: "quiet", url: await untouched.listen() };
        let last: WebhookConfig = { ...EVENTS, url: urls[0] as string };
        now = last;
        let desk = deskOn(store, [last, quiet]);
        await desk.begin();
        let happened = 0;
        const set = async (next: WebhookConfig | null): Promise<void> => {
          await desk.change(next ? [next, quiet] : [quiet], GRACE);
          now = next;
          last = next ?? last;
        };
        const changeTo = (change: Partial<WebhookConfig>): Promise<void> | undefined =>
          now ? set({ ...now, ...change }) : void (last = { ...last, ...change });
        for (const each of steps) {
          if (each.do === "happen") {
            await append(store, each.count);
            happened += each.count;
            desk.wake();
          } else if (each.do === "goTo") await changeTo({ url: urls[each.receiver] as string });
          else if (each.do === "sign") await changeTo({ secrets: each.secrets });
          else if (each.do === "widen") await changeTo({ concurrency: each.concurrency });
          else if (each.do === "leave") await set(null);
          else if (each.do === "comeBack") await set(last);
          else {
            await desk.stop(GRACE);
            desk = deskOn(store, now ? [now, quiet] : [quiet]);
            await desk.begin();
          }
        }
        await set(last);
        const seqs = (subject?: string): number[] =>
          arrived.filter(({ got }) => subject === undefined || got.body.data["subject"] === subject).map(({ got }) => seqOf(got));
        await until(() => new Set(seqs()).size >= happened && new Set(other).size >= happened);
        await desk.stop(GRACE);
        // Whoever was stopped may get what was done behind what was not once more; changes bring nothing twice.
        const does = (...what: readonly Step["do"][]): boolean => steps.some((each) => what.includes(each.do));
        const all = Array.from({ length: happened }, (_, index) => index + 1);
        const once = (each: readonly number[], mayRepeat: boolean): number[] => inOrder(mayRepeat ? [...new Set(each)] : each);
        expect(once(seqs(), does("leave", "restart"))).toEqual(all);
        expect(once(other, does("restart"))).toEqual(all);
        expect(arrived.filter(({ at }) => at === null)).toEqual([]);
        for (const subject of ["s0", "s1", "s2"]) {
          const first = [...new Set(seqs(subject))];
          expect(first).toEqual(inOrder(first));
        }
      }),
      { numRuns: 25 },
    );
  });

  it("can be verified with the old secret until the receiver knows the new one, and with the new one from then on", async () => {
    const store = opened();
    const receiver = new Receiver();
    const config = { ...EVENTS, url: await receiver.listen() };
    const desk = deskOn(store, [{ ...config, secrets: ["old"] }]);
    await desk.begin();
    let knows = "old";
    const refused: string[] = [];
    receiver.answer = (got, response) => {
      if (!isSignedWith(got, knows)) refused.push(`${got.body.id} for ${knows}`);
      setTimeout(() => response.writeHead(204).end(), 2);
    };
    let happened = 0;
    const happen = async (): Promise<void> => {
      await append(store, 9);
      happened += 9;
      desk.wake();
    };
    const settled = (): Promise<void> => until(() => receiver.got.length === happened);
    await happen();
    await desk.change([{ ...config, secrets: ["old", "new"] }], GRACE);
    await happen();
    await settled();
    knows = "new";
    await happen();
    await desk.change([{ ...config, secrets: ["new"] }], GRACE);
    await happen();
    await settled();
    expect(refused).toEqual([]);
    expect(receiver.got.filter((got) => isSignedWith(got, "old")).length).toBeLessThan(happened - 8);
  });

  it("bring what their receiver refused at once, in its order and nothing twice, when they go to another one", async () => {
    const store = opened();
    const [away, well] = [new Receiver(), new Receiver()];
    away.answer = ({ body }, response) => void response.writeHead(body.data["subject"] === "s0" ? 500 : 204).end();
    const config = { ...EVENTS, url: await away.listen() };
    const desk = deskOn(store, [config]);
    await desk.begin();
    await append(store, 12);
    desk.wake();
    await until(() => away.got.length === 9);
    await desk.change([{ ...config, url: await well.listen() }], GRACE);
    await until(() => well.got.length === 4);
    expect(well.got.map(seqOf)).toEqual([1, 4, 7, 10]);
    expect(new Set(away.got.map(seqOf))).toEqual(new Set([1, 2, 3, 5, 6, 8, 9, 11, 12]));
  });

  it("hear nothing more of what they want no longer, even of what waited for them, and read no more than they want", async () => {
    const store = opened();
    const receiver = new Receiver();
    const held: (() => void)[] = [];
    receiver.answer = (_, response) => void held.push(() => response.writeHead(204).end());
    const config = { ...EVENTS, url: await receiver.listen(), concurrency: 1 };
    const desk = deskOn(store, [config]);
    const past = (seq: number): Promise<void> =>
      until(async () => (await ask<{ seq: number }>(store, { op: "inbox.cursor", reader: EVENTS_OF_CRM, seq: null })).seq >= seq);
    await desk.begin();
    await append(store, 6);
    desk.wake();
    await until(() => held.length === 1);
    await desk.change([{ ...config, lines: ["s1"] }], GRACE);
    receiver.answer = (_, response) => void response.writeHead(204).end();
    held[0]?.();
    await until(() => receiver.got.length === 3);
    expect(receiver.got.map(({ body }) => body.data["subject"])).toEqual(["s0", "s1", "s1"]);
    expect(desk.readers).toEqual([EVENTS_OF_CRM]);
    await past(6);
    receiver.answer = (_, response) => void held.push(() => response.writeHead(204).end());
    await desk.change([config], GRACE);
    await append(store, 6);
    desk.wake();
    await until(() => held.length === 2);
    const changed = desk.change([{ ...config, events: ["message.received"] }], GRACE);
    await until(() => desk.readers[0] === "webhook:crm:inbox");
    receiver.answer = (_, response) => void response.writeHead(204).end();
    held[1]?.();
    await changed;
    await past(7);
    await desk.change([config], GRACE);
    // It comes back to where it was, as after a restart.
    await until(() => receiver.got.length === 9);
    expect(receiver.got.slice(3).map(seqOf)).toEqual([7, 8, 9, 10, 11, 12]);
  });

  it("that end are left alone when that is done: what hangs is broken off, what waits in line is not sent, and its dead letters stay", async () => {
    const store = opened();
    const receiver = new Receiver();
    const hanging: ServerResponse[] = [];
    receiver.answer = (_, response) => void hanging.push(response);
    const config = { ...EVENTS, url: await receiver.listen(), concurrency: 1 };
    const desk = deskOn(store, [config]);
    await desk.begin();
    await store.webhooks.bury({ webhook: "crm", source: "events", seq: 1, type: "seat.serving", at: 1, tries: 11, why: "x" });
    await append(store, 6);
    desk.wake();
    await until(() => hanging.length === 1);
    // By the same connection, and so behind that one.
    const tests = Promise.all([desk.test("crm"), desk.test("crm"), desk.redrive("crm", 10)]);
    await desk.change([], 20);
    expect(await tests).toEqual([
      expect.stringMatching(/broken off/),
      expect.stringMatching(/broken off/),
      { delivered: 0, gone: 0, failed: expect.stringMatching(/broken off/), left: 1 },
    ]);
    expect(receiver.got).toHaveLength(1);
    expect(desk.names).toEqual([]);
    await expect(desk.test("crm")).resolves.toMatch(/there is no webhook crm/);
    expect(await desk.dead(null, 10)).toHaveLength(1);
    await until(async () => (await store.webhooks.logged("crm", 10)).length === 4);
    receiver.answer = (_, response) => void response.writeHead(204).end();
    await desk.change([config], GRACE);
    await until(() => receiver.got.length === 7);
    expect(receiver.got.map(seqOf)).toEqual([1, 1, 2, 3, 4, 5, 6]);
    expect(await desk.redrive("crm", 10)).toMatchObject({ delivered: 1, left: 0 });
    const [view] = await desk.views();
    // One that hung, three that waited in line, and what was delivered then.
    expect(view?.log.map(({ failure }) => failure === null)).toEqual([...Array(7).fill(true), ...Array(4).fill(false)]);
  });

  it("are as they were if the store does not take the change", async () => {
    const store = opened();
    const receiver = new Receiver();
    const config = { ...EVENTS, url: await receiver.listen() };
    let isAway = false;
    const begin: WebhookStore["begin"] = (readers) =>
      isAway ? Promise.reject(new Error("the store is away")) : store.webhooks.begin(readers);
    const desk = deskOn(store, [config], { ...store.webhooks, begin });
    await desk.begin();
    isAway = true;
    await expect(desk.change([{ ...EVENTS, name: "erp", url: config.url }], GRACE)).rejects.toThrow(/away/);
    expect(desk.names).toEqual(["crm"]);
    await append(store, 3);
    desk.wake();
    await until(() => receiver.got.length === 3);
    isAway = false;
    await desk.change([{ ...EVENTS, name: "erp", url: config.url }], GRACE);
    expect(desk.names).toEqual(["erp"]);
  });

  it("do not begin any more once all are stopped", async () => {
    const store = opened();
    const receiver = new Receiver();
    const desk = deskOn(store, []);
    await desk.begin();
    const config = { ...EVENTS, url: await receiver.listen() };
    await Promise.all([desk.stop(100), desk.change([config], GRACE)]);
    expect(desk.names).toEqual([]);
  });
});

describe("a way that changes", () => {
  const way = { allowPrivate: true, within: 5000, connections: 1 };

  it("lets what is under way end where it began, and sends what comes later the new way", async () => {
    const [old, next] = [new Receiver(), new Receiver()];
    const held: (() => void)[] = [];
    old.answer = (_, response) => void held.push(() => response.writeHead(201).end());
    const poster = new Poster({ ...way, url: await old.listen() });
    onTestFinished(() => poster.close());
    const first = poster.post("{}", {});
    await until(() => held.length === 1);
    poster.change({ ...way, url: await next.listen() });
    expect(await poster.post("{}", {})).toEqual({ status: 204 });
    held[0]?.();
    expect(await first).toEqual({ status: 201 });
    expect([old.got.length, next.got.length]).toEqual([1, 1]);
  });

  it("posts nothing once it is closed", async () => {
    const receiver = new Receiver();
    const poster = new Poster({ ...way, url: await receiver.listen() });
    poster.close();
    await expect(poster.post("{}", {})).rejects.toThrow(/broken off/);
    expect(receiver.got).toEqual([]);
  });

  it("goes to no address of this machine any more once that is not allowed, though it was connected", async () => {
    const receiver = new Receiver();
    const url = await receiver.listen();
    const poster = new Poster({ ...way, url });
    await poster.post("{}", {});
    poster.change({ ...way, url, allowPrivate: false });
    await expect(poster.post("{}", {})).rejects.toThrow(/set allowPrivate/);
    expect(receiver.got).toHaveLength(1);
  });
});
