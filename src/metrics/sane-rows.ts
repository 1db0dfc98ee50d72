/** Minutes of statistics as they come out of a store: one that can't be true, whatever wrote it, is left out and counted. */
import type { Millis } from "../../machines/ports/ids.ts";
import type { PerformanceRow } from "../../machines/ports/store.ts";

/** More than any seat does in a minute, and longer than anything is waited for. */
const MOST = 1_000_000;
const LONGEST: Millis = 3_600_000;
/** A clock may have been set back a little since. */
const AHEAD: Millis = 3_600_000;

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0 && value <= MOST;
const isSpan = (value: Millis | null): boolean => value === null || (Number.isFinite(value) && value >= 0 && value <= LONGEST);

const isSane = ({ at, line, seat, begun, sent, acked, failed, p50, p99 }: PerformanceRow, now: Millis): boolean =>
  Number.isSafeInteger(at) &&
  at >= 0 &&
  at <= now + AHEAD &&
  seat.startsWith(`${line}/`) &&
  [begun, sent, acked, failed].every(isCount) &&
  isSpan(p50) &&
  isSpan(p99) &&
  (p50 ?? 0) <= (p99 ?? LONGEST);

export const saneRows = (
  rows: readonly PerformanceRow[],
  now: Millis,
): { readonly rows: readonly PerformanceRow[]; readonly damaged: number } => {
  const sane = rows.filter((row) => isSane(row, now));
  return { rows: sane, damaged: rows.length - sane.length };
};
