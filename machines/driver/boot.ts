/** Which actors a node has, and with what they start: from the store's rows and the configuration. Starts only what is missing. */
import { checkup } from "../account/checkup.ts";
import { connectionMachine } from "../account/connection.ts";
import { detector } from "../account/detector.ts";
import { dialler } from "../account/dialler.ts";
import { healthMachine } from "../account/health.ts";
import { hash } from "../account/jitter.ts";
import { leaseMachine } from "../account/lease.ts";
import { masterMachine } from "../account/master.ts";
import { servantMachine } from "../account/servant.ts";
import { standingMachine } from "../account/standing.ts";
import type { Timings } from "../account/timings.ts";
import type { QueueConfig } from "../delivery/queue-config.ts";
import { queue } from "../delivery/queue.ts";
import { senderMachine } from "../delivery/sender.ts";
import { orchestratorMachine } from "../fleet/orchestrator.ts";
import { roster } from "../fleet/roster.ts";
import { seatMachine } from "../fleet/seat.ts";
import type { Clock } from "../ports/clock.ts";
import type { LineId, Millis, NodeId } from "../ports/ids.ts";
import type { FleetDeclaration, StoreAnswer } from "../ports/store.ts";
import type { AnyStateMachine } from "xstate";
import type { Address } from "../protocol.ts";
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
  /** Open messages that a line may have. */
  readonly outboxLimit: (line: LineId) => number;
}

export const startFleetActors = (driver: Driver, clock: Clock, loaded: Loaded, config: NodeConfig, life: string): void => {
  const { chart, reducer } = starters(driver);
  chart("orchestrator", "orchestrator", orchestratorMachine, {
    limit: Math.max(config.brake.seats, Math.floor(loaded.seats.length * config.brake.share)),
    within: config.brake.within,
  });
  reducer("dialler", "dialler", dialler, { perSecond: config.reconnectPerSecond }, clock);
  for (const seat of loaded.seats) {
    chart(`sender:${seat.id}`, "sender", senderMachine, { seat: seat.id, resolveFor: config.timings.resolveFor });
    reducer(`queue:${seat.id}`, "queue", queue, { seat: seat.id, ...config.queue(seat.line) }, clock);
    chart(`seat:${seat.id}`, "seat", seatMachine, { row: seat, timings: config.timings.seat, life });
  }
  reducer(
    "roster",
    "roster",
    roster,
    {
      accounts: loaded.accounts.map((account) => ({
        ...account,
        devices: loaded.devices
          .filter((device) => device.account === account.id)
          .map(({ id, link }) => ({ id, linked: link === "linked" })),
      })),
      lines: loaded.lines,
      seats: loaded.seats,
      candidateFresh: config.timings.candidateFresh,
      cooldown: config.timings.cooldown,
      togetherWithin: config.timings.togetherWithin,
    },
    clock,
  );
};

export const startAccountActors = (driver: Driver, clock: Clock, loaded: Loaded, config: NodeConfig, node: NodeId): void => {
  const { chart, reducer } = starters(driver);
  const at = clock.now();
  const { timings } = config;
  for (const account of loaded.accounts) {
    const devices = loaded.devices.filter((device) => device.account === account.id).map(({ id }) => id);
    chart(`standing:${account.id}`, "standing", standingMachine, {
      account: account.id,
      at,
      standing: account.standing,
      until: account.standingUntil,
    });
    chart(`${account.role}:${account.id}`, account.role, account.role === "master" ? masterMachine : servantMachine, {
      account: account.id,
    });
    reducer(`checkup:${account.id}`, "checkup", checkup, { account: account.id, devices, every: timings.deepCheck }, clock);
  }
  for (const device of loaded.devices) {
    const account = loaded.accounts.find(({ id }) => id === device.account);
    const watch = account?.role === "servant" ? ("servant" as const) : ("standby" as const);
    reducer(`detector:${device.id}`, "detector", detector, { device: device.id, watch, timers: timings.detector }, clock);
    chart(`health:${device.id}`, "health", healthMachine, { device: device.id, at, timers: timings.health });
    chart(`lease:${device.id}`, "lease", leaseMachine, { device: device.id, node, at, ...config.lease });
    chart(`connection:${device.id}`, "connection", connectionMachine, {
      device: device.id,
      at,
      link: device.link,
      standing: account?.standing ?? "good",
      standingUntil: account?.standingUntil ?? null,
      seed: hash(device.id),
      timers: { connectTimeout: timings.connectTimeout },
    });
  }
};

const starters = (driver: Driver) => ({
  chart: (address: Address, kind: string, machine: AnyStateMachine, input: unknown): void => {
    if (!driver.has(address)) driver.startChart(address, kind, machine, input);
  },
  reducer: (...[address, kind, reducer, input]: [...Parameters<Driver["startReducer"]>, Clock]): void => {
    if (!driver.has(address)) driver.startReducer(address, kind, reducer, input);
  },
});
