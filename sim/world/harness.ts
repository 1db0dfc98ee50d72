/**
 * A whole fleet in a world: store, WhatsApp, people and workload on one virtual clock, and the node that production runs.
 * The node may crash and come back; what stays is the store and the world. Nothing here judges: it hands out the ground truth
 * (`world.ledger`), the durable rows (`store.tables`) and the node's own events.
 */
import type { NodeConfig } from "../../machines/driver/boot.ts";
import type { Observe } from "../../machines/driver/driver.ts";
import { JournalWriter, type JournalRecord } from "../../machines/driver/journal.ts";
import { Node } from "../../machines/driver/node.ts";
import {
  nodeId,
  type DeviceId,
  type LeaseTerm,
  type LineId,
  type Millis,
  type NodeId,
  type RequestId,
  type SeatId,
} from "../../machines/ports/ids.ts";
import type { FailoverRecord, FleetEventRow } from "../../machines/ports/records.ts";
import type {
  FleetDeclaration,
  SeatRow,
  StoreAnswer,
  StoreCommand,
  StoreOp,
  StoreOps,
  StorePort,
} from "../../machines/ports/store.ts";
import type { Fault } from "../faults/catalogue.ts";
import type { Order } from "../faults/rule.ts";
import type { Adapter } from "./adapter.ts";
import type { Gate, Grant } from "./device.ts";
import { createFaultyStore } from "./faulty-store.ts";
import { liveHabits, type Habits } from "./people.ts";
import type { Random } from "./random.ts";
import { referenceConfig } from "./reference.ts";
import type { PersonId } from "./ledger.ts";
import { createMemoryStore, type BatchFate, type MemoryStore } from "./store.ts";
import type { Tuning } from "./tuning.ts";
import { createWorld, type World } from "./whatsapp.ts";
import { countryOf, numberOf, personOf, startWorkload, steady, type Accepted, type Workload } from "./workload.ts";

export interface FleetOptions {
  readonly seed: number | string;
  readonly declaration: FleetDeclaration;
  readonly config?: Partial<NodeConfig>;
  readonly workload?: Partial<Workload>;
  readonly habits?: Habits;
  readonly tuning?: Partial<Tuning>;
  readonly faults?: readonly Fault[];
  /** From a question to the commit of its batch. */
  readonly storeLatency?: Millis;
  /** What ends a lease: the end of the process that holds the file (the default), or time. */
  readonly leases?: "file" | "clock";
  /** Regions of WhatsApp, dealt out to the accounts in turn. */
  readonly regions?: readonly string[];
  readonly gate?: Gate;
  /** Stands between the devices and the store. */
  readonly deviceStore?: (store: StorePort) => StorePort;
  /** The same, between the node and the store. */
  readonly nodeStore?: (store: StorePort) => StorePort;
  readonly observe?: Observe;
  /** Each record of the journal; null (the default) writes none. */
  readonly journal?: ((record: JournalRecord) => void) | null;
  /** Records between two checkpoints of the journal. */
  readonly checkpointEvery?: number;
}

/**
 * Well away from zero, so that "never" and "at the beginning" can't be confused, and far below 2^31: V8 keeps a larger time in an object of
 * its own, one for each event that carries it.
 */
const EPOCH: Millis = 1_000_000_000;
const BOOT_AGAIN: Millis = 1_000;
/** Messages that an application may think better of. */
const NEWEST = 40;
export const REGIONS = ["eu", "us"] as const;
export const NODE = nodeId("n1");

export class Fleet {
  readonly world: World;
  readonly store: MemoryStore;
  readonly accepted: Accepted[] = [];
  /** Messages that applications could not bring, because no node was there or the store refused. */
  turnedAway = 0;
  readonly id: NodeId = NODE;
  readonly #options: FleetOptions;
  readonly #config: NodeConfig;
  readonly #workload: Workload;
  #stopWorkload: () => void = () => {};
  #node: Node | null = null;
  #connections: Adapter | null = null;
  /** The store as the node that runs reaches it. */
  #port: StorePort | null = null;
  readonly #lifted = new Map<string, Order>();
  #lives = 0;
  #setupNo = 0;
  #nextBatch: BatchFate | undefined;
  /** Devices whose account's owner stands by with the phone, to link them again. */
  readonly #owners = new Set<DeviceId>();
  /** By number: of those whose country is known. */
  readonly #countries = new Map<string, string>();

