import { readFile } from "node:fs/promises";
import { downloadMediaMessage } from "@whiskeysockets/baileys";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Loopback, startLoopback } from "../../../sim/loopback/index.ts";
import { Client, until } from "./client.ts";

const SALES = "15550001001";
const ANA = "15550009001";

describe("linking and other doors", () => {
  let loopback: Loopback;
  const clients: Client[] = [];

  const make = (...rest: ConstructorParameters<typeof Client>): Client => {
    const client = new Client(...rest);
    clients.push(client);
    return client;
  };
  const post = async (path: string, body: unknown): Promise<{ status: number; answer: Record<string, unknown> }> => {
    const response = await fetch(`${loopback.adminUrl}${path}`, {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
  };

  beforeAll(async () => {
    loopback = await startLoopback({ tlsPort: 0 });
  });
  afterAll(async () => {
    for (const client of clients) client.stop();
    await loopback.close();
  });

  it("listens on 127.0.0.1 only", () => {
    for (const url of [loopback.url, loopback.tlsUrl, loopback.adminUrl]) expect(new URL(url ?? "").hostname).toBe("127.0.0.1");
  });

  it("links by pairing code, and not with a wrong one", async () => {
    const client = make(loopback.url);
    client.start();
    await client.qr();
    const code = await client.live.requestPairingCode(SALES);
    const account = loopback.account(SALES);
    await expect(loopback.account("15550001009").enterPairingCode(code)).rejects.toThrow("no client has asked");
    const { device } = await account.enterPairingCode(code);
    await client.closed();
    await client.restart();
    expect(account.devices()).toEqual([device]);
    const id = await client.sendText(loopback.person(ANA).number, "linked by code");
    await until(() => loopback.person(ANA).received.some((message) => message.id === id));

    const wrong = make(loopback.url);
    wrong.start();
    await wrong.qr();
    await wrong.live.requestPairingCode("15550001003");
    await expect(loopback.account("15550001003").enterPairingCode("AAAAAAAA")).rejects.toThrow(
      "not the one that the client shows",
    );
  });

  it("refuses a QR code that nobody shows, and a device too many", async () => {
    await expect(loopback.account(SALES).scanQr("https://wa.me/settings/linked_devices#2@x,AAAA,AAAA,AAAA,1")).rejects.toThrow(
      "no client is waiting",
    );
    const client = make(loopback.url);
    client.start();
    await expect(loopback.account("15550001004", { deviceLimit: 0 }).scanQr(await client.qr())).rejects.toThrow("limit");
  });

  it("speaks wss with a certificate made at start, and carries media over it", async () => {
    const client = make(loopback.tlsUrl ?? "");
    await client.pair(loopback, "15550001005");
    const twin = make(loopback.tlsUrl ?? "");
    await twin.pair(loopback, "15550001005");
    const jpeg = await readFile(new URL("client.ts", import.meta.url));
    const sent = await client.live.sendMessage(loopback.person(ANA).jid, {
      document: jpeg,
      mimetype: "text/plain",
      fileName: "client.ts",
      caption: "the file",
    });
    const id = sent?.key.id ?? "";
    await until(() => loopback.person(ANA).received.some((message) => message.id === id && message.text === "the file"));
    const copy = await until(() => twin.seen.find(({ message }) => message.key.id === id));
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    const back = await downloadMediaMessage(copy.message, "buffer", {});
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    expect(back.equals(jpeg)).toBe(true);
  });

  it("admin: scans a QR code for the number that the client took as its name", async () => {
    const client = make(loopback.url, { pushName: "15550001006" });
    client.start();
    const { status, answer } = await post("/mock-phone/scan-qr", await client.qr());
    expect({ status, answer }).toEqual({ status: 200, answer: { number: "15550001006", device: 1 } });
    await client.closed();
    await client.restart();
  });

  it("admin: enters a pairing code, injects and heals faults, lets people write, and shows the state", async () => {
    const client = make(loopback.url);
    client.start();
    await client.qr();
    const code = await client.live.requestPairingCode("15550001007");
    expect((await post("/mock-phone/pairing-code", { number: "15550001007", code })).answer).toMatchObject({ device: 1 });
    await client.closed();
    await client.restart();

    const { answer: sent } = await post(`/person/${ANA}/send`, { to: "15550001007", text: "from curl" });
    await until(() => client.textOf(String(sent.id)) === "from curl");
    await client.acked(await client.sendText(ANA, "to curl"));
    const inbox = (await (await fetch(`${loopback.adminUrl}/person/${ANA}/received`)).json()) as {
      received: Array<{ text: string }>;
    };
    expect(inbox.received.at(-1)).toMatchObject({ text: "to curl", fromNumber: "15550001007" });

    const { answer: fault } = await post("/faults", { kind: "sendSwallowed", target: { account: "15550001007", device: 1 } });
    const state = (await (await fetch(`${loopback.adminUrl}/state`)).json()) as { faults: unknown[]; accounts: unknown[] };
    expect(state.faults).toMatchObject([{ id: fault.id, kind: "send-swallowed" }]);
    expect(state.accounts).toContainEqual(expect.objectContaining({ number: "15550001007" }));
    const healed = await fetch(`${loopback.adminUrl}/faults/${String(fault.id)}`, { method: "DELETE" });
    expect(await healed.json()).toEqual({ id: fault.id, healed: true });
    expect(loopback.faults.active()).toEqual([]);
  });

  it("admin: takes each kind of fault that there is, lists it and heals it", async () => {
    const target = { account: "15550001008" };
    loopback.account(target.account);
    const samples = {
      close: { target, code: 405 },
      loginRefused: { target, code: 503, closes: true },
      outdated: { target, oldest: 5, named: 6 },
      halfOpenLink: { target },
      silentPath: { target, keeps: true },
      upgrade503: { target, status: 429, closes: false },
      refuse: { target, cut: true },
      slow: { target: { accounts: [target.account] }, minMs: 1, maxMs: 2, tailChance: 0.1, tailMaxMs: 5 },
      lossy: { target, rate: 0.1 },
      oneWay: { target, dead: "out" },
      ackLost: { target, mute: false },
      sendSwallowed: { target, share: 0.5 },
      restrict: { target, announced: false },
      ban: { target, code: 402, expireS: 60 },
      logout: { target },
      replaced: { target, returns: 2, afterMs: 100 },
      phoneGone: { target },
      outage: { target: { accounts: [target.account] }, manner: "refusing" },
      offlineReplay: { target, missing: true },
      lateEvents: { target, byMs: 100, share: 0.5 },
      duplicate: { target, share: 0.5, afterMs: 10 },
      unanswered: { target, answer: "usync" },
    };
    const { answer } = await post("/faults", { kind: "unheard-of" });
    expect(answer.error).toContain(`"kind" is one of ${Object.keys(samples).join(", ")};`);
    for (const [kind, sample] of Object.entries(samples)) {
      const { status, answer: begun } = await post("/faults", { kind, ...sample });
      expect([kind, status]).toEqual([kind, 200]);
      const lasts = loopback.faults.active().some(({ id }) => id === begun.id);
      const healed = await fetch(`${loopback.adminUrl}/faults/${String(begun.id)}`, { method: "DELETE" });
      // What happens once is over when it is answered.
      expect([kind, healed.status]).toEqual([kind, lasts ? 200 : 400]);
      expect(lasts).toBe(kind !== "logout");
    }
    expect(loopback.faults.active()).toEqual([]);
    const page = await readFile(new URL("../../../docs/loopback.md", import.meta.url), "utf8");
    expect(Object.keys(samples).filter((kind) => !page.includes(`| \`${kind}\` |`))).toEqual([]);
  });

  it("admin: says what it expected when a request is wrong", async () => {
    const wrong = async (path: string, body: unknown): Promise<unknown> => {
      const { status, answer } = await post(path, body);
      expect(status).toBe(400);
      return answer.error;
    };
    expect(await wrong("/faults", { kind: "boom" })).toMatch('"kind" is one of close,');
    expect(await wrong("/faults", { kind: "slow", target: "all", minMs: 1 })).toMatch('"maxMs" is missing');
    expect(await wrong("/faults", { kind: "oneWay", target: "all", dead: "up" })).toMatch('"dead" is one of in, out');
    expect(await wrong("/faults", { kind: "lossy", target: "everybody", rate: 0.1 })).toMatch('"target" is {"account"');
    expect(await wrong("/faults", { kind: "ban", target: "all" })).toMatch("hits one account");
    expect(await wrong("/faults", "no json")).toMatch("expected a JSON object");
    expect(await wrong(`/person/${ANA}/send`, { to: "15550001007" })).toMatch('"text" is missing');
    expect(await wrong("/mock-phone/scan-qr", "hello")).toMatch("a pairing QR code has the form");
    expect((await fetch(`${loopback.adminUrl}/nonsense`)).status).toBe(404);
    expect((await fetch(`${loopback.adminUrl}/faults`)).status).toBe(405);
  });

  it("makes latency as asked", async () => {
    const late = await startLoopback({ latencyMs: { min: 20, max: 25 }, seed: 7 });
    const client = make(late.url);
    await client.pair(late, SALES);
    const started = performance.now();
    await client.live.query(
      { tag: "iq", attrs: { to: "@s.whatsapp.net", type: "get", xmlns: "w:p" }, content: [{ tag: "ping", attrs: {} }] },
      1000,
    );
    expect(performance.now() - started).toBeGreaterThan(38);
    client.stop();
    await late.close();
  });
});
