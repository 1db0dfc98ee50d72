/** Which actors a node has, and with what they start: from the store's rows and the configuration. Starts only what is missing. */
import { hash } from "../account/jitter.ts";
import type { Timings } from "../account/timings.ts";
import type { LineBalance, Strategy } from "../delivery/balance/strategy.ts";
import { Allowance, type Caps } from "../delivery/caps.ts";
import { Buckets } from "../delivery/pace.ts";
import type { Work } from "../delivery/work.ts";
import { type Post, postsOf } from "../fleet/posts.ts";
import type { QueueConfig } from "../delivery/queue-config.ts";
import type { Clock } from "../ports/clock.ts";
import {
  type AccountId,
  accountOf,
  type DeviceId,
  type LineId,
  lineOf,
  type Millis,
  type NodeId,
  type SeatId,
  seatOf,
} from "../ports/ids.ts";
import type { DeviceRow, FleetDeclaration, SeatRow, StoreAnswer } from "../ports/store.ts";
import type { AnyStateMachine } from "xstate";
import type { Address } from "../protocol.ts";
import { ACTORS, type Actors } from "./actors.ts";
import type { RosterMemory } from "../fleet/roster.ts";
import type { Driver } from "./driver.ts";

export type Loaded = Extract<StoreAnswer<"fleet.load">, { kind: "loaded" }>;

export interface NodeConfig {
  readonly declaration: FleetDeclaration;
  readonly timings: Timings;
  readonly lease: { readonly ttl: Millis; readonly renewEvery: Millis | null };
  /** Dials per second over all devices. */
  readonly reconnectPerSecond: number;
  /** Seats that may begin to move by themselves within `within` ms: the larger of a number and a share of all seats. */
  readonly brake: { readonly seats: number; readonly share: number; readonly within: Millis };
  readonly queue: (line: LineId) => Partial<QueueConfig>;
  /** Whether a line's seats return by themselves to their own account once it is well again. */
  readonly failback: (line: LineId) => "manual" | "automatic";
  /** Whether what waits on a line is shared out again when one seat has much more of it than another; left out: only when it is ordered. */
  readonly rebalance?: (line: LineId) => "manual" | "auto";
  /** What a line gives its servants to do; left out: nothing. */
  readonly work?: (line: LineId) => readonly Work[];
  /** Open messages that a line may have. */
  readonly outboxLimit: (line: LineId) => number;
  /** How a line shares out new conversations; left out: in turn, and all such lines in one turn. */
  readonly balance?: (line: LineId) => LineBalance | undefined;
  /** What accounts may send in an hour and in a day; those that are left out may send what they like. */
  readonly caps?: Readonly<Record<AccountId, Caps>>;
  /** A user's own, besides ours: what `balance` may name. */
  readonly strategies?: readonly Strategy[];
  /** What every actor runs on; production's own unless said otherwise. */
  readonly actors?: Actors;
}

/**
 * What the store knows, without what is no longer declared: it stays in the store, and nothing of it is started. A seat outlives
 * its account, because conversations and messages are its own: it goes on while its line does, with another master.
 */
export const declaredOf = (loaded: Loaded, { accounts, lines }: FleetDeclaration): Loaded => {
  const devices = new Set(accounts.flatMap((account) => account.devices));
  const declared = new Set(accounts.map(({ id }) => id));
  const lineIds = new Set(lines.map(({ id }) => id));
  return {
    ...loaded,
    accounts: loaded.accounts.filter(({ id }) => declared.has(id)),
    devices: loaded.devices.filter(({ id }) => devices.has(id)),
    lines: loaded.lines.filter(({ id }) => lineIds.has(id)),
    seats: loaded.seats.filter(({ line }) => lineIds.has(line)),
  };
};

/** Seats whose holder may no longer speak for them: its device was taken out of the fleet, or its account off the line. */
export const orphaned = ({ seats, devices, lines }: Loaded): readonly (SeatRow & { readonly holder: DeviceId })[] =>
  seats.filter((seat): seat is SeatRow & { readonly holder: DeviceId } => {
    const { holder } = seat;
    if (holder === null) return false;
    const masters = lines.find(({ id }) => id === seat.line)?.masters ?? [];
    return !devices.some(({ id }) => id === holder) || !masters.includes(accountOf(holder));
  });

/** Where servants work. */
export const postsIn = ({ lines, seats }: Loaded, config: NodeConfig): readonly Post[] =>
  lines.flatMap((line) => {
    if ((config.work?.(line.id) ?? []).length === 0) return [];
    return postsOf(
      line,
      seats.filter((seat) => seat.line === line.id).map(({ id }) => id),
    );
  });

/** What takes the actors in: the driver, or whoever stands in for it. */
export type Host = Pick<Driver, "has" | "startChart" | "startReducer">;

/** The paces of all accounts: one bucket each for the life of a node, whatever seats they speak for and whichever queue dies. */
export const bucketsOf = (loaded: Loaded, config: NodeConfig, at: Millis): Buckets => new Buckets(pacesOf(loaded, config), at);
export const pacesOf = ({ lines }: Loaded, config: NodeConfig): QueueConfig["pacing"] =>
  Object.assign({}, ...lines.map(({ id }) => config.queue(id).pacing ?? {})) as QueueConfig["pacing"];

