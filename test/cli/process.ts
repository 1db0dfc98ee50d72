/** The command line as a process of its own, on the Node that runs the tests. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

export const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
export interface Surroundings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** Nothing of the shell that runs the tests reaches it but the path and where compiled code is kept. */
export const bareEnv = (extra: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "",
  HOME: process.env["HOME"] ?? "/",
  NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? "",
  NO_COLOR: "1",
  ...extra,
});

export const greenroom = (args: readonly string[], { cwd, env, input }: Surroundings = {}): Promise<Ended> =>
  new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [MAIN, ...args],
      { cwd, env: bareEnv(env), timeout: 120_000 },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
    );
    child.stdin?.end(input ?? "");
  });

export const makeFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-cli-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

export const FLEET = `fleet: acme
store: { file: ./acme.db }
accounts:
  sales-1: { role: master, devices: [a, b] }
  sales-2: { role: master, devices: [a] }
lines:
  sales: { masters: [sales-1, sales-2] }
`;

/** A folder with a fleet file in it. */
export const makeFleet = (text = FLEET): { readonly folder: string; readonly file: string } => {
  const folder = makeFolder();
  const file = join(folder, "fleet.yaml");
  writeFileSync(file, text);
  return { folder, file };
};
