/** A fleet that is paced to a little over 50 messages a second, and people to write to; the outbox grows meanwhile. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AccountId, lineId } from "../machines/ports/ids.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { sendMessage } from "../src/runtime/sending.ts";
import { Views } from "../src/runtime/views.ts";
import { type Fleet, makeFleet } from "./fleet.ts";
import type { Peer } from "./peer/index.ts";

export const LINE = lineId("line-0");
const MASTERS = 5;
const PEOPLE = 200;
const PACE = { perSecond: 11, burst: 5 };
const SETTLE = 2000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class Load {
  acked = 0;
  readonly #fleet: Fleet;
  readonly #directory: string;
  readonly #people: readonly string[];
  readonly #views: Views;

  static async start(peer: Peer): Promise<Load> {
    const directory = mkdtempSync(join(tmpdir(), "greenroom-delivery-"));
    const people = Array.from({ length: PEOPLE }, (_, index) => `49177${String(index).padStart(7, "0")}`);
    await peer.call({ op: "people", numbers: people, reads: false });
    const shape = { lines: 1, mastersPerLine: MASTERS, devicesPerMaster: 1, servantsPerLine: 0 };
    const fleet = await makeFleet(peer, directory, shape, (config) => ({
      ...config,
      outboxLimit: () => 10_000_000,
      queue: (line) => ({ ...config.queue(line), pacing: paced(config.declaration.accounts.map(({ id }) => id)) }),
    }));
    const load = new Load(fleet, directory, people);
    await fleet.supervisor.start();
    while (!fleet.supervisor.isServing()) await sleep(50);
    // Everybody has been written to once: look-ups and first sessions are not what is measured.
    for (let index = 0; index < PEOPLE; index++) await load.accept(index);
    while (load.acked < PEOPLE) await sleep(100);
    await sleep(SETTLE);
    return load;
  }

  private constructor(fleet: Fleet, directory: string, people: readonly string[]) {
    this.#fleet = fleet;
    this.#directory = directory;
    this.#people = people;
    this.#views = new Views(fleet.supervisor, { fleet: "bench", startedAt: 0, now: () => systemClock.now() });
    fleet.supervisor.onFact(({ kind }) => {
      if (kind === "acked") this.acked++;
    });
  }

  /** As the library and the terminal have it accepted. */
  async accept(index: number): Promise<void> {
    const to = this.#people[index % PEOPLE] as string;
    const parts = { supervisor: this.#fleet.supervisor, views: this.#views };
    await sendMessage(parts, {
      line: LINE,
      to,
      content: { kind: "text", text: `message ${index} of ordinary length, as people write` },
    });
  }

  async close(): Promise<void> {
    await this.#fleet.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

const paced = (accounts: readonly AccountId[]): Record<AccountId, typeof PACE> =>
  Object.fromEntries(accounts.map((account) => [account, PACE]));
