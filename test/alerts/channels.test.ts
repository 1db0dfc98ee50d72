import { createHmac } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import { slack } from "../../src/alerts/channels/slack.ts";
import { terminal } from "../../src/alerts/channels/terminal.ts";
import { webhook } from "../../src/alerts/channels/webhook.ts";
import type { ChannelError } from "../../src/alerts/channels/channel.ts";
import { type Carrier, type Fate, whatsapp } from "../../src/alerts/channels/whatsapp.ts";
import { linesOf, textOf } from "../../src/alerts/words.ts";
import { channelCases, type Told } from "./conformance.ts";
import { notice, receive } from "./kit.ts";

const AT = 1_760_000_123_456;
const SECRET = `whsec_${Buffer.from("a secret of the channel").toString("base64")}`;
const SERVING = { holder: "x/a", isServing: true };

channelCases("webhook", async () => {
  const receiver = await receive();
  return {
    channel: webhook({ name: "ops", fleet: "acme", url: receiver.url, secret: SECRET, now: () => AT }),
    told: () => receiver.posted.map(({ headers, body }) => ({ id: String(headers["webhook-id"]), text: body })),
    refuse: (on) => (receiver.answer = on ? 500 : 204),
    hang: (on) => (receiver.answer = on ? 0 : 200),
    close: () => receiver.close(),
  };
});

channelCases("slack", async () => {
  const receiver = await receive();
  return {
    channel: slack({ name: "chat", fleet: "acme", url: receiver.url }),
    told: () =>
      receiver.posted.map(({ body }): Told => {
        const { text, metadata } = JSON.parse(body) as { text: string; metadata: { event_payload: { id: string } } };
        return { id: metadata.event_payload.id, text };
      }),
    refuse: (on) => (receiver.answer = on ? 404 : 200),
    hang: (on) => (receiver.answer = on ? 0 : 200),
    close: () => receiver.close(),
  };
});

// The outbox answers or does not; what it never does is hang for longer than the store may.
channelCases("whatsapp", async () => {
  const sent: Told[] = [];
  let isRefusing = false;
  return {
    channel: whatsapp({
      name: "phone",
      fleet: "acme",
      to: ["491701234567"],
      lines: [],
      carriers: () => [{ line: "other", seats: [{ id: "other/x", ...SERVING }] }],
      send: async ({ to, text, key }) => {
        if (isRefusing) throw Object.assign(new Error(`"${to}" is refused: secret`), { code: "E_FULL" });
        sent.push({ id: key, text });
        return { id: "m1", seat: "other/x" };
      },
      fateOf: async () => "acknowledged",
      pause: async () => undefined,
    }),
    told: () => sent,
    refuse: (on) => (isRefusing = on),
    hang: null,
    close: async () => undefined,
  };
});

// Nobody can refuse it, and it waits for nobody.
channelCases("terminal", async () => {
  const shown: Told[] = [];
  const channel = terminal((shownNotice) => shown.push({ id: shownNotice.id, text: textOf(shownNotice, "acme") }));
  return { channel, told: () => shown, refuse: null, hang: null, close: async () => undefined };
});

describe("a webhook", () => {
  it("is signed as Standard Webhooks has it, over exactly what was posted", async () => {
    const receiver = await receive();
    onTestFinished(() => receiver.close());
    await webhook({ name: "ops", fleet: "acme", url: receiver.url, secret: SECRET, now: () => AT }).deliver(
      notice("n7"),
      AbortSignal.timeout(20_000),
    );
    const [{ headers, body } = { headers: {}, body: "" }] = receiver.posted;
    const key = Buffer.from("a secret of the channel");
    const expected = createHmac("sha256", key).update(`n7.1760000123.${body}`).digest("base64");
    expect(headers).toMatchObject({
      "webhook-id": "n7",
      "webhook-timestamp": "1760000123",
      "webhook-signature": `v1,${expected}`,
      "content-type": "application/json",
    });
    expect(JSON.parse(body)).toMatchObject({
      type: "greenroom.alerts",
      timestamp: "2025-10-09T08:53:20.000Z",
      data: { id: "n7", fleet: "acme", alerts: [{ key: "device.failed:sales-1/a", kind: "raised", flapping: false }] },
    });
  });

  it("does not follow to where it is sent on: the signature is for one address", async () => {
    const receiver = await receive();
    onTestFinished(() => receiver.close());
    receiver.answer = 307;
    const channel = webhook({ name: "ops", fleet: "acme", url: receiver.url, secret: null, now: () => AT });
    await expect(channel.deliver(notice(), AbortSignal.timeout(20_000))).rejects.toThrow("it answered 307");
  });
});

