import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { isDatabase, journalInStore } from "../../../src/adapters/sqlite/journal-file.ts";
import { asking, errorOf, makeFolder, open } from "./rig.ts";

it("reads the journal out of a store that nobody has open, and only then", async () => {
  const file = join(makeFolder(), "greenroom.db");
  const store = open(file);
  await asking(store).ask({
    op: "journal.append",
    entries: [
      { seq: 1, line: '{"n":1}' },
      { seq: 2, line: '{"n":2}' },
    ],
    keep: 100,
  });
  expect(isDatabase(file)).toBe(true);
  expect(errorOf(() => journalInStore(file))).toMatchObject({
    code: "E_STORE_LOCKED",
    message: expect.stringContaining("stop it first"),
  });
  store.close();
  expect(journalInStore(file)).toBe('{"n":1}\n{"n":2}');
});

it("refuses what is no store", () => {
  const folder = makeFolder();
  const [text, other] = [join(folder, "text"), join(folder, "other.db")];
  writeFileSync(text, "hello");
  expect([text, folder, join(folder, "nowhere")].map(isDatabase)).toEqual([false, false, false]);
  const database = new DatabaseSync(other);
  database.exec("create table cats (name text)");
  database.close();
  expect(errorOf(() => journalInStore(other))).toMatchObject({
    code: "E_STORE_FOREIGN",
    message: expect.stringContaining("holds no journal"),
  });
});
