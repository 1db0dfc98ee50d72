import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { el } from "../../../sim/loopback/node.ts";
import { bundleOf, upload } from "../../../sim/loopback/prekeys.ts";
import { Device } from "../../../sim/loopback/directory.ts";
import { type Loopback, startLoopback } from "../../../sim/loopback/index.ts";
import { Service } from "../../../sim/loopback/service.ts";
import { Client, until } from "./client.ts";

const SALES = "15550001001";
const ANA = "15550009001";

describe("pre-keys", () => {
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

  const left = async (): Promise<number | undefined> => {
    const state = (await (await fetch(`${loopback.adminUrl}/state`)).json()) as {
      accounts: Array<{ number: string; devices: Array<{ preKeys: number }> }>;
    };
    return state.accounts.find(({ number }) => number === SALES)?.devices[0]?.preKeys;
  };

  it("are uploaded at the first login, and each new session takes one that nobody else gets", async () => {
    const before = await left();
    expect(before).toBeGreaterThan(800);
    const ana = loopback.person(ANA);
    const first = ana.send(SALES, "hello");
    await until(() => client.textOf(first) === "hello");
    const second = ana.send(SALES, "again, in the same session");
    await until(() => client.textOf(second));
    expect(await left()).toBe(Number(before) - 1);
  });

  it("that run low are asked for, once for each one taken", () => {
    const service = new Service({ seed: 1, latency: undefined, dedupe: "client", log: () => undefined });
    const key = (id: number) => ({ id: Buffer.from([0, 0, id]), value: Buffer.alloc(32, id) });
    const device = new Device(service.directory.create(SALES), 1, {
      noiseKey: Buffer.alloc(32),
      identity: Buffer.alloc(32),
      registration: Buffer.alloc(4),
      signedPreKey: { ...key(1), signature: Buffer.alloc(64) },
      preKeys: [1, 2, 3, 4, 5, 6].map(key),
    });
    const asked = (): unknown[] => device.mailbox.since().nodes.map(({ attrs, content }) => [attrs["type"], content]);
    expect(bundleOf(service, device).preKey?.id.at(-1)).toBe(1);
    expect(asked()).toEqual([]);
    expect(bundleOf(service, device).preKey?.id.at(-1)).toBe(2);
    expect(asked()).toEqual([["encrypt", [el("count", { value: "4" })]]]);
    const uploaded = [6, 7].map((id) => el("key", {}, [el("id", {}, key(id).id), el("value", {}, key(id).value)]));
    upload(device, el("iq", {}, [el("list", {}, uploaded)]));
    // Number 6 was there already.
    expect(device.credentials.preKeys.map(({ id }) => id.at(-1))).toEqual([3, 4, 5, 6, 7]);
  });
});
