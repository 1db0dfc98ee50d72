import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { restoreBackup, writeBackup } from "../../../src/adapters/sqlite/backup/backup.ts";
import { labelOf, openFile, sealFile } from "../../../src/adapters/sqlite/backup/vault.ts";
import { MIGRATIONS } from "../../../src/adapters/sqlite/migrations.ts";
import type { SqliteStore } from "../../../src/adapters/sqlite/store.ts";
import { type ControlHandlers } from "../../../src/runtime/control-protocol.ts";
import { serveControl } from "../../../src/runtime/control-server.ts";
import { inside } from "../../cli/inside.ts";
import { FLEET, makeFleet } from "../../cli/process.ts";
import { audit, declaration, device, draft, node } from "../../conformance/store-kit.ts";
import { asking, errorOf, KEY, makeFolder, open } from "./rig.ts";

const NEWEST = MIGRATIONS.at(-1)?.number ?? 0;
const LABEL = { fleet: "acme", at: 1_700_000_000_000, schema: 1 };
const SECRET = "a secret that no backup may hold";

const furnish = async (store: SqliteStore): Promise<void> => {
  const port = asking(store);
  await port.ask({ op: "fleet.declare", fleet: declaration });
  const key = { type: "session", id: "1", value: Buffer.from(SECRET.repeat(50)) };
  const of = device("sales-1/a");
  const { granted } = await port.expect("leases", { op: "lease.acquire", devices: [of], node: node("n1"), ttl: 1000 });
  for (const { term } of granted) await port.commit({ device: of, leaseTerm: term, keys: [key], creds: Buffer.from(SECRET) });
  await port.expect("accepted", { op: "outbox.accept", messages: [draft(1), draft(2)], limit: 10 });
  await port.expect("appended", { op: "audit.append", entries: [audit, audit] });
};

describe("an encrypted file", () => {
  it("gives back what was put in, to who has the key", () => {
    const size = fc.constantFrom(0, 1, 1000, 1024 * 1024 - 1, 1024 * 1024, 1024 * 1024 + 1, 2_500_000);
    fc.assert(
      fc.property(size, (bytes) => {
        const folder = makeFolder();
        const [plain, sealed, back] = ["plain", "sealed", "back"].map((name) => join(folder, name)) as [string, string, string];
        writeFileSync(plain, Buffer.alloc(bytes, "abc"));
        sealFile(plain, sealed, KEY, LABEL);
        expect(openFile(sealed, back, KEY)).toEqual(LABEL);
        expect(readFileSync(back).equals(readFileSync(plain))).toBe(true);
        expect(statSync(sealed).mode & 0o777).toBe(0o600);
      }),
      { numRuns: 7 },
    );
  });

  it("shows any byte that was changed, and any end that was cut off or moved", () => {
    const folder = makeFolder();
    const [plain, sealed] = [join(folder, "plain"), join(folder, "sealed")];
    writeFileSync(plain, Buffer.alloc(1_500_000, "abc"));
    sealFile(plain, sealed, KEY, LABEL);
    const whole = readFileSync(sealed);
    let no = 0;
    const refused = (bytes: Uint8Array): boolean => {
      const file = join(folder, `changed-${++no}`);
      writeFileSync(file, bytes);
      return errorOf(() => openFile(file, `${file}.back`, KEY)) instanceof Error;
    };
    fc.assert(
      fc.property(fc.integer({ min: 0, max: whole.length - 1 }), fc.integer({ min: 1, max: 255 }), (place, by) => {
        const changed = Buffer.from(whole);
        changed[place] = ((changed[place] ?? 0) + by) % 256;
        return refused(changed);
      }),
      { numRuns: 40 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: whole.length - 1 }), (length) => refused(whole.subarray(0, length))),
      { numRuns: 20 },
    );
    expect(refused(Buffer.concat([whole, Buffer.from("x")]))).toBe(true);
    expect(errorOf(() => openFile(sealed, join(folder, "other"), new Uint8Array(32)))).toMatchObject({ code: "E_KEY_WRONG" });
    expect(errorOf(() => labelOf(plain))).toMatchObject({ code: "E_STORE_FOREIGN" });
  });
});

