import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Loopback, startLoopback } from "../../../sim/loopback/index.ts";
import { Client, pause, until } from "./client.ts";

const SALES = "15550001001";
const ANA = "15550009001";
const target = { account: SALES };

/** One round trip of a stanza; undefined when it does not come back in time. */
async function ping(client: Client, withinMs = 300): Promise<number | undefined> {
  const started = performance.now();
  const iq = {
    tag: "iq",
    attrs: { to: "@s.whatsapp.net", type: "get", xmlns: "w:p", id: client.live.generateMessageTag() },
    content: [{ tag: "ping", attrs: {} }],
  };
  try {
    await client.live.query(iq, withinMs);
    return performance.now() - started;
  } catch {
    return undefined;
  }
}

describe("faults of the path", () => {
  let loopback: Loopback;
  let client: Client;
  let bystander: Client;

  beforeAll(async () => {
    loopback = await startLoopback();
    client = new Client(`${loopback.url}?client=sales`, { connectTimeoutMs: 8000 });
    bystander = new Client(`${loopback.url}?client=other`, { connectTimeoutMs: 8000 });
    await client.pair(loopback, SALES);
    await bystander.pair(loopback, "15550001002");
  });
  afterAll(async () => {
    client.stop();
    bystander.stop();
    await loopback.close();
  });

  it("half-open link: nothing comes back, but a new dial works", async () => {
    const fault = loopback.faults.halfOpenLink(target);
    expect(fault.at).toBeGreaterThan(Date.now() - 50);
    expect(await ping(client)).toBeUndefined();
    expect(loopback.connections().find(({ account }) => account === SALES)?.serving).toBe(false);
    await client.restart();
    expect(await ping(client)).toBeDefined();
    fault.heal();
    expect(await ping(client)).toBeDefined();
    expect(await ping(bystander)).toBeDefined();
  });

  it("silent path: new connections are silent too, until it is healed; others are not touched", async () => {
    const fault = loopback.faults.silentPath(target);
    expect(await ping(client)).toBeUndefined();
    client.stop();
    client.start();
    expect(await ping(bystander)).toBeDefined();
    await pause(200);
    expect(client.states.filter(({ connection }) => connection !== undefined)).toMatchObject([{ connection: "connecting" }]);
    await bystander.restart();
    fault.heal();
    await client.restart();
  });

  it("silent path: a client that waited gets its answer late; what one that left had written is lost, unless it is kept", async () => {
    const ana = loopback.person(ANA);
    await client.acked(await client.sendText(ANA, "warm up"));
    loopback.faults.silentPath(target, { forMs: 300 });
    const waited = await client.sendText(ANA, "still here");
    await client.acked(waited);

    const lossy = loopback.faults.silentPath(target);
    await client.sendText(ANA, "gone", "LOST1");
    await pause(20);
    client.stop();
    lossy.heal();
    client.start();
    await client.ready();
    // A new socket looks devices up before its first send, and nobody answers that on a silent path.
    await client.acked(await client.sendText(ANA, "warm again"));

    const keeping = loopback.faults.silentPath(target, { keeps: true });
    await client.sendText(ANA, "late", "LATE1");
    await pause(20);
    client.stop();
    keeping.heal();
    await until(() => ana.received.some(({ id }) => id === "LATE1"));
    expect(ana.received.some(({ id }) => id === "LOST1")).toBe(false);
    client.start();
    await client.ready();
  });

  it("HTTP 503 on upgrade: Baileys says nothing; once healed a new dial works", async () => {
    const fault = loopback.faults.upgrade503(target);
    expect(await client.closed()).toBe(428);
    const statuses: number[] = [];
    const sock = client.start();
    (sock.ws as unknown as { on(name: string, listener: (request: unknown, response: { statusCode: number }) => void): void }).on(
      "unexpected-response",
      (_request, response) => statuses.push(response.statusCode),
    );
    await until(() => statuses.length > 0);
    expect(statuses).toEqual([503]);
    await bystander.restart();
    fault.heal();
    client.sock = undefined;
    client.start();
    await client.ready();
  });

  it("a client that resets while its upgrade is refused takes nobody along", async () => {
    const fault = loopback.faults.upgrade503(target);
    const { port, hostname } = new URL(loopback.url);
    const socket = connect(Number(port), hostname);
    const asks = "GET /?client=sales HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    socket.write(asks);
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 503 /);
    // Nobody listens to its error at the server: that would end the process, and with it this run.
    socket.resetAndDestroy();
    expect(await ping(bystander, 5000)).toBeDefined();
    fault.heal();
    await client.restart();
  });

  it("refused dial: 408; the present link stays up unless it is cut", async () => {
    const fault = loopback.faults.refuse(target);
    expect(await ping(client)).toBeDefined();
    client.stop();
    client.start();
    expect(await client.closed()).toBe(408);
    fault.heal();
    await client.restart();
  });

  it("a dial without a hint is hit by a fault of anybody's path", async () => {
    const fault = loopback.faults.refuse(target);
    const stranger = new Client(loopback.url, { connectTimeoutMs: 8000 });
    stranger.start();
    expect(await stranger.closed()).toBe(408);
    fault.heal();
  });

  it("slow and lossy links are late, and nothing is lost", async () => {
    const slow = loopback.faults.slow(target, { minMs: 60, maxMs: 70 });
    expect(await ping(client)).toBeGreaterThan(110);
    slow.heal();
    const lossy = loopback.faults.lossy(target, 0.3);
    const trips = await Promise.all(Array.from({ length: 12 }, async () => ping(client, 10_000)));
    expect(trips.every((trip) => trip !== undefined)).toBe(true);
    expect(Math.max(...trips.map(Number))).toBeGreaterThan(190);
    lossy.heal();
    expect(await ping(client)).toBeLessThan(100);
  });

  it("one-way: what the device says arrives although it hears nothing, and the reverse", async () => {
    const ana = loopback.person(ANA);
    await client.acked(await client.sendText(ANA, "warm"));
    const deaf = loopback.faults.oneWay(target, "in");
    await client.sendText(ANA, "can you hear me", "DEAF1");
    await until(() => ana.received.some(({ id }) => id === "DEAF1"));
    expect(client.acks.some(({ attrs }) => attrs.id === "DEAF1")).toBe(false);
    deaf.heal();
    await client.acked("DEAF1");

    const mute = loopback.faults.oneWay(target, "out");
    const heard = ana.send(SALES, "loud and clear");
    await until(() => client.textOf(heard));
    expect(await ping(client, 200)).toBeUndefined();
    mute.heal();
    expect(await ping(client)).toBeDefined();
  });

  it("outage: refusing, silent or dead, for some accounts or all", async () => {
    const region = loopback.faults.outage({ manner: "refusing", accounts: [SALES] });
    expect(await client.closed()).toBe(503);
    expect(await ping(bystander)).toBeDefined();
    region.heal();
    await client.restart();

    const dead = loopback.faults.outage({ manner: "dead" });
    expect(await Promise.all([client.closed(), bystander.closed()])).toEqual([428, 428]);
    client.start();
    expect(await client.closed()).toBe(408);
    dead.heal();

    await Promise.all([client.restart(), bystander.restart()]);
    const silent = loopback.faults.outage({ forMs: 200 });
    expect(await Promise.all([ping(client, 100), ping(bystander, 100)])).toEqual([undefined, undefined]);
    await until(() => !loopback.faults.active().some(({ id }) => id === silent.id));
    expect(await ping(client)).toBeDefined();
  });
});
