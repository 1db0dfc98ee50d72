import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadKey } from "../../../src/adapters/sqlite/key-file.ts";
import { errorOf, makeFolder } from "./rig.ts";

const HEX = "0123456789abcdef".repeat(4);

describe("the key", () => {
  it.each([
    ["hex", HEX],
    ["upper-case hex with a line end", `${HEX.toUpperCase()}\n`],
    ["base64", Buffer.from(HEX, "hex").toString("base64")],
    ["base64url", Buffer.from(HEX, "hex").toString("base64url")],
  ])("comes from GREENROOM_KEY as %s, and then no file is made", (_form, given) => {
    const file = join(makeFolder(), "key");
    const { key, origin } = loadKey({ env: { GREENROOM_KEY: given }, file });
    expect(Buffer.from(key).toString("hex")).toBe(HEX);
    expect(origin).toBe("GREENROOM_KEY");
    expect(statSync(file, { throwIfNoEntry: false })).toBeUndefined();
  });

  it.each(["short", HEX.slice(1), `${HEX}00`, "=".repeat(44), "zz".repeat(32)])("is refused if GREENROOM_KEY is %j", (given) => {
    const error = errorOf(() => loadKey({ env: { GREENROOM_KEY: given }, file: join(makeFolder(), "key") }));
    expect(error).toMatchObject({ code: "E_KEY_MALFORMED" });
    expect(String(error)).not.toContain(given);
  });

  it("is made once, for its owner only, and found again", () => {
    const folder = makeFolder();
    const file = join(folder, "deep", "key");
    const made = loadKey({ env: {}, file });
    expect(made.key).toHaveLength(32);
    expect(made.origin).toBe(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, "deep"))).toEqual(["key"]);
    expect(Buffer.from(loadKey({ env: { GREENROOM_KEY: " " }, file }).key).equals(Buffer.from(made.key))).toBe(true);
    expect(Buffer.from(loadKey({ env: {}, file: join(makeFolder(), "key") }).key).equals(Buffer.from(made.key))).toBe(false);
  });

  it.each([0o640, 0o604, 0o660, 0o644])("is refused from a file with mode %o", (mode) => {
    const file = join(makeFolder(), "key");
    writeFileSync(file, HEX);
    chmodSync(file, mode);
    expect(errorOf(() => loadKey({ env: {}, file }))).toMatchObject({
      code: "E_KEY_EXPOSED",
      message: expect.stringContaining(`chmod 600 ${file}`),
    });
  });

  it("is refused from a malformed file, which stays as it is", () => {
    const file = join(makeFolder(), "key");
    writeFileSync(file, "", { mode: 0o600 });
    expect(errorOf(() => loadKey({ env: {}, file }))).toMatchObject({ code: "E_KEY_MALFORMED" });
    expect(readFileSync(file, "utf8")).toBe("");
  });

  it("is not made anew where a store waits for the one that was lost", () => {
    const folder = makeFolder();
    const file = join(folder, "key");
    writeFileSync(join(folder, "greenroom.db"), "something");
    for (const store of [undefined, join(folder, "greenroom.db")]) {
      expect(errorOf(() => loadKey({ env: {}, file, ...(store ? { store } : {}) }))).toMatchObject({ code: "E_KEY_MISSING" });
    }
    expect(statSync(file, { throwIfNoEntry: false })).toBeUndefined();
    expect(loadKey({ env: {}, file, store: join(folder, "elsewhere.db") }).key).toHaveLength(32);
  });

  it("says when its file can't be read or made", () => {
    const folder = makeFolder();
    mkdirSync(join(folder, "key"), { mode: 0o700 });
    expect(errorOf(() => loadKey({ env: {}, file: join(folder, "key") }))).toMatchObject({ code: "E_KEY_UNWRITABLE" });
    writeFileSync(join(folder, "file"), "");
    expect(errorOf(() => loadKey({ env: {}, file: join(folder, "file", "key") }))).toMatchObject({ code: "E_KEY_UNWRITABLE" });
  });
});
