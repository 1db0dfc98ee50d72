import { once } from "node:events";
import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { StoreError } from "../../../src/adapters/sqlite/errors.ts";
import { declaration } from "../../conformance/store-kit.ts";
import { asking, errorOf, makeFolder, open, startChild } from "./rig.ts";

const makeStore = async (): Promise<string> => {
  const file = join(makeFolder(), "greenroom.db");
  const store = open(file);
  await asking(store).ask({ op: "fleet.declare", fleet: declaration });
  store.close();
  return file;
};
/** Why the file was refused, and whether it is byte for byte as before. */
const refusal = (file: string, over: Parameters<typeof open>[1] = {}) => {
  const look = () => (statSync(file, { throwIfNoEntry: false })?.isFile() ? readFileSync(file).toString("base64") : "no file");
  const before = look();
  const error = errorOf(() => open(file, over));
  if (!(error instanceof StoreError)) throw new Error(`not refused, or without a code: ${String(error)}`);
  return { code: error.code, message: error.message, isUntouched: look() === before };
};
const because = (code: string, message: RegExp) => ({
  code,
  message: expect.stringMatching(message) as string,
  isUntouched: true,
});

describe("opening", () => {
  it("makes the folder and a file that only its owner may read, and finds it again", async () => {
    const file = join(makeFolder(), "deep", "er", "greenroom.db");
    const made = open(file);
    expect(made.isNew).toBe(true);
    await asking(made).ask({ op: "fleet.declare", fleet: declaration });
    for (const path of [file, `${file}-wal`, `${file}.holder`]) expect(statSync(path).mode & 0o777).toBe(0o600);
    made.close();
    expect(statSync(`${file}.holder`, { throwIfNoEntry: false })).toBeUndefined();
    const again = open(file);
    expect(again.isNew).toBe(false);
    expect((await asking(again).expect("loaded", { op: "fleet.load" })).lines).toHaveLength(1);
  });

  it("is refused while another process holds the store, and free the moment that one is killed", async () => {
    const file = await makeStore();
    const child = startChild("child-hold.ts", file);
    await once(child.lines, "line");
    const error = errorOf(() => open(file));
    expect(error).toMatchObject({ code: "E_STORE_LOCKED" });
    expect(String(error)).toContain(file);
    expect(String(error)).toContain(`process ${child.process.pid}`);
    await child.kill();
    await asking(open(file)).expect("loaded", { op: "fleet.load" });
  });

  it("is refused twice in one process, and the first goes on", async () => {
    const file = await makeStore();
    const first = open(file);
    expect(errorOf(() => open(file))).toMatchObject({ code: "E_STORE_LOCKED" });
    await asking(first).expect("loaded", { op: "fleet.load" });
    const child = startChild("child-hold.ts", file); // the refused one took no lock along with it
    const [outcome] = (await once(child.process, "exit")) as [number];
    expect(outcome).not.toBe(0);
  });

  it("lets exactly one in when several come at once", { timeout: 20_000 }, async () => {
    const file = await makeStore();
    const children = Array.from({ length: 4 }, () => startChild("child-hold.ts", file));
    const outcomes = await Promise.all(
      children.map(({ process: child, lines }) =>
        Promise.race([once(lines, "line").then(() => "in"), once(child, "exit").then(() => "out")]),
      ),
    );
    expect(outcomes.sort()).toEqual(["in", "out", "out", "out"]);
  });

  it("refuses another key, and names where the key came from", async () => {
    const file = await makeStore();
    expect(refusal(file, { key: new Uint8Array(32).fill(8), keyOrigin: "GREENROOM_KEY" })).toEqual(
      because("E_KEY_WRONG", /GREENROOM_KEY/),
    );
    expect(errorOf(() => open(file, { key: new Uint8Array(31) }))).toMatchObject({ code: "E_KEY_MALFORMED" });
    await asking(open(file)).expect("loaded", { op: "fleet.load" });
  });

  it("refuses what is no database, and one that is damaged", async () => {
    const garbage = join(makeFolder(), "garbage.db");
    writeFileSync(garbage, "this is not a database, but it is long enough to look like a file that somebody needs".repeat(99));
    expect(refusal(garbage)).toEqual(because("E_STORE_CORRUPT", /damaged, or no database/));
    const damaged = await makeStore();
    const bytes = readFileSync(damaged);
    bytes.fill(0xff, 100, 4096); // the schema's page
    writeFileSync(damaged, bytes);
    expect(refusal(damaged)).toEqual(because("E_STORE_CORRUPT", /damaged/));
  });

  it("refuses a store that was cut off beside a log that still has something", async () => {
    const file = await makeStore();
    truncateSync(file);
    writeFileSync(`${file}-wal`, "x");
    expect(refusal(file)).toEqual(because("E_STORE_CORRUPT", /cut off/));
    expect(readFileSync(`${file}-wal`, "utf8")).toBe("x");
  });

  it("refuses another program's database, and a later Greenroom's", async () => {
    const foreign = join(makeFolder(), "other.db");
    edit(foreign, "create table theirs (x)");
    expect(refusal(foreign)).toEqual(because("E_STORE_FOREIGN", /another program/));
    const newer = await makeStore();
    edit(newer, "pragma user_version = 999");
    expect(refusal(newer)).toEqual(because("E_STORE_NEWER", /schema 999/));
  });

  it("says when the file can't be made", () => {
    const file = join(makeFolder(), "file");
    writeFileSync(file, "");
    expect(refusal(join(file, "greenroom.db"))).toEqual(because("E_STORE_UNWRITABLE", /folder/));
    expect(refusal(makeFolder())).toEqual(because("E_STORE_UNWRITABLE", /can't be written/));
  });

  it.skipIf(process.getuid?.() === 0)("says when the folder is not ours to write", async () => {
    expect(refusal("/greenroom.db")).toEqual(because("E_STORE_UNWRITABLE", /folder/));
  });
});

describe("a closed store", () => {
  it("has carried out what was asked before, and answers what comes later as lost", async () => {
    const file = join(makeFolder(), "greenroom.db");
    const store = open(file);
    const port = asking(store);
    const before = port.ask({ op: "fleet.declare", fleet: declaration });
    store.close();
    const after = port.ask({ op: "fleet.load" });
    expect((await before).kind).toBe("declared");
    expect(await after).toMatchObject({ kind: "failed", cause: "lost" });
    expect((await asking(open(file)).expect("loaded", { op: "fleet.load" })).lines).toHaveLength(1);
  });
});

const edit = (file: string, sql: string): void => {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
};
