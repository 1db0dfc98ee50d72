import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { PerformanceRow } from "../../machines/ports/store.ts";
import { saneRows } from "../../src/metrics/sane-rows.ts";
import { COLUMNS, csvOf, exportedRow } from "../../src/metrics/export.ts";

const NOW = 1_760_000_000_000;
const ROW = {
  at: NOW - 60_000,
  line: "sales",
  seat: "sales/sales-1",
  account: "sales-1",
  strategy: "round-robin",
  begun: 1,
  sent: 3,
  acked: 2,
  failed: 1,
  p50: 200,
  p99: 900,
} as PerformanceRow;

it("keeps a minute that may be true, also one without an ack", () => {
  const quiet = { ...ROW, sent: 0, acked: 0, failed: 0, p50: null, p99: null };
  expect(saneRows([ROW, quiet], NOW)).toEqual({ rows: [ROW, quiet], damaged: 0 });
});

it.each([
  { at: -1 },
  { at: NOW + 86_400_000 },
  { at: Number.NaN },
  { sent: -1 },
  { acked: 2 ** 62 },
  { failed: 0.5 },
  { p50: -3 },
  { p99: Number.POSITIVE_INFINITY },
  { p50: 900, p99: 200 },
  { seat: "other/sales-1" },
])("leaves out and counts what can't be: %j", (wrong) => {
  expect(saneRows([ROW, { ...ROW, ...wrong } as PerformanceRow], NOW)).toEqual({ rows: [ROW], damaged: 1 });
});

it("throws at nothing, whatever the numbers, and what is left can be exported", () => {
  const anything = fc.record({
    at: fc.double(),
    sent: fc.double(),
    p50: fc.option(fc.double()),
    p99: fc.option(fc.maxSafeInteger()),
  });
  fc.assert(
    fc.property(fc.array(anything), (wrong) => {
      const given = wrong.map((each) => ({ ...ROW, ...each }));
      const { rows, damaged } = saneRows(given, NOW);
      expect(rows.length + damaged).toBe(given.length);
      expect(csvOf(rows.map(exportedRow)).split("\n").length).toBe(rows.length + 1);
      expect(Object.keys(exportedRow(ROW))).toEqual([...COLUMNS]);
    }),
  );
});
