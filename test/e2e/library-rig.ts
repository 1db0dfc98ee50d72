/** The library against a loopback server, in this process; phones that scan what it offers, and people who write. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { type Loopback, startLoopback } from "../../sim/loopback/index.ts";
import { createSupervisor, defineFleet, type FleetInput, type FleetSupervisor, type SupervisorOptions } from "../../src/index.ts";

export const NUMBERS: Readonly<Record<string, string>> = { "sales-1": "99900000001", "sales-2": "99900000002" };
export const DEVICES = ["sales-1/a", "sales-1/b", "sales-2/a"] as const;
type Given = Pick<FleetInput, "accounts" | "lines" | "pacing" | "timers">;
/** Two masters, the first with a twin. */
const FLEET: Given = {
  accounts: {
    "sales-1": { role: "master", devices: ["a", "b"] },
    "sales-2": { role: "master", devices: ["a"] },
  },
  lines: { sales: { masters: ["sales-1", "sales-2"], whenNumberChanges: "resend" } },
  pacing: { perSecond: 10, burst: 5 },
};

export class LibraryRig {
  readonly folder = mkdtempSync(join(tmpdir(), "greenroom-library-"));
  readonly loopback: Loopback;
  readonly #started: FleetSupervisor[] = [];

  /** Also as a file, fleet.yaml. */
  readonly #fleet: FleetInput;

  private constructor(loopback: Loopback, fleet: Given) {
    this.loopback = loopback;
    this.#fleet = {
      fleet: "acme",
      store: { file: join(this.folder, "acme.db") },
      ...fleet,
      whatsapp: {
        endpoint: loopback.tlsUrl ?? loopback.url,
        rootKey: loopback.rootPublicKey.toString("hex"),
        selfSigned: loopback.tlsUrl !== undefined,
      },
    };
    // JSON is YAML.
    writeFileSync(join(this.folder, "fleet.yaml"), JSON.stringify(this.#fleet));
  }
  /** `tls`: media needs it. */
  static async start(fleet: Given = FLEET, { tls = false } = {}): Promise<LibraryRig> {
    // libsignal prints whole sessions where the scripted phones use it.
    console.info = () => undefined;
    return new LibraryRig(await startLoopback(tls ? { tlsPort: 0 } : {}), fleet);
  }

  /** Not started. */
  supervisor(options: SupervisorOptions = {}): FleetSupervisor {
    const fleet = defineFleet(this.#fleet, { env: {} });
    const supervisor = createSupervisor(fleet, { env: {}, logger: pino({ level: "silent" }), stopWithin: 2000, ...options });
    this.#started.push(supervisor);
    return supervisor;
  }

  /** As the owner does: asks for a code, and scans it with the account's phone. */
  async link(
    supervisor: FleetSupervisor,
    devices: readonly string[] = DEVICES,
    numbers: Readonly<Record<string, string>> = NUMBERS,
  ): Promise<void> {
    for (const device of devices) {
      const { offer } = await supervisor.link(device);
      await this.loopback.account(numbers[device.slice(0, device.indexOf("/"))] ?? "").scanQr(offer?.text ?? "");
    }
    await until(async () => (await supervisor.status()).seats.every(({ phase }) => phase === "serving"));
  }

  /** What arrived at a person's phone. */
  textsAt(person: string): string[] {
    return this.loopback.person(person).received.map(({ text }) => text);
  }

  async close(): Promise<void> {
    await Promise.all(this.#started.map((supervisor) => supervisor.stop()));
    await this.loopback.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Polls what no event announces. The test's own time limit ends it. */
export const until = async (test: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await test())) await new Promise((resolve) => setTimeout(resolve, 50));
};
