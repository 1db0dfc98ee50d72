/** How far an exploration goes: the fleet, the faults, and the settings, with durations in whole ticks. */
import type { Timings } from "../../machines/account/timings.ts";
import { timingsOf } from "../../machines/account/timings.ts";
import { DEFAULT_TIMERS } from "../../machines/account/timers.ts";
import type { Actors } from "../../machines/driver/actors.ts";
import type { NodeConfig } from "../../machines/driver/boot.ts";
import { accountId, deviceId, lineId, type DeviceId, type Millis } from "../../machines/ports/ids.ts";
import type { FleetDeclaration } from "../../machines/ports/store.ts";

/** Every kind of fault, in the order in which they are tried. */
export const FAULT_KINDS = [
  "silence",
  "close",
  "cut",
  "logout",
  "crash",
  "slow-dial",
  "late",
  "lose",
  "repeat",
  "refuse-lease",
  "stall-lease",
  "other-writer",
  "fail-store",
  "lose-store",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Bounds {
  /** Accounts that are masters of the one line, in priority order. */
  readonly masters: number;
  /** How many of them have a seat; the rest stand by. */
  readonly seats: number;
  /** How many of them have a second device. */
  readonly twins: number;
  /** Faults in one story. */
  readonly faults: number;
  /** Messages on their way at one time. */
  readonly flights: number;
  readonly kinds: readonly FaultKind[];
  /** Give up after so many states; null: never. */
  readonly states: number | null;
}

/** The others are the store's long absences and a second writer: each has a sweep of its own. */
const COMMON: readonly FaultKind[] = FAULT_KINDS.filter(
  (kind) => kind !== "other-writer" && kind !== "fail-store" && kind !== "lose-store",
);

export const DEFAULT_BOUNDS: Bounds = {
  masters: 3,
  seats: 1,
  twins: 0,
  faults: 2,
  flights: 3,
  kinds: COMMON,
  states: null,
};

export interface Sweep {
  readonly name: string;
  readonly bounds: Bounds;
}
const few = (masters: number, faults: number, ...kinds: readonly FaultKind[]): Bounds => ({
  ...DEFAULT_BOUNDS,
  masters,
  faults,
  kinds,
});
/** Everything with two faults; and deeper, with the few kinds that together exhaust what a failover may try. */
export const SWEEPS: readonly Sweep[] = [
  { name: "two faults of any common kind", bounds: DEFAULT_BOUNDS },
  { name: "holder and candidates fail", bounds: few(3, 3, "logout", "lose") },
  { name: "the store is not there", bounds: few(2, 4, "close", "slow-dial", "lose", "fail-store", "lose-store") },
  { name: "the store answers late", bounds: few(2, 5, "close", "slow-dial", "late", "lose") },
  { name: "somebody else writes", bounds: few(3, 4, "close", "slow-dial", "lose", "other-writer") },
];

/** Nothing in the explored world takes a part of a tick: a timer set for less fires at the next. */
export const TICK: Millis = 1000;
/** Well away from zero, so that "never" and "at the beginning" can't be confused. */
export const BEGIN: Millis = 1_000_000;

const LINE = lineId("line");

export const fleetOf = ({ masters, twins }: Bounds): FleetDeclaration => {
  const accounts = Array.from({ length: masters }, (_, i) => {
    const id = accountId(`m${i + 1}`);
    const devices = (i < twins ? ["a", "b"] : ["a"]).map((name) => deviceId(id, name));
    return { id, role: "master" as const, devices };
  });
  return {
    accounts,
    lines: [{ id: LINE, masters: accounts.map(({ id }) => id), servants: [], strategy: "round-robin" }],
  };
};
export const devicesOf = (bounds: Bounds): readonly DeviceId[] => fleetOf(bounds).accounts.flatMap(({ devices }) => devices);

/** The order of the deadlines is production's; their lengths are as short as that order allows. */
const TIMINGS: Timings = {
  ...timingsOf(DEFAULT_TIMERS),
  health: {
    late: TICK,
    overdue: 2 * TICK,
    gone: 3 * TICK,
    bootGrace: 2 * TICK,
    probation: 2 * TICK,
    repairCooldown: 3 * TICK,
  },
  seat: {
    twinAfter: TICK,
    numberAfter: 2 * TICK,
    numberAfterClose: 2 * TICK,
    verify: TICK,
    patience: TICK,
    rerank: TICK,
    /** However often it is doubled, it is over at the next tick. */
    askAgain: TICK / 1000,
  },
  /** Seen in this very tick. */
  candidateFresh: TICK / 2,
  cooldown: 3 * TICK,
  togetherWithin: TICK,
};

export const configOf = (bounds: Bounds, actors?: Actors): NodeConfig => ({
  declaration: fleetOf(bounds),
  timings: TIMINGS,
  lease: { ttl: 4 * TICK, renewEvery: TICK },
  reconnectPerSecond: 1000,
  brake: { seats: 2, share: 0.1, within: 3 * TICK },
  queue: () => ({}),
  failback: () => "manual",
  outboxLimit: () => 1,
  ...(actors ? { actors } : {}),
});