describe("a WhatsApp message", () => {
  const carried = async (carriers: readonly Carrier[], subject: string, lines: readonly string[] = []): Promise<string> => {
    const by: string[] = [];
    const channel = whatsapp({
      name: "phone",
      fleet: "acme",
      to: ["1", "2"],
      lines,
      carriers: () => carriers,
      send: async ({ line, to, key }) => {
        by.push(`${line} ${to}`);
        return { id: key, seat: line };
      },
      fateOf: async () => "acknowledged",
      pause: async () => undefined,
    });
    await channel.deliver(notice("n1", [subject]), AbortSignal.timeout(1000));
    return by.join(", ");
  };
  const line = (name: string, ...serving: readonly boolean[]): Carrier => ({
    line: name,
    seats: serving.map((isServing, index) => ({ id: `${name}/${name}-${index}`, holder: `${name}-${index}/a`, isServing })),
  });

  it("goes to each recipient once, through a line that is well and not concerned", async () => {
    const sales = line("sales", true, true);
    const help = line("help", true);
    expect(await carried([sales, help], "sales-1/a")).toBe("help 1, help 2");
    expect(await carried([sales, help], "sales-1/b")).toContain("help 1");
    expect(await carried([sales, help], "help/help-0")).toBe("sales 1, sales 2");
    expect(await carried([line("sales", true, false), help], "fleet")).toContain("help 1");
    expect(await carried([sales, help], "fleet", ["help", "sales"])).toContain("help 1");
  });
  it.each<[string, readonly (readonly Fate[])[], string]>([
    [
      "is told once WhatsApp has it",
      [
        ["open", "open"],
        ["acknowledged", "open"],
        ["acknowledged", "acknowledged"],
      ],
      "sent by help/x, acknowledged by WhatsApp",
    ],
    ["is accepted where WhatsApp says nothing for long", [["open", "open"]], "accepted by help/x, not acknowledged yet"],
    [
      "fails for good where somebody can't be reached, whom it does not name",
      [
        ["open", "open"],
        ["acknowledged", { failed: "unpreparable: 491701234567 is not on WhatsApp" }],
      ],
      "final ChannelError: 1 of 2 not reached: unpreparable: … is not on WhatsApp",
    ],
  ])("%s", async (_, looks, expected) => {
    let paused = 0;
    const channel = whatsapp({
      name: "phone",
      fleet: "acme",
      to: ["491701234567", "491701234568"],
      lines: [],
      carriers: () => [line("help", true)],
      send: async ({ to }) => ({ id: to === "491701234567" ? "0" : "1", seat: "help/x" }),
      fateOf: async (id) => looks[Math.min(paused, looks.length - 1)]?.[Number(id.at(-1))] ?? "open",
      pause: async () => void paused++,
    });
    const told = channel.deliver(notice("n1"), AbortSignal.timeout(20_000));
    await expect(told.catch((error: ChannelError) => `${error.isFinal ? "final" : "passing"} ${String(error)}`)).resolves.toBe(
      expected,
    );
  });
  it("is another one for each recipient, and the same one for the same, whoever else is written to by the next try", async () => {
    const keys = new Map<string, Set<string>>();
    const writeTo = (...to: readonly string[]): Promise<string> =>
      whatsapp({
        name: "phone",
        fleet: "acme",
        to,
        lines: [],
        carriers: () => [line("help", true)],
        send: async ({ to: person, key }) => {
          keys.set(person, (keys.get(person) ?? new Set()).add(key));
          return { id: key, seat: "help/x" };
        },
        fateOf: async () => "acknowledged",
        pause: async () => undefined,
      }).deliver(notice("n1"), AbortSignal.timeout(20_000));
    await writeTo("491701234567", "491701234568");
    await writeTo("491701234569", "491701234568");
    const all = [...keys.values()].flatMap((each) => [...each]);
    expect(new Set(all).size).toBe(3);
    expect(all).toHaveLength(3);
    expect(all.join()).not.toContain("4917");
  });
  it("goes through the line that it is about if there is no other, and waits if none is in service", async () => {
    expect(await carried([line("sales", true, false)], "sales-1/a")).toContain("sales 1");
    await expect(carried([line("sales", false)], "fleet")).rejects.toThrow("no line is in service that could carry it");
  });
});

describe("the words of a notice", () => {
  it("name alerts of one rule together where they are many, the worst first", () => {
    const many = notice(
      "n",
      Array.from({ length: 40 }, (_, index) => `m-${index}/a`),
    );
    const banned = { ...many.items[0], key: "k", rule: "account.banned", level: "critical", text: "m-1 is banned" } as const;
    const lines = linesOf({ items: [...many.items, banned as (typeof many.items)[number]] });
    expect(lines.map(({ label, text }) => `${label} ${text.slice(0, 46).trimEnd()}`)).toEqual([
      "CRITICAL m-1 is banned",
      "WARNING 40 alerts device.failed: m-0/a, m-1/a, m-2/a,",
    ]);
    expect(lines[1]?.text).toMatch(/m-11\/a and 28 more$/);
  });
  it("say how long it lasted, that nobody looks after it, and that it comes and goes", () => {
    const [item] = notice().items;
    const said = (over: object) => linesOf({ items: [{ ...item, ...over } as NonNullable<typeof item>] })[0]?.text;
    expect(said({ kind: "resolved", text: "well", resolvedAt: 1_760_000_065_000 })).toBe("well (it lasted 65 s)");
    expect(said({ kind: "unacknowledged", text: "bad" })).toBe("nobody has acknowledged this yet: bad");
    expect(said({ flaps: true, text: "bad" })).toMatch(/^bad \(it comes and goes/);
  });
});
