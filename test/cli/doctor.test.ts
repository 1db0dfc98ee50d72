import { chmodSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { clockFinding, reachFindings } from "../../src/cli/doctor/reach-checks.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { type ControlHandlers, type StatusAnswer } from "../../src/runtime/control-protocol.ts";
import { serveControl } from "../../src/runtime/control-server.ts";
import type { Finding } from "../../src/cli/doctor/finding.ts";
import { inside } from "./inside.ts";
import { makeFleet } from "./process.ts";

/** A port of this machine that accepts connections, in place of WhatsApp. */
const listening = async (): Promise<string> => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return `ws://127.0.0.1:${typeof address === "object" ? address?.port : 0}/ws/chat`;
};
const examined = async (file: string, env: Record<string, string> = {}, endpoint?: string) => {
  const at = endpoint ?? (await listening());
  const { code, stdout } = await inside(["doctor", file, "--json"], { GREENROOM__WHATSAPP__ENDPOINT: at, ...env });
  const { findings = [] } = JSON.parse(stdout) as { findings?: Finding[] };
  return { code, about: (name: string) => findings.find(({ about }) => about === name), all: findings };
};

describe("doctor", () => {
  it("has nothing to say against a fleet that was never started", async () => {
    const { file } = makeFleet();
    const { code, all } = await examined(file);
    expect(code).toBe(0);
    expect(all.filter(({ state }) => state !== "good")).toEqual([]);
    expect(all.map(({ about }) => about)).toEqual(["versions", "fleet file", "key", "disk", "store", "WhatsApp", "supervisor"]);
  });

  it("says it in lines, too", async () => {
    const { file } = makeFleet();
    const { stdout } = await inside(["doctor", file], { GREENROOM__WHATSAPP__ENDPOINT: await listening() });
    expect(stdout).toMatch(/^ok {4}versions {4}greenroom \d+\.\d+\.\d+, Node 24/);
    expect(stdout).toMatch(/^ok {4}supervisor {2}not running$/m);
  });

  it("looks at nothing else if the file is not right", async () => {
    const { file } = makeFleet("fleet: acme\n");
    expect(await inside(["doctor", file], {})).toMatchObject({ code: 2, stderr: expect.stringMatching(/^E_CONFIG/) });
  });

  it("finds a key that others may read, and a store without its key", async () => {
    const { folder, file } = makeFleet();
    const key = join(folder, "acme.key");
    writeFileSync(key, "0".repeat(64));
    chmodSync(key, 0o644);
    const exposed = await examined(file);
    expect(exposed).toMatchObject({ code: 1 });
    expect(exposed.about("key")).toMatchObject({ state: "bad", text: expect.stringMatching(/chmod 600/) });

    const { folder: other, file: second } = makeFleet();
    writeFileSync(join(other, "acme.db"), "x".repeat(5000), { mode: 0o600 });
    const missing = await examined(second);
    expect(missing.about("key")).toMatchObject({ state: "bad", text: expect.stringMatching(/put the key back/) });
    expect(missing.about("store")).toMatchObject({ state: "bad" });
    expect((await examined(second, { GREENROOM_KEY: "1".repeat(64) })).about("key")).toMatchObject({ state: "good" });
  });

  it("finds a key that is none, and one of another store", async () => {
    const { folder, file } = makeFleet();
    const key = join(folder, "acme.key");
    writeFileSync(key, "half a key", { mode: 0o600 });
    expect((await examined(file)).about("key")).toMatchObject({ state: "bad", text: expect.stringMatching(/holds no key/) });
    expect((await examined(file, { GREENROOM_KEY: "short" })).about("key")).toMatchObject({ state: "bad" });
    writeFileSync(key, "1".repeat(64));
    openSqliteStore({ file: join(folder, "acme.db"), key: new Uint8Array(32).fill(0x11), clock: systemClock }).close();
    expect((await examined(file)).about("store")).toMatchObject({ state: "good" });
    writeFileSync(key, "2".repeat(64));
    expect(await examined(file).then(({ about }) => about("store"))).toMatchObject({
      state: "bad",
      text: expect.stringMatching(/sealed with another key than the one from .*acme\.key/),
    });
  });

  it("reads a store without taking or changing it", async () => {
    const { folder, file } = makeFleet();
    const path = join(folder, "acme.db");
    const open = () => openSqliteStore({ file: path, key: new Uint8Array(32).fill(1), clock: systemClock });
    open().close();
    expect((await examined(file)).about("store")).toMatchObject({
      state: "good",
      text: expect.stringMatching(/pages are whole/),
    });
    open().close();
  });

  it("finds a line that nobody stands by for", async () => {
    const { file } = makeFleet(
      "fleet: acme\nstore: { file: ./acme.db }\naccounts:\n  a: { role: master, devices: [x] }\nlines:\n  sales: { masters: [a] }\n",
    );
    const { code, about } = await examined(file);
    expect(code).toBe(0);
    expect(about("stand-ins")).toMatchObject({ state: "doubtful", text: expect.stringMatching(/line sales has one device/) });
  });

  it("finds that WhatsApp is out of reach", async () => {
    const { file } = makeFleet();
    const { code, about } = await examined(file, {}, "ws://127.0.0.1:1/ws/chat");
    expect(code).toBe(1);
    expect(about("WhatsApp")).toMatchObject({ state: "bad", text: expect.stringMatching(/ECONNREFUSED/) });
  });

  it("asks a running supervisor how it does", async () => {
    const { folder, file } = makeFleet();
    const status = {
      pid: 7,
      mode: "automatic",
      seats: [{ id: "sales/sales-1", phase: "stranded" }],
      devices: [{ id: "sales-1/a", link: "unlinked" }],
      alerts: [{ level: "critical", text: "nobody speaks" }],
    } as unknown as StatusAnswer;
    const handlers = { status: () => status } as unknown as ControlHandlers;
    const server = await serveControl({ path: join(folder, "acme.db.sock"), handlers });
    const { code, all } = await examined(file);
    await server.close(0);
    expect(code).toBe(1);
    expect(all.slice(-4).map(({ about, state }) => `${about} ${state}`)).toEqual([
      "supervisor good",
      "seats bad",
      "devices doubtful",
      "alert bad",
    ]);
  });

  it("says so where there is nobody to compare the clock with", async () => {
    const findings = await reachFindings({ whatsapp: null }, new URL("https://127.0.0.1:1"));
    expect(findings.map(({ about, state }) => `${about} ${state}`)).toEqual(["WhatsApp bad", "clock doubtful"]);
  });

  it("judges a clock by how far it is off", () => {
    expect([5_000, -29_000, 31_000, -299_000, 301_000].map((ahead) => clockFinding(ahead).state)).toEqual([
      "good",
      "good",
      "doubtful",
      "doubtful",
      "bad",
    ]);
  });
});
