/** What Baileys downloads while it handles a message. See docs/baileys.md. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { downloadContentFromMessage } from "@whiskeysockets/baileys";
import { wholeDownloads } from "../../../src/adapters/baileys/whole-downloads.ts";
import { until } from "../../sim/loopback/client.ts";
import { device, Rig } from "./rig.ts";

const MASTER = "4915550000001";
const MANY = 100_000;
const answers: Record<string, (response: ServerResponse) => void> = {
  "/whole": (response) => {
    response.write("one, ");
    setImmediate(() => response.end("two"));
  },
  "/cut": (response) => {
    response.writeHead(200, { "content-length": 2 * MANY });
    response.write(Buffer.alloc(MANY), () => response.destroy());
  },
  "/silent": () => undefined,
  "/endless": (response) => {
    const more = (): void => void (response.destroyed || response.write(Buffer.alloc(MANY), more));
    more();
  },
  "/gone": (response) => response.writeHead(410).end(),
};
/** Says what became of a download by bare Baileys, and whether anything was thrown where nobody could catch it. */
const BARE = `
  import { downloadContentFromMessage } from "@whiskeysockets/baileys";
  process.on("uncaughtException", () => console.log("uncaught"));
  const stream = await downloadContentFromMessage({ mediaKey: Buffer.alloc(32), url: process.argv[1] }, "md-msg-hist", {});
  const all = async () => { for await (const part of stream); };
  all().then(() => console.log("ended"), () => console.log("failed"));
  setTimeout(() => process.exit(), 1000);
`;

describe("a history or settings that Baileys downloads", () => {
  const server = createServer((request, response) => answers[request.url ?? ""]?.(response));
  let origin: string;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const download = async (path: string, bounds = { within: 20_000, bytes: 10 * MANY }): Promise<Buffer> => {
    const options = { dispatcher: wholeDownloads(bounds) } as unknown as RequestInit;
    const named = { mediaKey: randomBytes(32), url: `${origin}${path}` };
    const parts: Buffer[] = [];
    for await (const part of await downloadContentFromMessage(named, "md-msg-hist", { options })) parts.push(part as Buffer);
    return Buffer.concat(parts);
  };

  it("comes as it was sent", async () => {
    const init = { dispatcher: wholeDownloads() } as unknown as RequestInit;
    expect(await (await fetch(`${origin}/whole`, init)).text()).toBe("one, two");
  });

  it("that breaks off is an error of its own", async () => {
    await expect(download("/cut")).rejects.toThrow("fetch failed");
  });

  it("that breaks off ends the process with bare Baileys, or what waits for it waits for ever", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", BARE, `${origin}/cut`]);
    expect(stdout).toBe("uncaught\n");
  });

  it.each([
    ["does not come", "/silent", { within: 50, bytes: MANY }, "it took longer than 0.05 s"],
    ["never ends", "/endless", { within: 20_000, bytes: 3 * MANY }, "it is larger than 300,000 bytes"],
  ])("that %s is given up", async (_, path, bounds, why) => {
    await expect(download(path, bounds)).rejects.toMatchObject({ cause: { message: why } });
  });

  it("is fetched in this way on every link, and one that fails holds up no message", async () => {
    const fetched = vi.fn<typeof fetch>(() => Promise.reject(new Error("no network")));
    vi.stubGlobal("fetch", fetched);
    onTestFinished(() => void vi.unstubAllGlobals());
    const rig = await Rig.start();
    onTestFinished(() => rig.close());
    rig.loopback.account(MASTER, { historyPath: "/v/t62.36147-24/history" });
    await rig.link(device("sales-1/a"), MASTER);
    await rig.serve(device("sales-1/a"));
    await until(() => fetched.mock.calls.length === 2, 20_000);
    for (const [url, init] of fetched.mock.calls) {
      expect(url).toBe("https://mmg.whatsapp.net/v/t62.36147-24/history");
      expect(init).toMatchObject({ dispatcher: { dispatch: expect.any(Function) as unknown } });
    }
    const customer = rig.loopback.person("4915550000901");
    const id = customer.send(MASTER, "hello");
    await until(() => customer.receipts.some((receipt) => receipt.id === id), 20_000);
  });

  it("that is gone is told as gone", async () => {
    await expect(download("/gone")).rejects.toMatchObject({ output: { statusCode: 410 } });
  });
});
