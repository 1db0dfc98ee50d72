import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { SeatId } from "../../machines/ports/ids.ts";
import { openSqliteStore, type SqliteStore } from "../../src/adapters/sqlite/store.ts";
import { SlaDesk } from "../../src/runtime/sla-desk.ts";
import { createTestClock } from "../conformance/store-kit.ts";

const S = "sales/sales-1" as SeatId;
const PERIOD = { from: 0, to: 10_000_000 };

class Scene {
  readonly file: string;
  store: SqliteStore;
  now = 1_000_000;
  mode = "automatic";
  oldest: number | null = null;
  readonly faults: unknown[] = [];

  constructor() {
    const folder = mkdtempSync(join(tmpdir(), "greenroom-sla-"));
    this.file = join(folder, "fleet.db");
    this.store = this.open();
    onTestFinished(() => {
      this.store.close();
      rmSync(folder, { recursive: true, force: true });
    });
  }
  open(): SqliteStore {
    return openSqliteStore({ file: this.file, key: new Uint8Array(32), clock: createTestClock() });
  }
  desk(): SlaDesk {
    return new SlaDesk({
      store: this.store.sla,
      now: () => this.now,
      oldest: () => new Map([[S, this.oldest]]),
      mode: () => this.mode,
      onFault: (error) => this.faults.push(error),
    });
  }
}
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

describe("the SLA desk", () => {
  it("writes downtimes down, and its report says the same before and after", async () => {
    const scene = new Scene();
    const desk = scene.desk();
    desk.look();
    scene.oldest = 1_000_000;
    scene.now = 1_030_000;
    desk.look();
    const during = await desk.report(PERIOD, 0.999);
    expect(during.fleet).toMatchObject({ downMs: 20_000, times: 1 });
    scene.oldest = null;
    desk.look();
    await settled();
    expect((await desk.report(PERIOD, 0.999)).fleet).toMatchObject({ downMs: 20_000, times: 1 });
    expect((await scene.desk().report(PERIOD, 0.999)).fleet).toMatchObject({ downMs: 20_000, measuredMs: 30_000 });
  });

  it("goes on through a stop: what a message waits for is one downtime", async () => {
    const scene = new Scene();
    const first = scene.desk();
    first.look();
    await settled();
    scene.oldest = 1_000_000;
    scene.now = 1_020_000;
    first.look();
    await first.stop();
    scene.store.close();
    scene.store = scene.open();
    scene.now = 1_100_000;
    const second = scene.desk();
    second.look();
    scene.oldest = null;
    scene.now = 1_101_000;
    second.look();
    await settled();
    expect((await second.report(PERIOD, 0.999)).fleet).toMatchObject({ downMs: 91_000, times: 1 });
  });

  it("ends a seat's time with the seat, and begins it anew with it", async () => {
    const store = new Scene().store.sla;
    const other = "sales/sales-2" as SeatId;
    await store.begin([S, other], 1000);
    await store.begin([S], 5000);
    expect((await store.read(0, 9000)).seats).toEqual([
      { seat: S, since: 1000, goneAt: null },
      { seat: other, since: 1000, goneAt: 5000 },
    ]);
    await store.begin([S, other], 8000);
    expect((await store.read(0, 9000)).seats).toMatchObject([{ since: 1000 }, { since: 8000, goneAt: null }]);
  });

  it("takes a roster that is not there for no news", async () => {
    const scene = new Scene();
    let seats = new Map<SeatId, number | null>([[S, 1_000_000]]);
    const desk = new SlaDesk({
      store: scene.store.sla,
      now: () => scene.now,
      oldest: () => seats,
      mode: () => "automatic",
      onFault: (error) => scene.faults.push(error),
    });
    desk.look();
    await settled();
    seats = new Map();
    scene.now = 1_030_000;
    desk.look();
    seats = new Map([[S, 1_000_000]]);
    desk.look();
    await settled();
    expect((await desk.report(PERIOD, 0.999)).fleet).toMatchObject({ measuredMs: 30_000, downMs: 20_000, times: 1 });
  });

  it("puts outages and pauses aside", async () => {
    const scene = new Scene();
    const desk = scene.desk();
    scene.mode = "paused";
    scene.oldest = 1_000_000;
    scene.now = 1_060_000;
    desk.look();
    expect((await desk.report(PERIOD, 0.999)).fleet).toMatchObject({ downMs: 0, maintenanceMs: 0 });
    await settled();
    expect((await desk.report(PERIOD, 0.999)).fleet).toMatchObject({ downMs: 0, maintenanceMs: 0, measuredMs: 0 });
    scene.now = 1_090_000;
    expect((await desk.report(PERIOD, 0.999)).fleet).toMatchObject({ downMs: 0, maintenanceMs: 30_000, measuredMs: 0 });
  });

  it("keeps what the store did not take, and says so", async () => {
    const scene = new Scene();
    const desk = scene.desk();
    desk.look();
    await settled();
    scene.store.close();
    scene.oldest = 1_000_000;
    scene.now = 1_030_000;
    desk.look();
    scene.oldest = null;
    desk.look();
    await settled();
    expect(scene.faults).toHaveLength(1);
    scene.store = scene.open();
  });
});
