/** Whether the store is still this process's alone, on a real file with a real lock. */
import { closeSync, existsSync, openSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeFolder, open } from "./rig.ts";

const store = () => {
  const file = join(makeFolder(), "fleet.db");
  return { file, opened: open(file) };
};

it("is ours while nobody touches it, and again when it is put back", async () => {
  const { file, opened } = store();
  expect(await opened.isOurs()).toBe(true);
  renameSync(file, `${file}.away`);
  expect(await opened.isOurs()).toBe(false);
  renameSync(`${file}.away`, file);
  expect(await opened.isOurs()).toBe(true);
});

it("is not ours once another file is in its place", async () => {
  const { file, opened } = store();
  writeFileSync(`${file}.other`, "");
  renameSync(`${file}.other`, file);
  expect(await opened.isOurs()).toBe(false);
});

it.skipIf(!existsSync("/proc/locks"))("is not ours once its lock is lost: somebody here has closed the file", async () => {
  const { file, opened } = store();
  closeSync(openSync(file, "r"));
  expect(await opened.isOurs()).toBe(false);
});
