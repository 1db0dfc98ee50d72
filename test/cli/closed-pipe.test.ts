/** A reader that has seen enough ends a command in silence, and makes nothing well that is not. */
import { spawn } from "node:child_process";
import { expect, it } from "vitest";
import { bareEnv, MAIN } from "./process.ts";

const closed = (stream: "stdout" | "stderr", args: readonly string[]): Promise<{ code: number | null; told: string }> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...args], { env: bareEnv() });
    let told = "";
    child[stream].destroy();
    child[stream === "stdout" ? "stderr" : "stdout"].on("data", (part) => void (told += String(part)));
    child.once("close", (code) => resolve({ code, told }));
  });

it.each(["stdout", "stderr"] as const)("a %s that nobody reads changes no exit code, and throws nothing", async (stream) => {
  const { code, told } = await closed(stream, ["chaos", "--faults", "flood", "--json"]);
  expect(code).toBe(2);
  expect(told).toContain("E_UNKNOWN_FAULT");
  expect(told).not.toContain("EPIPE");
});
