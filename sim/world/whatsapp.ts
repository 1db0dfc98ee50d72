/**
 * The world in which a fleet lives: one clock, one seed, WhatsApp with its accounts and people, the faults, and the ledger of
 * what really happened. Nodes come to it for a connection port each; the store stands beside it.
 */
import type { AccountId, DeviceId, Millis, NodeId, SeatId } from "../../machines/ports/ids.ts";
import type { StorePort } from "../../machines/ports/store.ts";
import { createBoard, type FaultBoard } from "../faults/board.ts";
import type { FaultWorld, LinkView, Order, Target } from "../faults/rule.ts";
import { Adapter, type AdapterOptions } from "./adapter.ts";
import { createClock, type NodeClock, type WorldClock } from "./clock.ts";
import type { FaultyStore } from "./faulty-store.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { createRandom, type RandomSource } from "./random.ts";
import { Service } from "./service.ts";
import { defaultTuning, type Tuning } from "./tuning.ts";

export interface WorldOptions {
  readonly seed: number | string;
  readonly startAt?: Millis;
  readonly tuning?: Partial<Tuning>;
}

/** What the world may do to a node, given by whoever runs it. */
export interface NodeControl {
  readonly clock: NodeClock;
  readonly store: FaultyStore;
  /** Kill it; start it anew after `downFor`, unless null. */
  crash(downFor: Millis | null): void;
}

export interface World {
  readonly clock: WorldClock;
  readonly random: RandomSource;
  readonly ledger: Ledger;
  readonly board: FaultBoard;
  readonly service: Service;
  readonly tuning: Tuning;
  /** The connection port of a node that has just started. */
  connections(clock: NodeClock, store: StorePort, gate?: AdapterOptions["gate"]): Adapter;
  /** Lets faults reach the node. */
  control(node: NodeControl): void;
  /** Ends the store's transaction under way: set by whoever made the store. */
  crashStore: (applied: boolean) => void;
  /** Carries an operator's word to the node that runs; false if none does. Set by whoever runs it. */
  order: (order: Order) => boolean;
  /** Who speaks for a seat in truth (the store's row); faults that aim at a seat ask this. */
  holderOf: (seat: SeatId) => DeviceId | null;
}

export const createWorld = ({ seed, startAt = 0, tuning: given = {} }: WorldOptions): World => {
  const clock = createClock(startAt);
  const random = createRandom(seed);
  const ledger = createLedger(() => clock.now());
  const tuning: Tuning = { ...defaultTuning, ...given };
  const board = createBoard(clock, random, ledger);
  const service = new Service({ clock, random, ledger, tuning });
  const adapters = new Map<NodeId, Adapter>();
  const controls = new Map<NodeId, NodeControl>();
  let links = 0;
  const world: World = {
    clock,
    random,
    ledger,
    board,
    service,
    tuning,
    holderOf: () => null,
    crashStore: () => {},
    order: () => false,
    connections(node, store, gate) {
      const options = { clock: node, world: clock, store, service, board, nextLink: () => ++links };
      const adapter = new Adapter(gate ? { ...options, gate } : options);
      adapters.set(node.id, adapter);
      return adapter;
    },
    control: (node) => void controls.set(node.clock.id, node),
  };
  board.attach(new Reach(world, adapters, controls));
  return world;
};

/** The long arm of faults. */
class Reach implements FaultWorld {
  readonly #world: World;
  readonly #adapters: ReadonlyMap<NodeId, Adapter>;
  readonly #controls: ReadonlyMap<NodeId, NodeControl>;

  constructor(world: World, adapters: ReadonlyMap<NodeId, Adapter>, controls: ReadonlyMap<NodeId, NodeControl>) {
    this.#world = world;
    this.#adapters = adapters;
    this.#controls = controls;
  }

  now(): Millis {
    return this.#world.clock.now();
  }

  devices(target: Target): readonly DeviceId[] {
    const { service, holderOf } = this.#world;
    if ("device" in target) return [target.device];
    if ("account" in target) return service.devicesOf(target.account);
    if ("seat" in target) {
      const holder = holderOf(target.seat);
      return holder === null ? [] : [holder];
    }
    const all = service.accountIds().flatMap((account) => service.devicesOf(account));
    if ("region" in target) return all.filter((device) => service.regionOf(device) === target.region);
    if ("all" in target) return all;
    return (this.#adapters.get(target.node)?.links() ?? []).map(({ device }) => device);
  }

  nodes(target: Target): readonly NodeId[] {
    if ("node" in target) return this.#controls.has(target.node) ? [target.node] : [];
    if ("all" in target) return [...this.#controls.keys()];
    return [];
  }

  links(devices: readonly DeviceId[]): readonly LinkView[] {
    const wanted = new Set(devices);
    return [...this.#adapters.values()].flatMap((adapter) => adapter.links()).filter(({ device }) => wanted.has(device));
  }

  closeLinks(devices: readonly DeviceId[], code: number): number {
    return devices.filter((device) => this.#world.service.endSession(device, code)).length;
  }

  replace(devices: readonly DeviceId[], returns: number): number {
    return devices.filter((device) => this.#world.service.replace(device, returns)).length;
  }

  logOut(devices: readonly DeviceId[]): number {
    return devices.filter((device) => this.#world.service.logOut(device)).length;
  }

  restrict(devices: readonly DeviceId[], until: Millis | null, announced: boolean): number {
    return this.#accounts(devices).filter((account) => this.#world.service.restrict(account, until, announced, "fault")).length;
  }

  ban(devices: readonly DeviceId[], code: 402 | 406, until: Millis | null): number {
    const accounts = this.#accounts(devices);
    for (const account of accounts) this.#world.service.ban(account, code, until, "fault");
    return accounts.length;
  }

  phoneGone(devices: readonly DeviceId[], gone: boolean): number {
    return this.#accounts(devices).filter((account) => this.#world.service.phoneGone(account, gone)).length;
  }

  pardon(devices: readonly DeviceId[]): void {
    for (const account of this.#accounts(devices)) this.#world.service.pardon(account);
  }

  crashNode(node: NodeId, tells: boolean, downFor: Millis | null): boolean {
    const control = this.#controls.get(node);
    if (!control?.clock.alive) return false;
    this.#world.ledger.record({ kind: "node", node, what: "crashed", for: downFor });
    this.#adapters.get(node)?.die(tells);
    control.clock.stop();
    control.crash(downFor);
    return true;
  }

  stallNode(node: NodeId, length: Millis): boolean {
    const control = this.#controls.get(node);
    if (!control?.clock.alive) return false;
    this.#world.ledger.record({ kind: "node", node, what: "stalled", for: length });
    control.clock.stall(length);
    return true;
  }

  delayTimers(node: NodeId, draw: (() => Millis) | null): boolean {
    const control = this.#controls.get(node);
    control?.clock.delayTimers(draw);
    return control !== undefined;
  }

  crashStore(applied: boolean): void {
    this.#world.crashStore(applied);
    for (const { store } of this.#controls.values()) store.crash();
  }

  skewNode(node: NodeId, offset: Millis, rate: number): boolean {
    const control = this.#controls.get(node);
    if (!control) return false;
    this.#world.ledger.record({ kind: "node", node, what: "skewed", for: null });
    control.clock.skew(offset, rate);
    return true;
  }

  order(order: Order): boolean {
    return this.#world.order(order);
  }

  #accounts(devices: readonly DeviceId[]): readonly AccountId[] {
    const { service } = this.#world;
    return service.accountIds().filter((account) => service.devicesOf(account).some((device) => devices.includes(device)));
  }
}
