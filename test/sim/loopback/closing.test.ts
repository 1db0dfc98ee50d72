import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Loopback, startLoopback } from "../../../sim/loopback/index.ts";
import { Client } from "./client.ts";

const SALES = "15550001001";

describe("what Baileys reports when the loopback server ends a connection", () => {
  let loopback: Loopback;
  let client: Client;

  beforeAll(async () => {
    loopback = await startLoopback();
    client = new Client(loopback.url);
    await client.pair(loopback, SALES);
  });
  afterAll(async () => {
    client.stop();
    await loopback.close();
  });

  it.each([408, 428, 440, 500, 501, 503, 515])("%i, and the next login works", async (code) => {
    loopback.faults.close({ account: SALES }, code);
    expect(await client.closed()).toBe(code);
    await client.restart();
  });

  it("428 for <xmlstreamend/> and for a TCP reset", async () => {
    loopback.faults.close({ account: SALES }, 428, { how: "xmlstreamend" });
    expect(await client.closed()).toBe(428);
    await client.restart();
    loopback.faults.close({ account: SALES }, 428, { how: "reset" });
    expect(await client.closed()).toBe(428);
    await client.restart();
  });

  it.each([402, 403, 405, 406, 409, 411])("%i, again at the next login, until it is healed", async (code) => {
    const fault = loopback.faults.close({ account: SALES }, code);
    expect(await client.closed()).toBe(code);
    client.start();
    expect(await client.closed()).toBe(code);
    fault.heal();
    await client.restart();
  });

  it("402 with the time at which the ban ends", async () => {
    const fault = loopback.faults.ban(SALES, { code: 402, expireS: 600 });
    const error = await client.state(({ lastDisconnect }) => lastDisconnect?.error);
    expect((error as { data?: unknown }).data).toMatchObject({ reason: "402", expire: "600" });
    fault.heal();
    await client.restart();
  });

  it("503 at every login for as long as it is told to last", async () => {
    const fault = loopback.faults.close({ account: SALES }, 503, { forMs: 600_000 });
    expect(await client.closed()).toBe(503);
    client.start();
    expect(await client.closed()).toBe(503);
    fault.heal();
    await client.restart();
  });

  it("440 for the older of two connections with the same credentials", async () => {
    const first = client.sock;
    const ended = new Promise<number | undefined>((resolve) => {
      first?.ev.on("connection.update", ({ lastDisconnect }) => {
        const error = lastDisconnect?.error as { output?: { statusCode: number } } | undefined;
        if (error) resolve(error.output?.statusCode);
      });
    });
    client.start();
    expect(await ended).toBe(440);
    await client.ready();
    expect(loopback.connections().filter(({ account }) => account === SALES)).toHaveLength(1);
  });

  it("401 when it is unlinked, and at every login since", async () => {
    loopback.faults.logout({ account: SALES, device: 1 });
    expect(await client.closed()).toBe(401);
    client.start();
    expect(await client.closed()).toBe(401);
    expect(loopback.account(SALES).devices()).toEqual([]);
  });
});
