/** What alerts were there, and how soon people and the fleet dealt with them: by day, account or rule. */
import type { Millis } from "../../machines/ports/ids.ts";
import type { AlertHistoryRow } from "./store.ts";

export const REPORTS = ["day", "account", "rule"] as const;
export type ReportBy = (typeof REPORTS)[number];
export interface ReportRow {
  readonly name: string;
  readonly alerts: number;
  readonly critical: number;
  readonly open: number;
  readonly acknowledged: number;
  /** Medians, of those that were; null: none was. */
  readonly toAcknowledge: Millis | null;
  readonly toResolve: Millis | null;
  readonly longest: Millis | null;
}

/** `accountsOf`: of a subject; none if it is no account's. */
export const reportOf = (
  rows: readonly AlertHistoryRow[],
  by: ReportBy,
  accountsOf: (subject: string) => string | null,
): ReportRow[] => {
  const nameOf = ({ rule, subject, raisedAt }: AlertHistoryRow): string => {
    if (by === "rule") return rule;
    return by === "day" ? new Date(raisedAt).toISOString().slice(0, 10) : (accountsOf(subject) ?? "-");
  };
  return [...Map.groupBy(rows, nameOf)]
    .map(([name, group]) => {
      const acknowledged = group.flatMap((row) => (row.acknowledged ? [row.acknowledged.at - row.raisedAt] : []));
      const resolved = group.flatMap((row) => (row.resolvedAt === null ? [] : [row.resolvedAt - row.raisedAt]));
      return {
        name,
        alerts: group.length,
        critical: group.filter(({ level }) => level === "critical").length,
        open: group.filter(({ state }) => state === "open").length,
        acknowledged: acknowledged.length,
        toAcknowledge: median(acknowledged),
        toResolve: median(resolved),
        longest: resolved.length === 0 ? null : Math.max(...resolved),
      };
    })
    .toSorted((one, other) => (by === "day" ? one.name.localeCompare(other.name) : other.alerts - one.alerts));
};

const median = (values: readonly Millis[]): Millis | null => {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
};