describe("a backup", () => {
  const backedUp = async (): Promise<{ folder: string; file: string }> => {
    const folder = makeFolder();
    const store = open(join(folder, "fleet.db"));
    await furnish(store);
    await store.copyTo(join(folder, "copy"));
    const file = join(folder, "backup.grb");
    expect(writeBackup(join(folder, "copy"), file, KEY, { fleet: "acme", at: 5 })).toEqual({
      fleet: "acme",
      at: 5,
      schema: NEWEST,
    });
    store.close();
    return { folder, file };
  };

  it("leaves no copy behind, and holds neither credentials nor Signal keys, not even in freed pages", async () => {
    const { folder, file } = await backedUp();
    expect(readdirSync(folder).filter((name) => !name.startsWith("fleet.db"))).toEqual(["backup.grb"]);
    const plain = join(folder, "plain");
    openFile(file, plain, KEY);
    const sealedKey = open(join(folder, "fleet.db"));
    const { value } = await asking(sealedKey).expect("creds", { op: "creds.load", device: device("sales-1/a") });
    expect(Buffer.from(value ?? []).toString()).toBe(SECRET);
    const { values } = await asking(open(plain)).expect("keys", {
      op: "keys.load",
      device: device("sales-1/a"),
      type: "session",
      ids: ["1"],
    });
    expect(values).toEqual([null]);
  });

  it("is restored with what was open held, the audit whole, and every device to be linked anew", async () => {
    const { folder, file } = await backedUp();
    const target = join(folder, "there", "fleet.db");
    expect(restoreBackup(file, target, KEY, NEWEST)).toMatchObject({
      held: 2,
      devices: ["sales-1/a", "sales-1/b", "sales-2/a", "helper/a"],
    });
    const store = open(target);
    const port = asking(store);
    const { rows } = await port.expect("rows", { op: "outbox.list", seat: null, states: ["held"], limit: 10 });
    expect(rows.map(({ id, reason }) => [id, reason])).toEqual([
      [draft(1).id, expect.stringContaining("restored from a backup of 1970-01-01")],
      [draft(2).id, expect.stringContaining("restored")],
    ]);
    const { seats } = await port.expect("counts", { op: "outbox.counts" });
    expect(seats.filter(({ count }) => count > 0)).toMatchObject([{ state: "held", count: 2 }]);
    expect((await port.expect("loaded", { op: "fleet.load" })).devices.map(({ link }) => link)).toEqual(
      Array(4).fill("unlinked"),
    );
    expect(await store.audit.verify()).toMatchObject({ entries: 2, broken: null });
  });

  it("is refused over a store that is there, with another key, by an older Greenroom, and leaves nothing then", async () => {
    const { folder, file } = await backedUp();
    const target = join(folder, "new.db");
    const refusal = (to: string, key: Uint8Array, schema: number): unknown => errorOf(() => restoreBackup(file, to, key, schema));
    expect(refusal(join(folder, "fleet.db"), KEY, NEWEST)).toMatchObject({ code: "E_STORE_UNWRITABLE" });
    expect(refusal(target, new Uint8Array(32), NEWEST)).toMatchObject({ code: "E_KEY_WRONG" });
    expect(refusal(target, KEY, NEWEST - 1)).toMatchObject({ code: "E_STORE_NEWER" });
    expect(readdirSync(folder).filter((name) => name.startsWith("new.db"))).toEqual([]);
  });
});

describe("greenroom backup and restore", () => {
  it("work without a supervisor, and with one", async () => {
    const { folder, file } = makeFleet();
    const env = { GREENROOM_KEY: Buffer.from(KEY).toString("hex") };
    const store = open(join(folder, "acme.db"));
    await furnish(store);
    const handlers = {
      copyStore: async ({ to }: { to: string }) => (await store.copyTo(to), { to }),
    } as unknown as ControlHandlers;
    const server = await serveControl({ path: join(folder, "acme.db.sock"), handlers });
    const [first, second] = [join(folder, "1.grb"), join(folder, "2.grb")];
    const running = await inside(["backup", first, "--fleet", file, "--json"], env);
    expect(JSON.parse(running.stdout)).toMatchObject({ fleet: "acme", running: true });
    await server.close(0);
    store.close();
    const stopped = await inside(["backup", second, "--fleet", file, "--json"], env);
    expect(JSON.parse(stopped.stdout)).toMatchObject({ fleet: "acme", running: false });
    expect(await inside(["backup", second, "--fleet", file], env)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/exists already/),
    });

    // A timer that makes backups need not have what only the supervisor's environment has.
    const { file: bare } = makeFleet(`${FLEET}webhooks: { crm: { url: "https://crm.example", secret: "\${env:CRM_SECRET}" } }\n`);
    expect(await inside(["restore", first, "--fleet", bare], env)).toMatchObject({ code: 0 });
    expect(await inside(["backup", join(folder, "3.grb"), "--fleet", bare], env)).toMatchObject({ code: 0 });
    const { file: keyless } = makeFleet(FLEET.replace("./acme.db }", './acme.db, key: "${env:STORE_KEY}" }'));
    expect(await inside(["restore", first, "--fleet", keyless], {})).toMatchObject({
      code: 2,
      stderr: "E_KEY_MISSING store.key: the environment variable STORE_KEY is not set\n",
    });

    const { folder: other, file: elsewhere } = makeFleet();
    expect(await inside(["restore", first, "--fleet", elsewhere], {})).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^E_KEY_MISSING/),
    });
    expect(existsSync(join(other, "acme.key"))).toBe(false);
    const restored = await inside(["restore", first, "--fleet", elsewhere], env);
    expect(restored).toMatchObject({ code: 0, stderr: "" });
    expect(restored.stdout).toMatch(/2 messages that had not been sent[\s\S]*link anew:\n {2}sales-1\/a/);
    expect(await inside(["restore", first, "--fleet", elsewhere], env)).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/exists already/),
    });
    const again = open(join(dirname(elsewhere), "acme.db"));
    expect(await again.audit.verify()).toMatchObject({ entries: 3, broken: null });
  });
});
