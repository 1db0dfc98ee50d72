/** A line's minutes, taken together: by seat, by who spoke for it, and by the strategy of the time. */
import type { AccountId, LineId, Millis, SeatId } from "../../machines/ports/ids.ts";
import type { PerformanceRow, Role } from "../../machines/ports/store.ts";

export interface PerformanceGroup {
  readonly seat: SeatId;
  readonly account: AccountId;
  readonly role: Role;
  readonly strategy: string;
  readonly begun: number;
  readonly sent: number;
  readonly acked: number;
  readonly failed: number;
  /** Of the minutes' own, by the number of their acks; null: there were none. */
  readonly p50: Millis | null;
  readonly p99: Millis | null;
  /** Of what the line sent, 0 to 1. */
  readonly share: number;
}
export interface PerformanceAnswer {
  readonly line: LineId;
  readonly since: Millis;
  readonly until: Millis;
  readonly groups: readonly PerformanceGroup[];
  /** The largest share of a seat over what its weight gives it: 1 is even. null: nothing was sent. */
  readonly imbalance: number | null;
  readonly minutes: readonly PerformanceRow[];
  /** Minutes in the store that can't be true, and are left out. */
  readonly damaged: number;
}

type Weighted = readonly { readonly seat: SeatId; readonly weight: number }[];

/** By seat, account and strategy, in the order of their names. */
export const groupsOf = (rows: readonly PerformanceRow[], roleOf: (account: AccountId) => Role): PerformanceGroup[] => {
  const groups = new Map<string, PerformanceRow[]>();
  for (const row of rows) {
    const name = JSON.stringify([row.seat, row.account, row.strategy]);
    groups.set(name, [...(groups.get(name) ?? []), row]);
  }
  const all = sum(rows, "sent");
  const inOrder = [...groups].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, group]) => group);
  return inOrder.flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const { seat, account, strategy } = first;
    const sent = sum(group, "sent");
    return {
      seat,
      account,
      role: roleOf(account),
      strategy,
      begun: sum(group, "begun"),
      sent,
      acked: sum(group, "acked"),
      failed: sum(group, "failed"),
      p50: quantile(group, "p50", 0.5),
      p99: quantile(group, "p99", 0.99),
      share: all === 0 ? 0 : sent / all,
    };
  });
};

export const imbalanceOf = (rows: readonly PerformanceRow[], seats: Weighted): number | null => {
  const all = sum(rows, "sent");
  const weights = seats.reduce((total, { weight }) => total + weight, 0);
  if (all === 0 || weights === 0) return null;
  const over = seats
    .filter(({ weight }) => weight > 0)
    .map(({ seat, weight }) => {
      const mine = rows.filter((row) => row.seat === seat);
      return (sum(mine, "sent") * weights) / (all * weight);
    });
  return Math.max(...over);
};

const sum = (rows: readonly PerformanceRow[], field: "begun" | "sent" | "acked" | "failed"): number =>
  rows.reduce((total, row) => total + row[field], 0);

/** The value below which so large a share of the acks lies, as far as the minutes tell. */
const quantile = (rows: readonly PerformanceRow[], field: "p50" | "p99", share: number): Millis | null => {
  const known = rows.flatMap(({ acked, [field]: value }) => (value === null || acked === 0 ? [] : [{ acked, value }]));
  const sorted = known.toSorted((one, other) => one.value - other.value);
  let left = share * sorted.reduce((total, { acked }) => total + acked, 0);
  for (const { acked, value } of sorted) {
    left -= acked;
    if (left <= 1e-9) return value;
  }
  return sorted.at(-1)?.value ?? null;
};
