import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Recorder } from "../../machines/delivery/recorder.ts";
import type { Row } from "../../machines/delivery/window-row.ts";
import type { MessageId } from "../../machines/ports/ids.ts";
import type { OutboxChange, OutboxState } from "../../machines/ports/store.ts";

const LIMIT = 4;
const BATCH = 3;
const pause = (failures: number): number => 100 * failures;

const rowOf = (name: string): Row => ({ id: name as MessageId, unrecorded: 0 }) as Row;
const change = (row: Row, state: OutboxState, number?: number): OutboxChange => ({
  id: row.id,
  state,
  reason: null,
  ...(number === undefined ? {} : { attempt: { number, outcome: "unanswered", detail: null } }),
});

describe("a recorder", () => {
  it("asks for one record at a time, of what waits, and for what came meanwhile next", () => {
    const recorder = new Recorder(LIMIT, BATCH);
    const [a, b] = [rowOf("a"), rowOf("b")];
    expect(recorder.next(0)).toBeNull();
    recorder.add(a, change(a, "dispatched"));
    expect(recorder.next(0)).toEqual([change(a, "dispatched")]);
    recorder.add(a, change(a, "acknowledged"));
    recorder.add(b, change(b, "failed"));
    expect(recorder.next(0)).toBeNull();
    expect([a.unrecorded, b.unrecorded]).toEqual([2, 1]);
    expect(recorder.done()).toEqual([]);
    expect(recorder.next(0)).toEqual([change(a, "acknowledged"), change(b, "failed")]);
    expect(recorder.done()).toEqual([a, b]);
    expect(recorder.next(0)).toBeNull();
  });

  it("makes one of two changes of a row that wait together, unless each tells of an attempt of its own", () => {
    const recorder = new Recorder(LIMIT, BATCH);
    const a = rowOf("a");
    recorder.add(a, change(a, "dispatched"));
    recorder.add(a, change(a, "unanswered", 1));
    recorder.add(a, change(a, "held", 1));
    recorder.add(a, change(a, "accepted"));
    expect(a.unrecorded).toBe(1);
    recorder.add(a, change(a, "unanswered", 2));
    expect(recorder.next(0)).toEqual([change(a, "accepted", 1), change(a, "unanswered", 2)]);
  });

  it("asks again for what failed, as it was, after a pause that grows with each failure and begins anew", () => {
    const recorder = new Recorder(LIMIT, BATCH);
    const [a, b] = [rowOf("a"), rowOf("b")];
    recorder.failed(0, pause);
    expect(recorder.retryAt).toBeNull();
    recorder.add(a, change(a, "dispatched"));
    recorder.next(0);
    recorder.add(b, change(b, "failed"));
    recorder.failed(10, pause);
    expect(recorder.retryAt).toBe(110);
    expect(recorder.next(109)).toBeNull();
    expect(recorder.next(110)).toEqual([change(a, "dispatched")]);
    expect([recorder.retryAt, recorder.next(110)]).toEqual([null, null]);
    recorder.failed(110, pause);
    expect(recorder.retryAt).toBe(310);
    expect(recorder.done()).toEqual([a]);
    expect(recorder.retryAt).toBeNull();
    recorder.next(310);
    recorder.failed(310, pause);
    expect(recorder.retryAt).toBe(410);
  });

  it("is full when as many changes wait as it was told", () => {
    const recorder = new Recorder(LIMIT, BATCH);
    const rows = ["a", "b", "c", "d"].map(rowOf);
    const full = rows.map((row) => {
      recorder.add(row, change(row, "failed"));
      return recorder.isFull;
    });
    expect(full).toEqual([false, false, false, true]);
    recorder.next(0);
    expect(recorder.isFull).toBe(false);
  });

  it("writes all that it was told, in order for each row, and no more at once than a batch", () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ row: fc.nat(4), attempt: fc.option(fc.integer({ min: 1, max: 3 })) }) },
      { weight: 1, arbitrary: fc.constant("done" as const) },
      { weight: 1, arbitrary: fc.constant("failed" as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const recorder = new Recorder(LIMIT, BATCH);
        const rows = ["a", "b", "c", "d", "e"].map(rowOf);
        const told = new Map(rows.map((row) => [row.id, [] as string[]]));
        const written = new Map(rows.map((row) => [row.id, [] as string[]]));
        const attempts = { told: new Set<string>(), written: new Set<string>() };
        let asked: readonly OutboxChange[] | null = null;
        let at = 0;
        const ask = (): void => {
          asked = recorder.next(at) ?? asked;
          expect(asked?.length ?? 0).toBeLessThanOrEqual(BATCH);
        };
        const done = (): void => {
          for (const { id, reason, attempt } of asked ?? []) {
            written.get(id)?.push(reason ?? "");
            if (attempt) attempts.written.add(`${id} ${attempt.number}`);
          }
          asked = null;
          // A row is known once nothing of it waits: the last that was written of it is the last that was told.
          for (const row of recorder.done()) expect(written.get(row.id)?.at(-1)).toBe(told.get(row.id)?.at(-1));
        };
        for (const each of steps) {
          at += 1000;
          if (each === "done") done();
          else if (each === "failed") recorder.failed(at, pause);
          else {
            const row = rows[each.row] as Row;
            recorder.add(row, { ...change(row, "accepted", each.attempt ?? undefined), reason: String(at) });
            told.get(row.id)?.push(String(at));
            if (each.attempt) attempts.told.add(`${row.id} ${each.attempt}`);
          }
          ask();
        }
        for (let turn = 0; turn <= steps.length; turn++) {
          at += 1e6;
          ask();
          done();
        }
        expect(rows.map(({ unrecorded }) => unrecorded)).toEqual([0, 0, 0, 0, 0]);
        expect(rows.map(({ id }) => written.get(id)?.at(-1))).toEqual(rows.map(({ id }) => told.get(id)?.at(-1)));
        expect(attempts.written).toEqual(attempts.told);
        for (const texts of written.values()) expect(texts).toEqual([...texts].sort((a, b) => Number(a) - Number(b)));
      }),
    );
  });
});
