import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { audit, declaration, device, node, text } from "../../conformance/store-kit.ts";
import { asking, KEY, makeFolder, open } from "./rig.ts";

const A = device("sales-1/a");
const B = device("sales-1/b");
const SECRET = "the-noise-key-of-a-device";

const seal = async (file: string) => {
  const store = open(file);
  const port = asking(store);
  await port.ask({ op: "fleet.declare", fleet: declaration });
  const { granted } = await port.expect("leases", { op: "lease.acquire", devices: [A, B], node: node("n1"), ttl: 1000 });
  for (const { device: of, term } of granted) {
    const keys = ["1", "2"].map((id) => ({ type: "session", id, value: Buffer.from(`${SECRET} ${of} ${id}`) }));
    await port.commit({ device: of, leaseTerm: term, keys, creds: Buffer.from(`${SECRET} ${of} creds`) });
  }
  return { store, port };
};
const load = async (port: ReturnType<typeof asking>, of = A, id = "1") =>
  port.ask({ op: "keys.load", device: of, type: "session", ids: [id] });

/** Another process looks: opening the file here would give away the lock. */
const isInClear = (file: string, what: string): boolean => spawnSync("grep", ["-qaF", what, file]).status === 0;

describe("secrets", () => {
  it("are nowhere in clear, neither in the log nor in the file, not even after a wipe", async () => {
    const file = join(makeFolder(), "greenroom.db");
    const { store, port } = await seal(file);
    expect(isInClear(`${file}-wal`, "sales-1/a")).toBe(true); // so grep does find what is there
    expect(isInClear(`${file}-wal`, SECRET)).toBe(false);
    await port.ask({ op: "keys.wipe", device: B, audit });
    store.close();
    expect(isInClear(file, "sales-1/a")).toBe(true);
    expect(isInClear(file, SECRET)).toBe(false);
    expect(readFileSync(file).includes(Buffer.from(KEY))).toBe(false);
  });

  it("never look alike, though they are", async () => {
    const file = join(makeFolder(), "greenroom.db");
    const { store } = await seal(file);
    const sealed = (): string[] => readAll(file).map((row) => Buffer.from(row.value).toString("hex"));
    store.close();
    const before = sealed();
    expect(new Set(before).size).toBe(4);
    const again = await seal(file);
    again.store.close();
    for (const value of sealed()) expect(before).not.toContain(value);
  });

  it.each([
    [
      "a bit of it is changed",
      "update signal_key set value = cast(substr(value, 1, 40) || x'00' || substr(value, 42) as blob) where id = '1'",
    ],
    ["it is cut short", "update signal_key set value = substr(value, 1, 20)"],
    ["another id's value is put in its place", swap("device = 'sales-1/a' and id = '2'")],
    ["another device's value is put in its place", swap("device = 'sales-1/b' and id = '1'")],
    [
      "the credentials are put in its place",
      "update signal_key set value = (select value from creds where device = 'sales-1/a')",
    ],
  ])("do not open when %s", async (_what, sql) => {
    const file = join(makeFolder(), "greenroom.db");
    const { store } = await seal(file);
    store.close();
    edit(file, sql);
    const port = asking(open(file));
    const answer = await load(port);
    expect(answer).toMatchObject({ kind: "failed", cause: "io", message: expect.stringContaining("E_STORE_TAMPERED") });
    expect(JSON.stringify(answer)).not.toContain(SECRET);
  });

  it("come back as they were", async () => {
    const file = join(makeFolder(), "greenroom.db");
    const { store } = await seal(file);
    store.close();
    const port = asking(open(file));
    const { values } = await port.expect("keys", { op: "keys.load", device: B, type: "session", ids: ["2"] });
    expect(text(values[0] ?? new Uint8Array())).toBe(`${SECRET} ${B} 2`);
  });
});

function swap(from: string): string {
  return `update signal_key set value = (select value from signal_key where ${from}) where device = 'sales-1/a' and id = '1'`;
}

const withFile = <T>(file: string, work: (database: DatabaseSync) => T): T => {
  const database = new DatabaseSync(file);
  try {
    return work(database);
  } finally {
    database.close();
  }
};
const edit = (file: string, sql: string): void => withFile(file, (database) => database.exec(sql));
const readAll = (file: string): { value: Uint8Array }[] =>
  withFile(file, (database) => database.prepare("select value from signal_key").all() as { value: Uint8Array }[]);
