/** Starts that must not happen: each is told with what to do about it, and leaves everything as it was. */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { describe, expect, it, onTestFinished } from "vitest";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { inside } from "./inside.ts";
import { FLEET, greenroom, makeFleet } from "./process.ts";

/** Nobody listens there; none of these starts gets so far as to dial. */
const NOWHERE = ["--endpoint", "ws://127.0.0.1:9/ws"];

describe("up does not start", () => {
  it("with a wrong fleet file: place, expectation, and nothing was made", async () => {
    const { folder } = makeFleet(FLEET.replace("master, devices: [a]", "masterr, devices: [a]"));
    const { code, stdout, stderr } = await inside(["up", "fleet.yaml"], {}, folder);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe(
      'E_CONFIG fleet.yaml:5:20 accounts.sales-2.role: expected master or servant, found "masterr". Did you mean "master"?\nfleet.yaml: 1 error. Nothing was started\n',
    );
    expect(readdirSync(folder)).toEqual(["fleet.yaml"]);
  });

  it("with timers that can't meet the targets: the relation is named", async () => {
    const { folder } = makeFleet(`${FLEET}timers: { moveToNumber: 9s }\n`);
    const { code, stderr } = await inside(["up"], {}, folder);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /fleet\.yaml:8:25 timers\.moveToNumber: speak-in-time: the targets can't be met unless moveToNumber \+/,
    );
  });

  it("against a server that is not on this machine", async () => {
    const { folder } = makeFleet();
    const { code, stderr } = await inside(["up", "--endpoint", "wss://example.org/ws"], {}, folder);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^E_CONFIG --endpoint whatsapp\.endpoint: expected a ws:\/\/ or wss:\/\/ address of this machine/);
  });

  it("with a store that another process has open: who, and how to go on", async () => {
    const { folder } = makeFleet();
    const file = join(folder, "acme.db");
    const key = randomBytes(32);
    const store = openSqliteStore({ file, key, clock: systemClock });
    onTestFinished(() => store.close());
    const env = { GREENROOM_KEY: key.toString("hex") };
    const { code, stdout, stderr } = await greenroom(["up", ...NOWHERE, "--json"], { cwd: folder, env });
    expect(code).toBe(3);
    expect(stderr).toContain(`E_STORE_LOCKED ${file} is held by process ${process.pid}`);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "E_STORE_LOCKED" } });
    expect(existsSync(`${file}.sock`)).toBe(false);
  });

  it("with a store that was sealed with another key: nothing is overwritten", async () => {
    const { folder } = makeFleet();
    const file = join(folder, "acme.db");
    openSqliteStore({ file, key: randomBytes(32), clock: systemClock }).close();
    const before = readFileSync(file);
    const missing = await inside(["up", ...NOWHERE], {}, folder);
    expect(missing).toMatchObject({ code: 2, stdout: "" });
    expect(missing.stderr).toMatch(
      /^E_KEY_MISSING the store .*acme\.db exists, but its key .*acme\.key does not\. Put the key back/,
    );
    expect(existsSync(join(folder, "acme.key"))).toBe(false);
    writeFileSync(join(folder, "acme.key"), randomBytes(32).toString("hex"), { mode: 0o600 });
    const wrong = await inside(["up", ...NOWHERE], {}, folder);
    expect(wrong).toMatchObject({ code: 2, stdout: "" });
    expect(wrong.stderr).toMatch(
      /^E_KEY_WRONG .*acme\.db was sealed with another key than the one from .*acme\.key: give the right one/,
    );
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it("with a key that is none, or that others may read", async () => {
    const { folder } = makeFleet();
    const malformed = await inside(["up", ...NOWHERE], { GREENROOM_KEY: "secret" }, folder);
    expect(malformed).toMatchObject({ code: 2, stderr: expect.stringMatching(/^E_KEY_MALFORMED GREENROOM_KEY holds no key/) });
    const file = join(folder, "acme.key");
    writeFileSync(file, randomBytes(32).toString("hex"));
    chmodSync(file, 0o644);
    const exposed = await inside(["up", ...NOWHERE], {}, folder);
    expect(exposed).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^E_KEY_EXPOSED the key file .*acme\.key has mode 0644/),
    });
    expect(existsSync(join(folder, "acme.db"))).toBe(false);
  });

  it("with a key from the fleet file that is none: its place is named, not its value", async () => {
    const { folder } = makeFleet(FLEET.replace("./acme.db", "./acme.db, key: '${env:ACME_KEY}'"));
    const { code, stderr } = await inside(["up", ...NOWHERE], { ACME_KEY: "hunter2" }, folder);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^E_KEY_MALFORMED \$\{env:ACME_KEY\} holds no key/);
    expect(stderr).not.toContain("hunter2");
  });

  it("with a control socket that is something else: that is left alone", async () => {
    const { folder } = makeFleet();
    writeFileSync(join(folder, "precious"), "precious");
    const { code, stderr } = await inside(["up", ...NOWHERE, "--socket", join(folder, "precious")], {}, folder);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^E_SOCKET .*precious is there already, and no socket/);
    expect(readFileSync(join(folder, "precious"), "utf8")).toBe("precious");
  });

  it("where the store's folder can't be", async () => {
    const { folder } = makeFleet(FLEET.replace("./acme.db", "./fleet.yaml/acme.db"));
    const { code, stderr } = await inside(["up", ...NOWHERE], {}, folder);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^E_KEY_UNWRITABLE the key file .*fleet\.yaml\/acme\.key can't be/);
  });

  it("on a full disk: the file is named, and what to do", async ({ skip }) => {
    const { folder, file } = makeFleet();
    const disk = join(folder, "disk");
    spawnSync("mkdir", [disk]);
    const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]);
    skip(status !== 0, "nothing may be mounted here");
    onTestFinished(() => void spawnSync("umount", [disk]));
    writeFileSync(file, FLEET.replace("./acme.db", "./disk/acme.db"));
    const env = { GREENROOM_KEY: randomBytes(32).toString("hex") };
    const { code, stderr } = await inside(["up", ...NOWHERE], env, folder);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^E_STORE_FULL .*disk\/acme\.db: no space left on its disk: free some, then start again/);
  });
});
