/** The loopback server as a process of its own, for clients of any kind. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { Client, until } from "./client.ts";

const MAIN = new URL("../../../sim/loopback/main.ts", import.meta.url);

interface Addresses {
  readonly url: string;
  readonly tlsUrl: string;
  readonly adminUrl: string;
  readonly boundTo: string;
}

describe("the loopback server alone", () => {
  let child: ChildProcess | undefined;
  const clients: Client[] = [];
  afterEach(() => {
    for (const client of clients.splice(0)) client.stop();
    child?.kill("SIGKILL");
  });

  const run = (options: object): ChildProcess => {
    const code = `import { runLoopback } from ${JSON.stringify(MAIN.href)}; await runLoopback(${JSON.stringify(options)});`;
    child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "ignore"] });
    return child;
  };
  /** How a TCP connection to the server's port at another address of this machine fails. */
  const dialled = (host: string, url: string): Promise<string | undefined> =>
    new Promise((resolve) => {
      const socket = connect(Number(new URL(url).port), host, () => {
        socket.destroy();
        resolve(undefined);
      });
      socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    });
  const firstOutput = async (process: ChildProcess): Promise<string> => {
    const [chunk] = (await once(process.stdout as NonNullable<ChildProcess["stdout"]>, "data")) as [Buffer];
    return chunk.toString();
  };

  it("listens on 127.0.0.1 only, says so, links whoever shows a QR, over ws and wss, and ends with Ctrl-C", {
    timeout: 120_000,
  }, async () => {
    const server = run({ json: true, tlsPort: 0 });
    const { url, tlsUrl, adminUrl, boundTo } = JSON.parse(await firstOutput(server)) as Addresses;
    expect(boundTo).toBe("127.0.0.1");
    expect(await dialled("127.0.0.2", url)).toBe("ECONNREFUSED");
    const linked: unknown[] = [];
    for (const [each, number] of [
      [url, "15550001001"],
      [tlsUrl, "15550001002"],
    ] as const) {
      const client = new Client(each);
      clients.push(client);
      client.start();
      const answer = await fetch(`${adminUrl}/mock-phone/scan-qr?number=${number}`, { method: "POST", body: await client.qr() });
      linked.push(await answer.json());
      await client.closed();
      await client.restart();
    }
    expect(linked).toEqual([
      { number: "15550001001", device: 1 },
      { number: "15550001002", device: 1 },
    ]);
    const [one, other] = clients;
    const id = await one?.sendText("15550001002", "from account to account");
    await until(() => other?.textOf(id ?? "") === "from account to account");
    const closed = once(server, "exit");
    server.kill("SIGINT");
    expect(await closed).toEqual([0, null]);
  });

  it("tells a person how to point a client at it, and that it is bound to this machine", { timeout: 120_000 }, async () => {
    const server = run({});
    const said = await firstOutput(server);
    expect(said).toContain("bound to 127.0.0.1");
    expect(said).toMatch(/ws:\/\/127\.0\.0\.1:\d+/);
    expect(said).toContain("/admin/mock-phone/scan-qr");
    const rest = text(server.stdout as NonNullable<ChildProcess["stdout"]>);
    server.kill("SIGTERM");
    expect(await rest).toBe("");
  });
});