export const startFleetActors = (
  driver: Host,
  clock: Clock,
  loaded: Loaded,
  config: NodeConfig,
  life: string,
  buckets: Buckets = bucketsOf(loaded, config, clock.now()),
  allowance: Allowance = new Allowance({}, []),
  memory?: RosterMemory,
): void => {
  const { chart, reducer } = starters(driver);
  const { actors = ACTORS } = config;
  chart("orchestrator", "orchestrator", actors.orchestrator, {
    limit: Math.max(config.brake.seats, Math.floor(loaded.seats.length * config.brake.share)),
    within: config.brake.within,
  });
  reducer("dialler", "dialler", actors.dialler, { perSecond: config.reconnectPerSecond }, clock);
  const desk = (seat: SeatId): void => {
    chart(`sender:${seat}`, "sender", actors.sender, { seat, resolveFor: config.timings.resolveFor });
    reducer(`queue:${seat}`, "queue", actors.queue, { seat, ...config.queue(lineOf(seat)), buckets, allowance }, clock);
  };
  for (const seat of loaded.seats) {
    desk(seat.id);
    chart(`seat:${seat.id}`, "seat", actors.seat, { row: seat, timings: config.timings.seat, life });
  }
  const posts = postsIn(loaded, config);
  const stray = loaded.posts.filter((id) => !posts.some((post) => post.id === id) && isDeclared(loaded, seatOf(id)));
  for (const { id } of posts) desk(id);
  reducer(
    "roster",
    "roster",
    actors.roster,
    {
      accounts: loaded.accounts.map((account) => ({
        ...account,
        devices: loaded.devices
          .filter((device) => device.account === account.id)
          .map(({ id, link }) => ({ id, linked: link === "linked", cordoned: loaded.orders.cordoned.includes(id) })),
      })),
      lines: loaded.lines,
      failback: loaded.lines.map(({ id }) => id).filter((line) => config.failback(line) === "automatic"),
      seats: loaded.seats,
      candidateFresh: config.timings.candidateFresh,
      cooldown: config.timings.cooldown,
      togetherWithin: config.timings.togetherWithin,
      ...(memory ? { memory } : {}),
      ...(posts.length + stray.length > 0 ? { work: { posts, stray, patience: config.timings.seat.numberAfter } } : {}),
      allowance,
    },
    clock,
  );
};

/** `lastDial`: the number of a device's newest dial in this life of the node, for a connection that starts again. */
export const startAccountActors = (
  driver: Host,
  clock: Clock,
  loaded: Loaded,
  config: NodeConfig,
  node: NodeId,
  lastDial: (device: DeviceId) => number = () => 0,
): void => {
  const { chart, reducer } = starters(driver);
  const { actors = ACTORS } = config;
  const at = clock.now();
  const { timings } = config;
  for (const account of loaded.accounts) {
    const devices = loaded.devices.filter((device) => device.account === account.id).map(({ id }) => id);
    chart(`standing:${account.id}`, "standing", actors.standing, {
      account: account.id,
      at,
      standing: account.standing,
      until: account.standingUntil,
    });
    chart(`${account.role}:${account.id}`, account.role, actors[account.role], {
      account: account.id,
    });
    reducer(
      `checkup:${account.id}`,
      "checkup",
      actors.checkup,
      { account: account.id, devices, every: timings.deepCheck, standing: account.standing, until: account.standingUntil },
      clock,
    );
  }
  for (const device of loaded.devices) {
    const account = loaded.accounts.find(({ id }) => id === device.account);
    const watch = account?.role === "servant" ? ("servant" as const) : ("standby" as const);
    reducer(`detector:${device.id}`, "detector", actors.detector, { device: device.id, watch, timers: timings.detector }, clock);
    chart(`health:${device.id}`, "health", actors.health, { device: device.id, at, timers: patienceFor(device, timings.health) });
    chart(`lease:${device.id}`, "lease", actors.lease, { device: device.id, node, at, ...config.lease });
    chart(`connection:${device.id}`, "connection", actors.connection, {
      device: device.id,
      at,
      link: device.link,
      standing: account?.standing ?? "good",
      standingUntil: account?.standingUntil ?? null,
      seed: hash(device.id),
      lastDial: lastDial(device.id),
      timers: { connectTimeout: timings.connectTimeout },
    });
  }
};

/** A device that nobody has linked yet has not failed, however long that takes; it holds no seat. */
const patienceFor = ({ link }: DeviceRow, timers: Timings["health"]): Timings["health"] =>
  link === "unlinked" ? { ...timers, bootGrace: LONGEST } : timers;
/** Timers of the platform take no longer spans than 24 days. */
const LONGEST: Millis = 86_400_000 * 24;

const isDeclared = ({ seats }: Loaded, seat: SeatId): boolean => seats.some(({ id }) => id === seat);

const starters = (driver: Host) => ({
  chart: (address: Address, kind: string, machine: AnyStateMachine, input: unknown): void => {
    if (!driver.has(address)) driver.startChart(address, kind, machine, input);
  },
  reducer: (...[address, kind, reducer, input]: [...Parameters<Driver["startReducer"]>, Clock]): void => {
    if (!driver.has(address)) driver.startReducer(address, kind, reducer, input);
  },
});
