/** What the store keeps of each minute, as a table for analysis: docs/metrics.md says what each column means. */
import type { PerformanceRow } from "../../machines/ports/store.ts";

/** Of the order and meaning of the columns: a new one comes last, and changes nothing. */
export const EXPORT_SCHEMA = "greenroom.metrics/1";
export const COLUMNS = [
  "time",
  "line",
  "seat",
  "account",
  "strategy",
  "begun",
  "sent",
  "acked",
  "failed",
  "ack_p50_ms",
  "ack_p99_ms",
] as const;
type ExportedRow = Readonly<Record<(typeof COLUMNS)[number], string | number | null>>;

export const exportedRow = ({ at, p50, p99, line, seat, account, strategy, ...counts }: PerformanceRow): ExportedRow => ({
  time: new Date(at).toISOString(),
  line,
  seat,
  account,
  strategy,
  begun: counts.begun,
  sent: counts.sent,
  acked: counts.acked,
  failed: counts.failed,
  ack_p50_ms: p50,
  ack_p99_ms: p99,
});

const cell = (value: string | number | null): string => {
  const text = value === null ? "" : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
/** RFC 4180, with a head. */
export const csvOf = (rows: readonly ExportedRow[]): string =>
  [COLUMNS.join(","), ...rows.map((row) => COLUMNS.map((column) => cell(row[column])).join(","))].join("\n");
