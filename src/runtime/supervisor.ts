/**
 * A running fleet: the composition root's product. It chooses nothing about failover; it ties a node to a real clock, a store and
 * connections, and offers promises to whoever stands outside (terminal, demo, later HTTP).
 */
import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import type { AcceptAnswer, AcceptRequest } from "../../machines/delivery/acceptance.ts";
import type { NodeConfig } from "../../machines/driver/boot.ts";
import { JournalWriter } from "../../machines/driver/journal.ts";
import { Node } from "../../machines/driver/node.ts";
import type { Clock } from "../../machines/ports/clock.ts";
import type { ConnectionFact, ConnectionPort } from "../../machines/ports/connection.ts";
import type { NodeId, RequestId, SeatId } from "../../machines/ports/ids.ts";
import type { FleetEvent } from "../../machines/ports/records.ts";
import type { StoreAnswer, StoreOp, StoreOps, StorePort } from "../../machines/ports/store.ts";
import { JournalLog } from "./journal-log.ts";

export interface SupervisorOptions {
  readonly node: NodeId;
  readonly config: NodeConfig;
  readonly store: StorePort;
  readonly connections: ConnectionPort & { shutdown(): Promise<void> };
  readonly clock: Clock;
  readonly logger: Logger;
  /** Newest records of the journal that are kept. */
  readonly journalKeep?: number;
}

type Listener<T> = (event: T) => void;

const JOURNAL_KEEP = 200_000;

export class Supervisor {
  readonly node: Node;
  readonly #options: SupervisorOptions;
  readonly #journal: JournalLog;
  readonly #events = new Set<Listener<FleetEvent>>();
  readonly #facts = new Set<Listener<ConnectionFact>>();
  readonly #life: string;
  #requests = 0;
  #stopping: Promise<void> | undefined;

  constructor(options: SupervisorOptions) {
    const { node, config, store, connections, clock, logger } = options;
    this.#options = options;
    const startedAt = clock.now();
    this.#life = `${node}-${startedAt.toString(36)}`;
    this.#journal = new JournalLog(store, this.#life, options.journalKeep ?? JOURNAL_KEEP);
    this.node = new Node({
      id: node,
      life: this.#life,
      clock,
      store,
      connections,
      config,
      draw: drawCrypto,
      journal: new JournalWriter((record) => this.#journal.write(record)),
      onEvent: (event) => {
        logger.info({ subject: event.subject, ...event.data }, event.type);
        for (const listener of this.#events) listener(event);
      },
      onFact: (fact) => {
        for (const listener of this.#facts) listener(fact);
      },
    });
  }

  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.node.boot((failure) => (failure === null ? resolve() : reject(new Error(`the store could not be read: ${failure}`))));
    });
  }

  /** Resolves with what went wrong, or null. */
  reshape(config: NodeConfig): Promise<string | null> {
    return new Promise((resolve) => this.node.reshape(config, resolve));
  }

  accept(request: AcceptRequest): Promise<AcceptAnswer> {
    return new Promise((resolve) => this.node.accept(request, resolve));
  }

  ask<K extends StoreOp>(op: K, input: StoreOps[K]["in"]): Promise<StoreAnswer<K>> {
    const reqId = `${this.#life}:s${++this.#requests}` as RequestId;
    return new Promise((resolve) => this.#options.store.ask({ op, reqId, ...input }, resolve));
  }

  /** Something that happened outside of the actors: written down and told like what they say. */
  report(event: Omit<FleetEvent, "at">): void {
    this.node.driver.perform("orchestrator", [{ op: "event", event }]);
  }

  /** Events as they happen. Returns how to stop listening. */
  onEvent(listener: Listener<FleetEvent>): () => void {
    this.#events.add(listener);
    return () => this.#events.delete(listener);
  }

  onFact(listener: Listener<ConnectionFact>): () => void {
    this.#facts.add(listener);
    return () => this.#facts.delete(listener);
  }

  /** Seats whose holder is not in service, or that nobody holds. */
  notServing(): SeatId[] {
    return [...(this.node.roster()?.seats.keys() ?? [])].filter((seat) => this.node.seat(seat)?.state !== "serving");
  }
  isServing(): boolean {
    return this.node.roster() !== undefined && this.notServing().length === 0;
  }

  /** Actors first, so that nobody reacts to links going down; then the links, then what is left of the journal. */
  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      this.node.stop();
      await this.#options.connections.shutdown();
      await new Promise<void>((resolve) => this.#journal.flush(resolve));
    })();
    return this.#stopping;
  }
}

/** 48 random bits as a number from 0 to below 1, from a pool: message ids are drawn digit by digit. */
const POOL = 4092;
let pool = Buffer.alloc(0);
let used = 0;
const drawCrypto = (): number => {
  if (used + 6 > pool.length) {
    pool = randomBytes(POOL);
    used = 0;
  }
  const value = pool.readUIntBE(used, 6) / 2 ** 48;
  used += 6;
  return value;
};