  constructor(options: FleetOptions) {
    this.#options = options;
    const { seed, declaration, tuning, storeLatency = 2, leases = "file", regions = REGIONS } = options;
    this.#workload = { ...steady, ...options.workload };
    this.#config = { ...referenceConfig(declaration), ...options.config };
    this.world = createWorld({ seed, startAt: EPOCH, ...(tuning ? { tuning } : {}) });
    this.store = createMemoryStore({
      clock: this.world.clock,
      latency: storeLatency,
      countryOf: (number) => this.#countries.get(number) ?? null,
      leases,
      faults: () => this.#batchFate(),
      onSeat: ({ id, holder, term, phase }) => this.world.ledger.record({ kind: "seat", seat: id, holder, term, phase }),
      onLease: (device, { node, expiresAt }) => {
        if (leases === "clock") this.world.ledger.record({ kind: "lease", device, node, until: expiresAt });
      },
    });
    for (const [i, { id, devices }] of declaration.accounts.entries()) {
      this.world.service.addAccount(id, regions[i % regions.length] ?? "eu", devices);
    }
    // Not one by one: V8 puts a function that is written down as it is assigned among what is old, where it keeps a whole fleet that is over.
    Object.assign(this.world, {
      holderOf: (seat) => this.seat(seat)?.holder ?? null,
      crashStore: (applied) => this.#crashStore(applied),
      order: (order) => this.#order(order),
    } satisfies Partial<World>);
    this.#people();
    this.#furnish();
    for (const fault of options.faults ?? []) this.world.board.inject({ ...fault, at: EPOCH + fault.at });
    this.#boot();
  }

  /** Milliseconds since the world began. */
  get now(): Millis {
    return this.world.clock.now() - EPOCH;
  }
  /** The node that runs at present, if any does. */
  get node(): Node | null {
    return this.#node;
  }
  get lives(): number {
    return this.#lives;
  }

  run(length: Millis): this {
    this.world.clock.run(this.world.clock.now() + length);
    return this;
  }

  /** Runs until `done`; false if that took longer than `within`. */
  until(done: () => boolean, within: Millis): boolean {
    return this.world.clock.runUntil(done, this.world.clock.now() + within);
  }

  /** `at` counts from the world's beginning; by default it is now. */
  inject(fault: Omit<Fault, "at"> & { at?: Millis }): number {
    return this.world.board.inject({ ...fault, at: EPOCH + (fault.at ?? this.now) } as Fault);
  }

