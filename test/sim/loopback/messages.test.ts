import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Loopback, startLoopback } from "../../../sim/loopback/index.ts";
import { Client, until } from "./client.ts";

const SALES = "15550001001";
const ANA = "15550009001";

describe("messages through the loopback server", () => {
  let loopback: Loopback;
  const first = { client: undefined as Client | undefined };

  beforeAll(async () => {
    loopback = await startLoopback();
  });
  afterAll(async () => {
    first.client?.stop();
    await loopback.close();
  });

  it("links Baileys by QR and brings it to receivedPendingNotifications", async () => {
    first.client = new Client(loopback.url);
    expect(await first.client.pair(loopback, SALES)).toBe(1);
    expect(loopback.connections()).toMatchObject([{ account: SALES, device: 1, serving: true }]);
  });

  it("carries messages both ways, with receipts", async () => {
    const { client } = first;
    if (!client) throw new Error("no client");
    const ana = loopback.person(ANA);
    const id = await client.sendText(ANA, "hello Ana");
    await client.acked(id);
    const received = await until(() => ana.received[0]);
    expect(received).toMatchObject({ id, text: "hello Ana", fromNumber: SALES, fromDevice: 1, chat: SALES, retryCount: 0 });

    const answer = ana.send(SALES, "hello shop");
    await until(() => client.textOf(answer) === "hello shop");
    await until(() => ana.receipts.some((receipt) => receipt.id === answer));
  });
});
