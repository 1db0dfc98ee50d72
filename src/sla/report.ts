/** From downtimes to availability: per seat, and summed up per line, account and fleet. Pure. */
import { type AccountId, lineOf, type LineId, type Millis, type SeatId } from "../../machines/ports/ids.ts";
import type { Downtime } from "./meter.ts";
import { lengthOf, type Span, union, within } from "./spans.ts";

export interface MeasuredSeat {
  readonly seat: SeatId;
  /** Since when it is looked at. */
  readonly since: Millis;
  /** When it was no longer declared; null: it is. */
  readonly goneAt: Millis | null;
}
export interface Availability {
  /** Seats' time in all, without what is excluded. */
  readonly measuredMs: Millis;
  readonly downMs: Millis;
  readonly outageMs: Millis;
  readonly maintenanceMs: Millis;
  /** How often it was down. */
  readonly times: number;
  readonly longestMs: Millis;
  /** 0 to 1; null if nothing was measured. */
  readonly availability: number | null;
  /** Of the downtime that the target allows in the period; negative: overspent. Null if nothing was measured. */
  readonly budgetLeftMs: Millis | null;
  /** How many times as fast as the target allows the budget is spent: above 1 it does not last. */
  readonly burnRate: number | null;
}
export interface SlaReport extends Span {
  /** 0 to 1. */
  readonly target: number;
  readonly fleet: Availability;
  readonly lines: readonly (Availability & { readonly line: LineId })[];
  readonly accounts: readonly (Availability & { readonly account: AccountId })[];
  readonly seats: readonly (Availability & { readonly seat: SeatId })[];
}

export const slaReport = (
  period: Span,
  now: Millis,
  target: number,
  seats: readonly MeasuredSeat[],
  downtimes: readonly Downtime[],
): SlaReport => {
  const until = Math.min(period.to, now);
  const parts = seats.map(({ seat, since, goneAt }) =>
    partOf(seat, { from: Math.max(period.from, since), to: Math.min(until, goneAt ?? until) }, downtimes),
  );
  const sum = (those: readonly Part[]): Availability => summed(those, target, period);
  const grouped = <K extends string>(keyOf: (part: Part) => K): [K, Availability][] =>
    [...Map.groupBy(parts, keyOf)].map(([key, those]) => [key, sum(those)]);
  return {
    ...period,
    target,
    fleet: sum(parts),
    lines: grouped(({ seat }) => lineOf(seat)).map(([line, rest]) => ({ line, ...rest })),
    accounts: grouped(({ seat }) => accountOfSeat(seat)).map(([account, rest]) => ({ account, ...rest })),
    seats: parts.map((part) => ({ seat: part.seat, ...sum([part]) })),
  };
};

interface Part {
  readonly seat: SeatId;
  readonly measuredMs: Millis;
  readonly down: readonly Span[];
  readonly outageMs: Millis;
  readonly maintenanceMs: Millis;
}

const partOf = (seat: SeatId, bounds: Span, downtimes: readonly Downtime[]): Part => {
  const of = (blame: Downtime["blame"]): Span[] =>
    within(union(downtimes.filter((each) => each.seat === seat && each.blame === blame)), bounds);
  const [outageMs, maintenanceMs] = [lengthOf(of("outage")), lengthOf(of("maintenance"))];
  const whole = Math.max(0, bounds.to - bounds.from);
  return { seat, measuredMs: Math.max(0, whole - outageMs - maintenanceMs), down: of("seat"), outageMs, maintenanceMs };
};

const summed = (parts: readonly Part[], target: number, period: Span): Availability => {
  const total = (valueOf: (part: Part) => number): number => parts.reduce((sum, part) => sum + valueOf(part), 0);
  const measuredMs = total((part) => part.measuredMs);
  const downMs = total(({ down }) => lengthOf(down));
  const lengths = parts.flatMap(({ down }) => down.map(({ from, to }) => to - from));
  const allowed = (1 - target) * parts.length * (period.to - period.from);
  return {
    measuredMs,
    downMs,
    outageMs: total((part) => part.outageMs),
    maintenanceMs: total((part) => part.maintenanceMs),
    times: lengths.length,
    longestMs: Math.max(0, ...lengths),
    availability: measuredMs === 0 ? null : 1 - downMs / measuredMs,
    budgetLeftMs: measuredMs === 0 ? null : allowed - downMs,
    burnRate: measuredMs === 0 ? null : downMs / measuredMs / (1 - target),
  };
};

/** The account whose seat it is: the seat's name ends with it. */
const accountOfSeat = (seat: SeatId): AccountId => seat.slice(seat.indexOf("/") + 1) as AccountId;
