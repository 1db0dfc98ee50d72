/** `greenroom up` as a process of its own, against a loopback server in this one; phones that scan what it offers. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Loopback, startLoopback } from "../../sim/loopback/index.ts";
import { askSupervisor } from "../../src/cli/control-client.ts";
import type { ControlAnswers, ControlOp, ControlRequest } from "../../src/runtime/control-protocol.ts";
import { bareEnv, MAIN } from "../cli/process.ts";

const FLEET = `fleet: acme
store: { file: ./acme.db }
accounts:
  sales-1: { role: master, devices: [a, b] }
  sales-2: { role: master, devices: [a] }
  help-1: { role: master, devices: [a, b] }
  help-2: { role: master, devices: [a] }
  bulk-1: { role: servant, devices: [a] }
  bulk-2: { role: servant, devices: [a] }
lines:
  sales: { masters: [sales-1, sales-2], servants: [bulk-1] }
  help: { masters: [help-1, help-2], servants: [bulk-2] }
`;
export const DEVICES = ["sales-1/a", "sales-1/b", "sales-2/a", "help-1/a", "help-1/b", "help-2/a", "bulk-1/a", "bulk-2/a"];
const NUMBERS: Readonly<Record<string, string>> = {
  "sales-1": "99900000001",
  "sales-2": "99900000002",
  "help-1": "99900000003",
  "help-2": "99900000004",
  "bulk-1": "99900000005",
  "bulk-2": "99900000006",
};
export const numberOf = (device: string): string => NUMBERS[device.slice(0, device.indexOf("/"))] ?? "";

export interface Started {
  readonly pid: number;
  readonly socket: string;
  readonly seats: readonly string[];
  readonly unlinked: readonly string[];
}
export interface Up {
  readonly child: ChildProcess;
  readonly started: Started;
  /** Exit code or signal. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  stderr(): string;
}

export class Rig {
  readonly folder = mkdtempSync(join(tmpdir(), "greenroom-e2e-"));
  readonly loopback: Loopback;
  readonly #children: Up[] = [];

  private constructor(loopback: Loopback, fleet: string) {
    this.loopback = loopback;
    writeFileSync(join(this.folder, "fleet.yaml"), fleet);
  }
  static async start(fleet = FLEET): Promise<Rig> {
    // libsignal prints whole sessions where the scripted phones use it.
    console.info = () => undefined;
    return new Rig(await startLoopback(), fleet);
  }

  get socket(): string {
    return join(this.folder, "acme.db.sock");
  }

  /** Resolves when the supervisor says what it has started. */
  up(): Promise<Up> {
    const { url, rootPublicKey } = this.loopback;
    const endpoint = ["--endpoint", url, "--endpoint-root-key", rootPublicKey.toString("base64")];
    const child = spawn(process.execPath, [MAIN, "up", "fleet.yaml", ...endpoint, "--json"], {
      cwd: this.folder,
      env: bareEnv(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [out, err] = ["", ""];
    child.stderr.on("data", (part) => (err += String(part)));
    const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
      child.once("close", (code, signal) => resolve(code ?? signal)),
    );
    return new Promise((resolve, reject) => {
      void ended.then((how) => reject(new Error(`up ended with ${String(how)} before it had started: ${err}`)));
      child.stdout.on("data", (part) => {
        out += String(part);
        if (!out.endsWith("}\n")) return;
        const up: Up = { child, started: JSON.parse(out) as Started, ended, stderr: () => err };
        this.#children.push(up);
        resolve(up);
      });
    });
  }

  ask<K extends ControlOp>(op: K, request: ControlRequest<K>): Promise<ControlAnswers[K]> {
    return askSupervisor(this.socket, op, request);
  }

  /** As the owner does: asks for a code, and scans it with the account's phone. */
  async link(device: string): Promise<void> {
    const { offer } = await this.ask("link", { device });
    await this.loopback.account(numberOf(device)).scanQr(offer?.text ?? "");
  }

  serving(): Promise<void> {
    return until(async () => (await this.ask("status", {})).seats.every(({ phase }) => phase === "serving"));
  }

  async close(): Promise<void> {
    for (const { child } of this.#children) child.kill("SIGKILL");
    await Promise.all(this.#children.map(({ ended }) => ended));
    await this.loopback.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Polls what no event announces. The test's own time limit ends it. */
export const until = async (test: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await test())) await new Promise((resolve) => setTimeout(resolve, 50));
};
