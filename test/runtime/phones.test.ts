/** When phones were seen, over any number of lives that end well or badly. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import type { AccountId } from "../../machines/ports/ids.ts";
import type { PhoneRow, PhoneStore } from "../../src/adapters/sqlite/phone-store.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { Phones } from "../../src/runtime/phones.ts";
import { HandClock } from "../alerts/kit.ts";
import { createTestClock } from "../conformance/store-kit.ts";

const A = "sales-1" as AccountId;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Keeps what it took, and notes when. */
class Shelf implements PhoneStore {
  readonly rows = new Map<AccountId, PhoneRow>();
  readonly writes: { readonly at: number; readonly row: PhoneRow; readonly before: PhoneRow | undefined }[] = [];
  isFull = false;
  readonly #clock: HandClock;

  constructor(clock: HandClock) {
    this.#clock = clock;
  }
  read = async (): Promise<readonly PhoneRow[]> => [...this.rows.values()];
  write = async (rows: readonly PhoneRow[]): Promise<void> => {
    if (this.isFull) throw new Error("full");
    for (const row of rows) {
      this.writes.push({ at: this.#clock.now(), row, before: this.rows.get(row.account) });
      this.rows.set(row.account, row);
    }
  };
}

class Lives {
  readonly clock = new HandClock();
  readonly shelf = new Shelf(this.clock);
  readonly faults: unknown[] = [];
  #life = 0;
  phones = this.#born();

  /** What an earlier life still wants to write is lost with it. */
  #born(): Phones {
    const life = ++this.#life;
    const store: PhoneStore = {
      read: () => this.shelf.read(),
      write: async (rows) => (life === this.#life ? this.shelf.write(rows) : undefined),
    };
    return new Phones({ store, clock: this.clock, onFault: (error) => this.faults.push(error) });
  }
  async next(): Promise<void> {
    this.phones = this.#born();
    await this.phones.open();
    this.phones.begin();
  }
}

describe("when phones were seen", () => {
  it("is told after any lives, clean or killed: never more against a phone than is true, and all of it where none was killed", async () => {
    const act = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom("message", "sign") },
      { weight: 6, arbitrary: fc.constantFrom(1000, 5 * MINUTE, 2 * HOUR) },
      { weight: 1, arbitrary: fc.constantFrom("stop", "kill") },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 30 }), async (acts) => {
        const lives = new Lives();
        await lives.next();
        const { clock, shelf } = lives;
        let sign = Number.NEGATIVE_INFINITY;
        let messages: number[] = [];
        let wasKilled = false;
        for (const each of acts) {
          if (typeof each === "number") await clock.pass(each);
          else if (each === "stop" || each === "kill") {
            if (each === "stop") await lives.phones.stop();
            wasKilled ||= each === "kill";
            await lives.next();
          } else {
            await clock.pass(1);
            if (each === "sign") {
              sign = clock.now();
              messages = [];
              lives.phones.seen(A, sign);
            } else {
              messages.push(clock.now());
              lives.phones.taken(A, clock.now());
            }
            // Written before the next thing happens, as far as it is written at all.
            await clock.pass(0);
          }
          const told = lives.phones.of(A);
          const old = messages.filter((at) => at <= clock.now() - HOUR);
          expect(old).toEqual(expect.arrayContaining(told.unseenSince === null ? [] : [told.unseenSince]));
          const truth = { seenAt: sign > 0 ? sign : null, unseenSince: old[0] ?? null };
          expect(wasKilled ? truth : told).toEqual(truth);
        }
        const signs = shelf.writes.filter(({ row, before }) => row.seenAt !== (before?.seenAt ?? null)).map(({ at }) => at);
        const gaps = signs.slice(1).map((at, index) => at - (signs[index] ?? 0));
        // What a life leaves behind, and what the next one knows nothing of, comes on top.
        expect(gaps.filter((gap) => gap < HOUR).length).toBeLessThanOrEqual(
          2 * acts.filter((each) => each === "stop" || each === "kill").length,
        );
        expect(lives.faults).toEqual([]);
      }),
      // A crash right after the sign that ends what was written.
      { numRuns: 60, examples: [[["message", 2 * HOUR, "sign", "kill", 2 * HOUR]]] },
    );
  });

  it("is written again where the store did not take it", async () => {
    const lives = new Lives();
    await lives.next();
    lives.shelf.isFull = true;
    lives.phones.seen(A, lives.clock.now());
    await lives.clock.pass(2 * MINUTE);
    expect(lives.faults).not.toEqual([]);
    expect(lives.shelf.writes).toEqual([]);
    lives.shelf.isFull = false;
    await lives.clock.pass(MINUTE);
    expect([...lives.shelf.rows.values()]).toEqual([{ account: A, ...lives.phones.of(A) }]);
  });

  it("is in the store's file, and read back from it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "greenroom-phones-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const open = () => openSqliteStore({ file: join(folder, "fleet.db"), key: new Uint8Array(32), clock: createTestClock() });
    const rows = [
      { account: A, seenAt: 1_760_000_000_000, unseenSince: 1_760_000_000_001 },
      { account: "sales-2" as AccountId, seenAt: null, unseenSince: null },
    ];
    const first = open();
    await first.phones.write([{ account: A, seenAt: null, unseenSince: 5 }, ...rows.slice(1)]);
    await first.phones.write(rows.slice(0, 1));
    first.close();
    const second = open();
    expect(await second.phones.read()).toEqual(rows);
    second.close();
  });
});
