/** One account with devices a and b, two people, one node: a bench on which the model's port is tried by hand. */
import type { ConnectionCommand, ConnectionFact } from "../../../machines/ports/connection.ts";
import {
  accountId,
  deviceId,
  lineId,
  nodeId,
  seatId,
  seatTerm,
  type ContactId,
  type DeviceId,
  type LeaseTerm,
  type MessageId,
  type Millis,
  type WaId,
} from "../../../machines/ports/ids.ts";
import type { Fault } from "../../../sim/faults/catalogue.ts";
import type { Order } from "../../../sim/faults/rule.ts";
import type { Adapter } from "../../../sim/world/adapter.ts";
import { createFaultyStore } from "../../../sim/world/faulty-store.ts";
import type { Recorded } from "../../../sim/world/ledger.ts";
import { liveHabits, silentHabits } from "../../../sim/world/people.ts";
import type { Tuning } from "../../../sim/world/tuning.ts";
import { createWorld, type World } from "../../../sim/world/whatsapp.ts";
import { createBenchStore, type BenchStore } from "./bench-store.ts";

export const account = accountId("sales-1");
export const a = deviceId(account, "a");
export const b = deviceId(account, "b");
export const seat = seatId(lineId("sales"), account);
export const node = nodeId("n1");
export const ana = "ana@lid";
export const bob = "bob@lid";

type FactOf<K extends ConnectionFact["kind"]> = Extract<ConnectionFact, { kind: K }>;

export class Bench {
  readonly world: World;
  readonly store: BenchStore;
  port: Adapter;
  readonly facts: ConnectionFact[] = [];
  /** What operators said. */
  readonly orders: Order[] = [];
  #dials = 0;
  #from = 0;

  constructor(seed: number | string = 1, tuning: Partial<Tuning> = {}, linked = true) {
    this.world = createWorld({ seed, tuning });
    this.store = createBenchStore(this.world.clock);
    this.world.order = (order) => this.orders.push(order) > 0;
    this.world.service.addAccount(account, "br", [a, b], linked);
    this.world.service.addPerson(ana, silentHabits);
    this.world.service.addPerson(bob, liveHabits);
    this.store.contacts.set("c:1" as ContactId, ana).set("c:2" as ContactId, bob);
    if (linked) for (const device of [a, b]) this.store.creds.set(device, this.world.service.credentials(device));
    this.port = this.start();
  }

  /** A new life of the node. */
  start(): Adapter {
    const clock = this.world.clock.node(node);
    const store = createFaultyStore(this.store, clock, this.world.clock, this.world.board);
    this.port = this.world.connections(clock, store);
    this.port.onFact((fact) => this.facts.push(fact));
    this.world.control({
      clock,
      store,
      crash: (downFor) => {
        if (downFor !== null) this.world.clock.setTimeout(() => void this.start(), downFor);
      },
    });
    return this.port;
  }

  perform(command: ConnectionCommand): void {
    this.port.perform(command);
  }

  open(device: DeviceId = a, leaseTerm = 1, connectTimeout = 5_000): number {
    const dial = ++this.#dials;
    this.perform({ op: "open", device, dial, leaseTerm: leaseTerm as LeaseTerm, connectTimeout });
    return dial;
  }

  /** Dials and waits until it serves. */
  serve(device: DeviceId = a): number {
    const dial = this.open(device);
    this.until(() => this.of("serving").some((fact) => fact.dial === dial));
    return dial;
  }

  grant(device: DeviceId = a, term = 1): void {
    this.perform({ op: "grant", device, seat, term: seatTerm(term) });
  }

  send(no: number, { device = a, term = 1, attempt = 1, contact = "c:1" } = {}): void {
    this.perform({
      op: "send",
      device,
      seat,
      term: seatTerm(term),
      message: `m${no}` as MessageId,
      waId: `3EB0${no}` as WaId,
      contact: contact as ContactId,
      content: { kind: "text", text: `hello ${no}` },
      attempt,
    });
  }

  probe(probe = 1, deadline = 1_000, device: DeviceId = a): void {
    this.perform({ op: "probe", device, probe, deadline });
  }

  inject(fault: Fault): number {
    return this.world.board.inject(fault);
  }

  run(ms: Millis): this {
    this.world.clock.run(this.world.clock.now() + ms);
    return this;
  }

  until(done: () => boolean, within: Millis = 30_000): Millis {
    const from = this.world.clock.now();
    if (!this.world.clock.runUntil(done, from + within)) throw new Error(`not within ${within} ms`);
    return this.world.clock.now() - from;
  }

  of<K extends ConnectionFact["kind"]>(kind: K): FactOf<K>[] {
    return this.facts.filter((fact): fact is FactOf<K> => fact.kind === kind);
  }

  /** Kinds of facts in order, probes and evidence left out. */
  get story(): string[] {
    return this.facts.filter(({ kind }) => kind !== "evidence" && kind !== "probed").map(({ kind }) => kind);
  }

  /** Forgets what has been seen so far. */
  forget(): void {
    this.facts.length = 0;
    this.#from = this.world.ledger.events.length;
  }

  ledger<K extends Recorded["kind"]>(kind: K): Extract<Recorded, { kind: K }>[] {
    return this.world.ledger.events
      .slice(this.#from)
      .filter((event): event is Extract<Recorded, { kind: K }> => event.kind === kind);
  }
}
