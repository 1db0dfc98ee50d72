/** Links that go silent, dials that nobody answers: what Baileys makes of them, and what the adapter does. See docs/baileys.md. */
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { WebSocketServer } from "ws";
import { until } from "../../sim/loopback/client.ts";
import { Rig, sleep } from "./rig.ts";
import { a, isClosed, onMaster, onRaw, socketOf, turns, World } from "./world.ts";

describe("links and dials", () => {
  let world: World;
  beforeAll(async () => {
    world = await World.make();
  }, 120_000);
  afterEach(() => world.recover());
  afterAll(() => world.close());

  it("a half-open link: a probe tells at its own deadline, and terminate ends it at once; Baileys notices nothing and then waits", async () => {
    const { rig, raw, loopback } = world;
    loopback.faults.halfOpenLink(onMaster);
    loopback.faults.halfOpenLink(onRaw);
    expect(await world.probe(300)).toBeNull();
    const since = rig.mark;
    rig.port.perform({ op: "terminate", device: a });
    await turns();
    expect(rig.facts.slice(since)).toMatchObject([{ kind: "closed", device: a, reason: "dropped", code: null }]);
    // Baileys' keep-alive, at an interval of 1 s, has said nothing by now; told that the link is dead, it waits for a goodbye.
    expect(isClosed(raw)).toBe(false);
    void raw.live.end(new Error("the link is dead"));
    await sleep(300);
    expect(isClosed(raw)).toBe(false);
    raw.stop();
  });

  it("terminate says no goodbye, which on a dead link would have to be waited for", async () => {
    const server = await muteServer();
    const code = new Promise<number>((resolve) => {
      server.once("connection", (socket) => socket.once("close", resolve));
    });
    const greeted = new Promise((resolve) => {
      server.once("connection", (socket) => socket.once("message", resolve));
    });
    const rig = await dialTo(urlOf(server), 60_000);
    await greeted;
    rig.port.perform({ op: "terminate", device: a });
    await rig.fact("closed");
    const WITHOUT_A_GOODBYE = 1006;
    expect(await code).toBe(WITHOUT_A_GOODBYE);
  });

  it("any stanza is evidence, and a probe on a good link tells its round trip", async () => {
    const { rig } = world;
    await sleep(100);
    const since = rig.mark;
    expect(await world.probe(10_000)).not.toBeNull();
    await rig.fact("evidence", (fact) => fact.device === a, { since });
  });

  it("an upgrade answered with 503 is told at once; Baileys never says a word", async () => {
    const { rig, raw, loopback } = world;
    rig.port.perform({ op: "terminate", device: a });
    raw.stop();
    loopback.faults.upgrade503("all");
    const since = rig.mark;
    const dial = rig.open(a);
    const closed = await rig.fact("closed", (fact) => fact.dial === dial && fact.device === a, { since });
    expect(closed).toMatchObject({ reason: "refused", code: 503 });
    raw.start();
    await new Promise<void>((resolve) => socketOf(raw).on("unexpected-response", resolve));
    await sleep(100);
    expect(raw.states.map(({ connection }) => connection)).toEqual(["connecting"]);
    // Its websocket is in a state that even terminate() does not end.
    raw.sock = undefined;
  });

  it("an upgrade answered with 503 on a connection that stays open is told as well", async () => {
    const server = createHttpServer();
    server.on("upgrade", (_request, socket) => {
      socket.on("error", () => undefined);
      socket.write("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 9\r\n\r\n");
    });
    const rig = await dialTo(urlOf(await listening(server)), 60_000);
    expect(await rig.fact("closed")).toMatchObject({ reason: "refused", code: 503 });
  });

  it.each([
    ["TCP that nobody reads", () => listening(createServer((socket) => void socket.on("error", () => undefined)))],
    ["a websocket that says nothing", muteServer],
  ])("a dial has a deadline of its own: %s", async (_what, listen) => {
    const rig = await dialTo(urlOf(await listen()), 150);
    expect(await rig.fact("closed")).toMatchObject({ reason: "timedOut", code: 408 });
  });

  it("a dial that nobody listens to is refused", async () => {
    const rig = await dialTo("ws://127.0.0.1:1", 60_000);
    expect(await rig.fact("closed")).toMatchObject({ reason: "refused", code: null });
  });

  it("a send before the login is unsent and harms nothing; with Baileys it ends the connection", async () => {
    const { rig, raw } = world;
    rig.port.perform({ op: "terminate", device: a });
    const command = await rig.accept(a, world.contact, "too early");
    const dial = rig.open(a);
    const since = rig.mark;
    rig.port.perform(command);
    expect(await rig.answer(command, since)).toMatchObject({ kind: "unsent", why: "closed" });
    await rig.fact("serving", (fact) => fact.dial === dial && fact.device === a);

    raw.stop();
    raw.start();
    socketOf(raw).once("open", () => {
      raw.live.sendNode({ tag: "presence", attrs: { type: "available" } }).catch(() => undefined);
    });
    expect(await raw.closed()).toBe(428);
  });

  it("serving means that what was missed has been replayed; Baileys is open before that, with none of its questions answered", async () => {
    const { rig, raw, loopback } = world;
    rig.port.perform({ op: "terminate", device: a });
    raw.stop();
    for (const target of [onMaster, onRaw]) {
      loopback.faults.unanswered(target);
      loopback.faults.offlineReplay(target, { missing: true });
    }
    const dial = rig.open(a);
    const mine = (fact: { device: string; dial: number }): boolean => fact.device === a && fact.dial === dial;
    raw.start();
    await rig.fact("opened", mine);
    await raw.state(({ connection }) => (connection === "open" ? true : undefined), 20_000);
    expect(rig.facts.some((fact) => fact.kind === "serving" && mine(fact))).toBe(false);
    expect(raw.states.some(({ receivedPendingNotifications }) => receivedPendingNotifications)).toBe(false);
    loopback.faults.healAll();
    await rig.serve(a);
  });

  it("two logins of one device: the older link is replaced, told by the stanza", async () => {
    const { rig, loopback } = world;
    const other = await Rig.start({ loopback });
    onTestFinished(() => other.close());
    const creds = await rig.ask("creds.load", { device: a });
    const term = other.terms.get(a);
    if (creds.kind !== "creds" || creds.value === null || term === undefined) throw new Error("nothing to log in with");
    await other.ask("keys.commit", { device: a, leaseTerm: term, keys: [], creds: creds.value, inbound: [], attempt: null });
    const since = rig.mark;
    other.open(a);
    expect(await rig.fact("closed", (fact) => fact.device === a, { since })).toMatchObject({ reason: "replaced", code: 440 });
    await other.fact("serving");
    await until(
      () => loopback.connections().filter(({ account, device }) => account === onMaster.account && device === 1).length === 1,
    );
  });
});

/** Dials to be linked, which needs no credentials. */
async function dialTo(url: string, connectTimeout: number): Promise<Rig> {
  const rig = await Rig.start({ url });
  onTestFinished(() => rig.close());
  const leaseTerm = rig.terms.get(a);
  if (leaseTerm === undefined) throw new Error("no lease");
  rig.port.perform({ op: "link", device: a, dial: rig.nextDial(a), leaseTerm, method: { kind: "qr" }, connectTimeout });
  return rig;
}

const urlOf = (server: { address(): AddressInfo | string | null }): string =>
  `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function listening(server: Server): Promise<Server> {
  const sockets = new Set<{ destroy(): void }>();
  server.on("connection", (socket) => sockets.add(socket));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** Upgrades, and never speaks. */
async function muteServer(): Promise<WebSocketServer> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  await new Promise((resolve) => server.once("listening", resolve));
  return server;
}
