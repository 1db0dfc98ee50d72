/** The rows and numbers of an SLA report, for every format. */
import type { Availability, SlaReport } from "../sla/report.ts";
import { span } from "./text.ts";

type Row = readonly [kind: string, name: string, Availability];
export const rowsOf = ({ fleet, lines, accounts, seats }: SlaReport): Row[] => [
  ["fleet", "", fleet],
  ...lines.map((each): Row => ["line", each.line, each]),
  ...accounts.map((each): Row => ["account", each.account, each]),
  ...seats.map((each): Row => ["seat", each.seat, each]),
];
export const signed = (ms: number | null): string => (ms === null ? "-" : `${ms < 0 ? "-" : ""}${span(Math.abs(ms))}`);
/** Of a period before the first start, or to come. */
export const NOTHING_MEASURED = "Nothing was measured in that time: no seat was looked at.";
