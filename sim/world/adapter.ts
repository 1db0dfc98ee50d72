/**
 * The connection port of one node: what the Baileys adapter is in production, with the same instants and the same order of
 * writes and facts. One conformance suite holds the two together.
 */
import type { ConnectionCommand, ConnectionFact, ConnectionPort } from "../../machines/ports/connection.ts";
import type { DeviceId, RequestId } from "../../machines/ports/ids.ts";
import type { StoreAnswer, StoreCommand, StoreOp, StorePort } from "../../machines/ports/store.ts";
import type { FaultBoard } from "../faults/board.ts";
import type { NodeClock, WorldClock } from "./clock.ts";
import { Device, type Gate, type Grant, type Host } from "./device.ts";
import type { Service } from "./service.ts";
import type { Wire } from "./wire.ts";

export interface AdapterOptions {
  readonly clock: NodeClock;
  readonly world: WorldClock;
  readonly store: StorePort;
  readonly service: Service;
  readonly board: FaultBoard;
  /** Shared by all nodes, so that links are numbered over the world. */
  readonly nextLink: () => number;
  /** The last check before the bytes. Replaceable, to plant the bug that leaves it out. */
  readonly gate?: Gate;
}

export class Adapter implements ConnectionPort, Host {
  readonly clock: NodeClock;
  readonly world: WorldClock;
  readonly service: Service;
  readonly board: FaultBoard;
  readonly gate: Gate;
  readonly contacts: Host["contacts"] = new Map();
  readonly #store: StorePort;
  readonly #nextLink: () => number;
  readonly #devices = new Map<DeviceId, Device>();
  #listener: (fact: ConnectionFact) => void = () => {};
  readonly #requestPrefix: string;
  #requests = 0;
  #inCommand = false;

  constructor({ clock, world, store, service, board, nextLink, gate }: AdapterOptions) {
    this.clock = clock;
    this.world = world;
    this.service = service;
    this.board = board;
    this.gate = gate ?? ((held, asked) => held === asked);
    this.#store = store;
    this.#nextLink = nextLink;
    this.#requestPrefix = `wa:${clock.id}:`;
  }

  onFact(listener: (fact: ConnectionFact) => void): void {
    this.#listener = listener;
  }

  perform(command: ConnectionCommand): void {
    const outer = this.#inCommand;
    this.#inCommand = true;
    this.#perform(command);
    this.#inCommand = outer;
  }

  /** Links that are up or being dialled. */
  links(): readonly Wire[] {
    return [...this.#devices.values()].flatMap(({ wire }) => (wire ? [wire] : []));
  }

  /** Who may send for which seat at present. */
  grants(): readonly Grant[] {
    return [...this.#devices.values()].flatMap((device) => device.grants);
  }

  /** The process dies. If its kernel can still speak, WhatsApp hears that the connections end; otherwise it believes in them. */
  die(tells: boolean): void {
    for (const device of this.#devices.values()) device.vanish(tells);
  }

  nextLink(): number {
    return this.#nextLink();
  }

  nextRequest(): RequestId {
    return `${this.#requestPrefix}${++this.#requests}` as RequestId;
  }

  ask<K extends StoreOp>(command: StoreCommand<K>, answered: (answer: StoreAnswer<K>) => void): void {
    this.#store.ask<K>(command, (answer) => {
      if (this.clock.alive) answered(answer);
    });
  }

  /** Never from inside `perform`: whoever commands may be in the middle of something. */
  emit(fact: ConnectionFact): void {
    if (this.#inCommand) this.clock.setTimeout(() => this.#listener(fact), 0);
    else this.#listener(fact);
  }

  #perform(command: ConnectionCommand): void {
    const device = this.#device(command.device);
    switch (command.op) {
      case "open":
        return device.open(command);
      case "link":
        return device.link(command);
      case "terminate":
        return device.terminate();
      case "unlink":
        return device.unlink();
      case "probe":
        return device.probe(command);
      case "grant":
        return device.grant(command);
      case "revoke":
        return device.revoke(command);
      case "send":
        return device.send(command);
      case "check":
        return device.check(command);
    }
  }

  #device(id: DeviceId): Device {
    let device = this.#devices.get(id);
    if (!device) {
      device = new Device(id, this);
      this.#devices.set(id, device);
    }
    return device;
  }
}
