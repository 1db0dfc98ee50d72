/** A fleet that is paced to a little over 50 messages a second, and people to write to; the outbox grows meanwhile. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lineId } from "../machines/ports/ids.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { sendMessage } from "../src/runtime/sending.ts";
import { Views } from "../src/runtime/views.ts";
import { type Fleet, makeFleet } from "./fleet.ts";
import type { Peer } from "./peer/index.ts";

export const LINE = lineId("line-0");
const PEOPLE = 200;
const SETTLE = 2000;

export interface LoadShape {
  /** Those after the first get no messages. */
  readonly lines: number;
  /** Of a line. */
  readonly masters: number;
  readonly devices: number;
  /** Of a master. */
  readonly perSecond: number;
}
/** A little over 50 messages a second. */
const SHAPE: LoadShape = { lines: 1, masters: 5, devices: 1, perSecond: 11 };

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class Load {
  acked = 0;
  readonly fleet: Fleet;
  readonly #directory: string;
  readonly #people: readonly string[];
  readonly #views: Views;

  static async start(peer: Peer, { lines, masters, devices, perSecond }: LoadShape = SHAPE): Promise<Load> {
    const directory = mkdtempSync(join(tmpdir(), "greenroom-delivery-"));
    const people = Array.from({ length: PEOPLE }, (_, index) => `49177${String(index).padStart(7, "0")}`);
    await peer.call({ op: "people", numbers: people, reads: false });
    const shape = { lines, mastersPerLine: masters, devicesPerMaster: devices, servantsPerLine: 0 };
    const pace = { perSecond, burst: 5 };
    const fleet = await makeFleet(peer, directory, shape, (config) => ({
      ...config,
      // One failover after the other is what is measured.
      brake: { ...config.brake, seats: masters },
      outboxLimit: () => 10_000_000,
      queue: (line) => ({
        ...config.queue(line),
        pacing: Object.fromEntries(config.declaration.accounts.map(({ id }) => [id, pace])),
      }),
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
    this.fleet = fleet;
    this.#directory = directory;
    this.#people = people;
    this.#views = new Views(fleet.supervisor, { fleet: "bench", startedAt: 0, now: () => systemClock.now() });
    fleet.supervisor.onFact(({ kind }) => {
      if (kind === "acked") this.acked++;
    });
  }

  /** As the library and the terminal have it accepted. `expiresIn`: what has not left by then fails, and waits no longer. */
  async accept(index: number, expiresIn?: number): Promise<void> {
    const to = this.#people[index % PEOPLE] as string;
    const parts = { supervisor: this.fleet.supervisor, views: this.#views };
    await sendMessage(parts, {
      line: LINE,
      to,
      content: { kind: "text", text: `message ${index} of ordinary length, as people write` },
      expiresIn,
    });
  }

  async close(): Promise<void> {
    await this.fleet.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
