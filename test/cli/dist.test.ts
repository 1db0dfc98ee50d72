import { spawnSync } from "node:child_process";
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
  const { folder } = makeFleet();
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [`${ROOT}dist/src/cli/main.js`, ...args], { cwd: folder, env: bareEnv(), encoding: "utf8" });
  expect(run("--version").stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(run("config", "check", "--json")).toMatchObject({ status: 0, stderr: "" });
  // Through the door to the simulator, and refused there.
  expect(run("demo", "--faults", "earthquake")).toMatchObject({
    status: 2,
    stdout: "",
    stderr: expect.stringMatching(/earthquake/),
  });
});
