import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { bareEnv, greenroom, MAIN } from "./process.ts";

describe("loopback", () => {
  it("says where it listens, on 127.0.0.1 only, and ends with Ctrl-C", async () => {
    const child = spawn(process.execPath, [MAIN, "loopback", "--port", "0", "--tls-port", "0", "--json"], { env: bareEnv() });
    const ended = new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal)));
    const text = await new Promise<string>((resolve) => {
      let out = "";
      child.stdout.on("data", (part) => {
        out += String(part);
        if (out.endsWith("}\n")) resolve(out);
      });
      child.once("close", () => resolve(out));
    });
    const { url, tlsUrl, adminUrl, rootPublicKey, boundTo } = JSON.parse(text) as Record<string, string>;
    expect([url, tlsUrl, adminUrl]).toEqual([
      expect.stringMatching(/^ws:\/\/127\.0\.0\.1:\d+\/ws\/chat$/),
      expect.stringMatching(/^wss:\/\/127\.0\.0\.1:\d+\/ws\/chat$/),
      expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/admin$/),
    ]);
    expect(rootPublicKey).toMatch(/^[0-9a-f]{64}$/);
    expect(boundTo).toBe("127.0.0.1");
    expect((await fetch(`${adminUrl}/state`)).status).toBe(200);
    child.kill("SIGINT");
    expect(await ended).toBe(0);
  });
});

describe("demo", () => {
  it("refuses a fault that does not exist, and names those that do", async () => {
    const { code, stdout, stderr } = await greenroom(["demo", "--faults", "close-428,earthquake"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/earthquake.*close-428/s);
  });
});