  startWorkload(): this {
    this.#stopWorkload = startWorkload(
      this.world,
      this.#options.declaration,
      this.#workload,
      (...message) => this.bring(...message),
      (stream) => this.#callBack(stream),
    );
    return this;
  }

  stopWorkload(): this {
    this.#stopWorkload();
    return this;
  }

  /** An application brings a message. */
  bring(line: LineId, to: PersonId, text: string, priority?: number): void {
    if (!this.#node) {
      this.turnedAway++;
      return;
    }
    const pn = this.#countries.has(numberOf(to)) ? numberOf(to) : null;
    const urgency = priority === undefined ? {} : { priority };
    this.#node.accept({ line, to: { lid: to, pn }, content: { kind: "text", text }, ...urgency }, (answer) => {
      if (answer.kind !== "accepted") this.turnedAway++;
      else if (!answer.duplicate) {
        const at = this.world.clock.now();
        this.accepted.push({ id: answer.id, waId: answer.waId, line, seat: answer.seat, to, at });
      }
    });
  }

  /** An application calls back one of the newest messages, as the runtime does it: the store decides, then the node is told. */
  #callBack(stream: Random): void {
    const [store, newest] = [this.#port, this.accepted.slice(-NEWEST)];
    if (!this.#node || !store || newest.length === 0) return;
    const { id } = stream.pick(newest);
    const audit = {
      at: this.world.clock.now(),
      actor: "operator:sim",
      action: "message.cancelled",
      subject: id,
      text: "called back",
      evidence: {},
    };
    const reqId = `cancel:${++this.#setupNo}` as RequestId;
    const command = { op: "outbox.cancel", reqId, id, reason: "called back", audit } as const;
    store.ask<"outbox.cancel">(command, (answer) => {
      if (answer.kind !== "cancelled") return;
      this.world.ledger.record({ kind: "calledBack", message: id });
      this.#node?.cancelled(answer.row.seat, id);
    });
  }

  redial(device: DeviceId): void {
    this.#node?.redial(device);
  }

  /** Who lifts an order looks whether it is lifted: a node that was down, or died before it was written down, is told again. */
  #note(order: Order): void {
    if (order.kind === "resume") this.#lifted.set("pause", order);
    else if (order.kind === "pause") this.#lifted.delete("pause");
    else if (order.kind === "cordon" && order.cordoned) this.#lifted.delete(order.device);
    else if (order.kind === "cordon") this.#lifted.set(order.device, order);
  }

  /** An operator asks for the device to be linked again, and its owner takes the offer. False if there is no node to ask. */
  linkAgain(device: DeviceId): boolean {
    this.#owners.add(device);
    this.#node?.link(device, { kind: "qr" });
    return this.#node !== null;
  }

  #order(order: Order): boolean {
    this.#note(order);
    const node = this.#node;
    if (!node) return false;
    switch (order.kind) {
      case "failover":
        node.demandFailover(order.seat, null, "sim");
        break;
      case "switchover":
        node.switchOver(order.seat, null, "sim");
        break;
      case "rebalance":
        node.rebalance(order.seat.slice(0, order.seat.indexOf("/")) as LineId, 20, "operator:sim");
        break;
      case "pause":
        node.pause("sim");
        break;
      case "resume":
        node.resume("sim");
        break;
      case "cordon":
        node.cordon(order.device, order.cordoned);
        break;
      case "redial":
      case "restart":
      case "unlink":
        node[order.kind](order.device);
        break;
      case "link":
        return this.linkAgain(order.device);
    }
    return true;
  }

  /** It is over and was looked at: the node's actors let go of the world, so that its memory can be had again at once. */
  end(): void {
    this.#node?.driver.vanish();
  }

  // ---- what is durable ----

  seats(): readonly SeatRow[] {
    return [...this.store.tables.seats.values()];
  }
  seat(id: SeatId): SeatRow | undefined {
    return this.store.tables.seats.get(id);
  }
  /** What the node's connections would let pass: nothing while none runs. */
  grants(): readonly Grant[] {
    return this.#node ? (this.#connections?.grants() ?? []) : [];
  }
  /** All seats have a holder that is in service. */
  get allServing(): boolean {
    return this.seats().every(({ phase, holder }) => phase === "serving" && holder !== null);
  }
  failovers(seat?: SeatId): readonly FailoverRecord[] {
    return [...this.store.tables.failovers.values()].filter((record) => seat === undefined || record.seat === seat);
  }
  events(): readonly FleetEventRow[] {
    return this.store.tables.events;
  }
  /** Accepted messages that no phone has shown and that nobody holds or has given up. */
  missing(): readonly Accepted[] {
    const shown = new Set(this.world.ledger.events.flatMap((event) => (event.kind === "shown" ? [event.message] : [])));
    return this.accepted.filter(({ id }) => !shown.has(id));
  }

  // ---- making it ----

  #people(): void {
    const { lines } = this.#options.declaration;
    const { peoplePerLine, warm } = this.#workload;
    const stream = this.world.random.stream("warm");
    for (const { id, masters, servants } of lines) {
      const speakers = (this.#config.work?.(id) ?? []).length > 0 ? [...masters, ...servants] : masters;
      for (let no = 1; no <= peoplePerLine; no++) {
        const person = personOf(id, no);
        const country = countryOf(no, this.#workload);
        if (country !== undefined) this.#countries.set(numberOf(person), country);
        this.world.service.addPerson(person, this.#options.habits ?? liveHabits);
        if (stream.chance(warm)) for (const account of speakers) this.world.service.warm(account, person);
      }
    }
  }

  /** Links all devices, as an operator did some time before the story begins. */
  #furnish(): void {
    const { declaration } = this.#options;
    const { service, clock } = this.world;
    const devices = declaration.accounts.flatMap((account) => account.devices);
    this.#setup("fleet.declare", { fleet: declaration });
    for (const device of devices) {
      const audit = {
        at: clock.now(),
        actor: "operator:sim",
        action: "device.linked",
        subject: device,
        text: "linked",
        evidence: {},
      };
      this.#setup("device.update", { device, link: "linked", ...service.addresses(device), audit });
    }
    let terms: readonly { device: DeviceId; term: LeaseTerm }[] = [];
    this.#setup("lease.acquire", { devices, node: nodeId("setup"), ttl: 60_000 }, (answer) => {
      if (answer.kind === "leases") terms = answer.granted;
    });
    this.run(10);
    for (const { device, term } of terms) {
      const creds = service.credentials(device);
      this.#setup("keys.commit", { device, leaseTerm: term, keys: [], creds, inbound: [], attempt: null });
    }
    this.#setup("lease.release", { leases: terms, node: nodeId("setup") });
    this.run(10);
  }

  #setup<K extends StoreOp>(op: K, question: StoreOps[K]["in"], then: (answer: StoreAnswer<K>) => void = () => {}): void {
    const command = { op, reqId: `setup:${++this.#setupNo}` as RequestId, ...question } as unknown as StoreCommand<K>;
    this.store.ask<K>(command, (answer) => {
      if (answer.kind === "failed")
        throw new Error(`the fleet could not be furnished: ${op}: ${(answer as { message: string }).message}`);
      then(answer);
    });
  }

  #boot(): void {
    const { world } = this;
    const clock = world.clock.node(this.id);
    // The file's lock goes with the process: what the last life had leased is free.
    this.store.restart();
    const store = createFaultyStore(this.store, clock, world.clock, world.board, (answer) => {
      if ((answer.op !== "seat.change" && answer.op !== "seat.settle") || answer.kind === "failed") return;
      world.ledger.record({ kind: "seatTold", node: this.id, seat: answer.row.id, term: answer.row.term });
    });
    this.#port = store;
    const direct = (same: StorePort): StorePort => same;
    const { gate, deviceStore = direct, nodeStore = direct } = this.#options;
    const connections = world.connections(clock, deviceStore(store), gate);
    this.#connections = connections;
    const life = `${this.id}-${++this.#lives}`;
    const draws = world.random.stream(`draws:${life}`);
    const { journal, observe } = this.#options;
    const node = new Node({
      id: this.id,
      life,
      clock,
      store: nodeStore(store),
      connections,
      draw: () => draws.float(),
      config: this.#config,
      ...(observe ? { observe } : {}),
      journal: journal ? new JournalWriter(journal, this.#lives * 1_000_000_000, this.#options.checkpointEvery) : null,
      onEvent: ({ type, subject, data }) => world.ledger.record({ kind: "said", type, subject, data }),
      onFact: (fact) => {
        if (fact.kind === "linkOffer" && this.#owners.has(fact.device)) world.service.take(fact.offer.text);
      },
    });
    world.control({
      clock,
      store,
      crash: (downFor) => {
        this.#node = null;
        node.driver.vanish();
        if (downFor !== null) world.clock.setTimeout(() => this.#boot(), downFor);
      },
    });
    world.ledger.record({ kind: "node", node: this.id, what: "started", for: null });
    const start = (): void =>
      node.boot((failure) => {
        if (failure !== null) return void clock.setTimeout(start, BOOT_AGAIN);
        this.#node = node;
        for (const order of this.#lifted.values()) this.#order(order);
      });
    start();
  }

  // ---- the store's own death ----

  #batchFate(): BatchFate | undefined {
    const fate = this.#nextBatch;
    this.#nextBatch = undefined;
    return fate;
  }

  /** The batch under way is all there or not at all; a moment later that decision concerns nobody any more. */
  #crashStore(applied: boolean): void {
    const fate: BatchFate = { kind: "fail", cause: "lost", applied };
    this.#nextBatch = fate;
    this.world.clock.setTimeout(
      () => {
        if (this.#nextBatch === fate) this.#nextBatch = undefined;
      },
      (this.#options.storeLatency ?? 2) + 1,
    );
  }
}
