import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { bareEnv, makeFleet } from "./process.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

it("what `npm run build` makes runs from anywhere", { timeout: 180_000 }, () => {
  const built = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  expect(built.stdout).toBe("");
  expect(spawnSync(process.execPath, ["scripts/viewer.ts", "--dist"], { cwd: ROOT }).status).toBe(0);
  const { folder } = makeFleet();
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [`${ROOT}dist/src/cli/main.js`, ...args], { cwd: folder, env: bareEnv(), encoding: "utf8" });
  expect(run("--version").stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(run("config", "check", "--json")).toMatchObject({ status: 0, stderr: "" });
  writeFileSync(`${folder}/journal.jsonl`, '{"n":1,"k":"life","version":0,"node":"n1","at":0}\n');
  expect(run("replay", "journal.jsonl", "--html", "film.html")).toMatchObject({ status: 2, stderr: "" });
  expect(readFileSync(`${folder}/film.html`, "utf8")).toContain("the journal is of version 0");
  // Through the door to the simulator, and refused there.
  expect(run("demo", "--faults", "earthquake")).toMatchObject({
    status: 2,
    stdout: "",
    stderr: expect.stringMatching(/earthquake/),
  });
});
