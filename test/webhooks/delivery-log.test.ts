/** The log of deliveries: what was tried is there in the next life, no more of it than is kept, and nothing waits for it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { openSqliteStore, type SqliteStore } from "../../src/adapters/sqlite/store.ts";
import { Retention } from "../../src/runtime/retention.ts";
import { DeliveryLog, KEPT } from "../../src/webhooks/delivery-log.ts";
import type { Delivery, WebhookStore } from "../../src/webhooks/store.ts";
import { HandClock } from "../alerts/kit.ts";
import { createTestClock } from "../conformance/store-kit.ts";

const tried = (no: number): Delivery => ({
  at: 1_700_000_000_000 + no,
  id: `acme.in.${no}`,
  type: "message.received",
  tookMs: no % 7,
  failure: no % 3 === 0 ? "it answered 500" : null,
});

const fileFor = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-log-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "fleet.db");
};
const opened = (file: string): SqliteStore =>
  openSqliteStore({ file, key: new Uint8Array(32).fill(7), clock: createTestClock() });

/** A log whose writes fail while they are told to; counts them. */
const logOn = (store: Pick<WebhookStore, "log" | "logged">) => {
  const state = { fails: false, writes: 0, rows: 0, faults: 0 };
  const clock = new HandClock();
  const log = new DeliveryLog({
    store: {
      logged: (webhook, limit) => store.logged(webhook, limit),
      log: async (fresh, keep) => {
        state.writes++;
        for (const { deliveries } of fresh) state.rows = Math.max(state.rows, deliveries.length);
        if (state.fails) throw new Error("E_STORE_FAILED");
        await store.log(fresh, keep);
      },
    },
    clock,
    onFault: () => void state.faults++,
  });
  return { log, clock, state };
};

describe("the log of deliveries", () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant("tries" as const),
      webhook: fc.constantFrom("crm", "erp"),
      count: fc.integer({ min: 1, max: 300 }),
    }),
    fc.record({ kind: fc.constant("time" as const), ms: fc.integer({ min: 1, max: 3000 }) }),
    fc.record({ kind: fc.constant("store" as const), fails: fc.boolean() }),
    fc.record({ kind: fc.constant("restart" as const) }),
  );

  it("is the newest tries of each webhook, in their order, through any restart and every write that failed in between", async () => {
    const file = fileFor();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const store = opened(file);
        await store.webhooks.log(
          [
            { webhook: "crm", deliveries: [] },
            { webhook: "erp", deliveries: [] },
          ],
          0,
        );
        let no = 0;
        const noted: Record<string, Delivery[]> = { crm: [], erp: [] };
        let life = logOn(store.webhooks);
        const isRight = (): void => {
          for (const [webhook, all] of Object.entries(noted)) expect(life.log.of(webhook)).toEqual(all.slice(-KEPT).toReversed());
        };
        const restart = async (): Promise<void> => {
          life.state.fails = false;
          await life.log.stop();
          expect(life.state.rows).toBeLessThanOrEqual(KEPT);
          life = logOn(store.webhooks);
          await life.log.load(["crm", "erp"]);
        };
        for (const each of steps) {
          if (each.kind === "time") await life.clock.pass(each.ms);
          if (each.kind === "store") life.state.fails = each.fails;
          if (each.kind === "restart") await restart();
          if (each.kind === "tries")
            for (let n = 0; n < each.count; n++) {
              noted[each.webhook]?.push(tried(++no));
              life.log.note(each.webhook, tried(no));
            }
          isRight();
        }
        await restart();
        isRight();
        store.close();
      }),
      { numRuns: 40 },
    );
  });

  it("is written once a second however much is tried, and tells of a write that failed", async () => {
    const store = opened(fileFor());
    onTestFinished(() => store.close());
    const { log, clock, state } = logOn(store.webhooks);
    state.fails = true;
    for (let no = 1; no <= 5000; no++) log.note("crm", tried(no));
    expect(state.writes).toBe(0);
    await clock.pass(1000);
    expect(state).toEqual({ fails: true, writes: 1, rows: KEPT, faults: 1 });
    // A store that fails is told of elsewhere: it is asked again when there is more to write.
    await clock.pass(60_000);
    expect(state.writes).toBe(1);
    state.fails = false;
    log.note("crm", tried(5001));
    await clock.pass(1000);
    expect(state.writes).toBe(2);
    await clock.pass(60_000);
    expect(state.writes).toBe(2);
    expect(await store.webhooks.logged("crm", 9999)).toHaveLength(KEPT);
  });

  it("begins all the same when it can't be read", async () => {
    const faults: unknown[] = [];
    const broken = { logged: () => Promise.reject(new Error("E_STORE_FAILED")), log: () => Promise.resolve() };
    const log = new DeliveryLog({ store: broken, clock: new HandClock(), onFault: (error) => faults.push(error) });
    await log.load(["crm"]);
    log.note("crm", tried(1));
    expect([log.of("crm"), faults.length]).toEqual([[tried(1)], 1]);
  });

  it.each(["at", "took_ms"])("has all but one whose %s is no number any more", async (column) => {
    const file = fileFor();
    const store = opened(file);
    await store.webhooks.log([{ webhook: "crm", deliveries: [tried(1), tried(2), tried(3)] }], KEPT);
    store.close();
    const db = new DatabaseSync(file);
    db.exec(`update webhook_log set ${column} = 9007199254740993 where id = 'acme.in.2'`);
    db.close();
    const again = opened(file);
    onTestFinished(() => again.close());
    expect(await again.webhooks.logged("crm", 10)).toEqual([tried(1), tried(3)]);
  });

  it("forgets what is older than its days, also of a webhook that there is no more", async () => {
    const store = opened(fileFor());
    onTestFinished(() => store.close());
    const [day, now] = [86_400_000, 1_700_000_000_000];
    const at = (days: number): Delivery => ({ ...tried(1), at: now - days * day });
    await store.webhooks.log(
      ["crm", "gone"].map((webhook) => ({ webhook, deliveries: [at(31), at(29)] })),
      KEPT,
    );
    const faults: unknown[] = [];
    const look = (deliveryDays: number | null): Promise<void> =>
      new Retention({
        config: { inboxDays: null, eventDays: null, deliveryDays },
        store: store.retention,
        webhookReaders: () => ["webhook:crm:inbox"],
        now: () => now,
        onFault: (error) => faults.push(error),
      }).look();
    await look(null);
    expect(await store.webhooks.logged("gone", 10)).toHaveLength(2);
    await look(30);
    for (const webhook of ["crm", "gone"]) expect(await store.webhooks.logged(webhook, 10)).toEqual([at(29)]);
    expect(faults).toEqual([]);
  });
});
