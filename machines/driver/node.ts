/**
 * One node: every actor of a fleet on one driver, and the ways in from outside. The same code under the simulator's clock and
 * ports and under production's.
 *
 * It boots from the store's rows: declared fleet, seats and their terms, half-done failovers, open alerts. It decides nothing
 * itself; it starts actors, routes facts, and knows which message belongs to which seat while it is under way.
 */
import { chooseSeat } from "../delivery/balance.ts";
import { Acceptance, type AcceptAnswer, type AcceptRequest } from "../delivery/acceptance.ts";
import { alertMachine } from "../fleet/alert.ts";
import { failoverMachine } from "../fleet/failover.ts";
import type { RosterState } from "../fleet/roster.ts";
import type { Clock } from "../ports/clock.ts";
import type { ConnectionFact, ConnectionPort, LinkMethod } from "../ports/connection.ts";
import { accountOf, type DeviceId, type LineId, type MessageId, type NodeId, type RequestId, type SeatId } from "../ports/ids.ts";
import type { AlertRow, AuditDraft, FailoverRecord, FleetEvent } from "../ports/records.ts";
import type { SeatRow, StoreAnswer, StorePort } from "../ports/store.ts";
import { type Address, type Effect, tell } from "../protocol.ts";
import { declaredOf, type Loaded, type NodeConfig, orphaned, startAccountActors, startFleetActors } from "./boot.ts";
import { Driver, type Observe } from "./driver.ts";
import type { JournalWriter } from "./journal.ts";
import { route } from "./routing.ts";

export interface NodeOptions {
  readonly id: NodeId;
  /** Distinguishes this life of the node from earlier ones: in request and failover ids. */
  readonly life: string;
  readonly clock: Clock;
  readonly store: StorePort;
  readonly connections: ConnectionPort;
  /** Numbers from 0 (included) to 1 (excluded): message ids only, nothing that a chart decides. */
  readonly draw: () => number;
  readonly config: NodeConfig;
  readonly journal: JournalWriter | null;
  /** What happened, as it happens: also what is written to the store's event log. */
  readonly onEvent: (event: FleetEvent) => void;
  /** Facts for people rather than actors: QR codes, inbound messages, progress of linking. */
  readonly onFact: (fact: ConnectionFact) => void;
  readonly observe?: Observe;
}

/** Messages under way or lately sent of which the node still knows the seat. Older ones are looked up in the store. */
const KNOWN_MESSAGES = 50_000;
/** Deaths of one actor within a minute before it is left alone and a person called. */
const MAX_DEATHS = 3;

export class Node {
  readonly #options: NodeOptions;
  readonly #driver: Driver;
  readonly #acceptance: Acceptance;
  readonly #seatOfMessage = new Map<string, SeatId>();
  readonly #seatOfWaId = new Map<string, SeatId>();
  readonly #deaths = new Map<Address, number[]>();
  #loaded: Loaded | undefined;
  #requests = 0;
  #cursor = 0;

  constructor(options: NodeOptions) {
    this.#options = options;
    const { clock, store, connections, config } = options;
    this.#driver = new Driver({
      clock,
      store,
      connections,
      life: options.life,
      journal: options.journal,
      lateAfter: config.timings.loopLate,
      ...(options.observe ? { observe: options.observe } : {}),
      onStart: (effect) => this.#driver.startChart(effect.address, effect.kind, failoverMachine, effect.input),
      onAlert: (effect) => this.#onAlert(effect),
      onAudit: (entry) => this.#driver.perform("orchestrator", [{ op: "write", ask: { op: "audit.append", entries: [entry] } }]),
      onEvent: (event) => this.#onEvent(event),
      onDeath: (address, kind, error) => this.#onDeath(address, kind, error),
      onLate: (by) => this.#onLate(by),
      onCommand: (command) => {
        if (command.op === "send") this.#know(command.message, command.waId, command.seat);
      },
    });
    this.#acceptance = new Acceptance({
      clock,
      store,
      draw: options.draw,
      nextRequest: () => this.#nextRequest(),
      choose: (line) => this.#chooseSeat(line),
      offer: (seat, rows) => this.#driver.tell(`queue:${seat}`, { type: "queue.offer", rows } as { type: string }),
      outboxLimit: config.outboxLimit,
    });
    connections.onFact((fact) => this.#onFact(fact));
  }

  /** Declares the fleet, loads what the store knows and starts every actor. `done` is told what went wrong, if anything did. */
  boot(done: (failure: string | null) => void): void {
    const { store, config } = this.#options;
    store.ask({ op: "fleet.declare", reqId: this.#nextRequest(), fleet: config.declaration }, (declared) => {
      if (declared.kind === "failed") return done(declared.message);
      store.ask({ op: "fleet.load", reqId: this.#nextRequest() }, (loaded) => {
        if (loaded.kind === "failed") return done(loaded.message);
        this.#start(declaredOf(loaded, config.declaration), loaded);
        done(null);
      });
    });
  }

  accept(request: AcceptRequest, reply: (answer: AcceptAnswer) => void): void {
    this.#acceptance.accept(request, reply);
  }

  // ---- operators ----

  demandFailover(seat: SeatId, to: DeviceId | null, by: string): void {
    this.#driver.tell(`seat:${seat}`, { type: "failover.demand", to, by: `operator:${by}` } as { type: string });
  }
  pause(by: string): void {
    this.#driver.tell("orchestrator", { type: "pause.request", by } as { type: string });
  }
  resume(by: string): void {
    this.#driver.tell("orchestrator", { type: "resume.request", by } as { type: string });
  }
  link(device: DeviceId, method: LinkMethod): void {
    this.#driver.tell(`connection:${device}`, { type: "link.request", method } as { type: string });
  }
  /** Dials again now instead of when its back-off ends. */
  redial(device: DeviceId): void {
    this.#driver.tell(`connection:${device}`, { type: "start" });
  }
  releaseHeld(seat: SeatId, message: MessageId, release: boolean): void {
    this.#driver.tell(`queue:${seat}`, { type: release ? "held.release" : "held.fail", message } as { type: string });
  }
  cordon(device: DeviceId, cordoned: boolean): void {
    this.#driver.tell("roster", { type: "device.cordon", device, cordoned } as { type: string });
  }

  // ---- looking in ----

  get driver(): Driver {
    return this.#driver;
  }
  roster(): RosterState | undefined {
    return this.#driver.peek("roster")?.context as RosterState | undefined;
  }
  /** The seat's row as its actor knows it, and the actor's state. */
  seat(seat: SeatId): { row: SeatRow; state: string } | undefined {
    const view = this.#driver.peek(`seat:${seat}`);
    return view && { row: (view.context as { row: SeatRow }).row, state: String(view.value) };
  }

  /** Ends every actor at once and takes the links down; what is durable is all that stays. */
  stop(): void {
    for (const account of this.#options.config.declaration.accounts) {
      for (const device of account.devices) this.#options.connections.perform({ op: "terminate", device });
    }
    this.#driver.stop();
  }

  // ---- boot ----

  #start(loaded: Loaded, stored: Loaded): void {
    this.#loaded = loaded;
    const { clock, config, id, life, journal } = this.#options;
    journal?.life(id, clock.now());
    for (const failover of loaded.failovers) this.#interrupt(failover);
    for (const alert of loaded.alerts)
      this.#driver.startChart(`alert:${alert.key}`, "alert", alertMachine, { row: alert, known: true });
    startAccountActors(this.#driver, clock, loaded, config, id);
    startFleetActors(this.#driver, clock, loaded, config, life);
    for (const seat of loaded.seats) this.#driver.tell(`seat:${seat.id}`, { type: "start" });
    for (const { id, holder } of orphaned(loaded)) this.#expel(id, holder);
    for (const device of loaded.devices) this.#driver.tell(`connection:${device.id}`, { type: "start" });
    this.#forgetAlerts(loaded, stored);
  }

  /** Nobody watches a device that is no longer declared: its seat has to be told. */
  #expel(seat: SeatId, device: DeviceId): void {
    this.#driver.perform("roster", [
      tell(`seat:${seat}`, { type: "holder.failed", device, cause: "removed", isFinal: true, lastEvidenceAt: null }),
    ]);
  }

  /** Nothing will ever resolve what was said about accounts, devices and seats that are no longer there. */
  #forgetAlerts(loaded: Loaded, stored: Loaded): void {
    const idsOf = ({ accounts, devices, seats }: Loaded): string[] => [...accounts, ...devices, ...seats].map(({ id }) => id);
    const here = new Set(idsOf(loaded));
    const gone = new Set(idsOf(stored).filter((id) => !here.has(id)));
    for (const { key, subject } of loaded.alerts) {
      if (gone.has(subject)) this.#onAlert({ op: "resolve", key, text: `${subject} is no longer in the fleet` });
    }
  }

  /** A failover that a crash cut short: the seat's row says how far it came, and the seat starts from there. */
  #interrupt(failover: FailoverRecord): void {
    const at = this.#options.clock.now();
    const ended: FailoverRecord = {
      ...failover,
      outcome: "interrupted",
      endedAt: at,
      steps: [...failover.steps, { at, text: "interrupted by a restart; the seat goes on from its row" }],
    };
    const audit: AuditDraft = {
      at,
      actor: "supervisor",
      action: "failover.interrupted",
      subject: failover.seat,
      text: `the failover of ${failover.seat} that began at ${failover.detectedAt} was interrupted by a restart`,
      evidence: { id: failover.id, termAfter: failover.termAfter },
    };
    this.#driver.perform("orchestrator", [{ op: "write", ask: { op: "failover.record", failover: ended, audit } }]);
  }

  // ---- facts ----

  #onFact(fact: ConnectionFact): void {
    if ((fact.kind === "receipt" || fact.kind === "copied" || fact.kind === "acked") && !this.#seatOfWaId.has(fact.waId)) {
      return this.#lookUp(fact);
    }
    this.#route(fact);
    if (fact.kind !== "evidence" && fact.kind !== "probed") this.#options.onFact(fact);
  }

  #route(fact: ConnectionFact): void {
    const tells = route(fact, {
      seatsOf: (device) => this.roster()?.holds.get(device) ?? [],
      seatOfMessage: (message) => this.#seatOfMessage.get(message),
      seatOfWaId: (waId) => this.#seatOfWaId.get(waId),
    });
    this.#driver.perform("roster", tells);
  }

  /** Proof of a message that an earlier life sent. */
  #lookUp(fact: Extract<ConnectionFact, { kind: "receipt" | "copied" | "acked" }>): void {
    this.#options.store.ask(
      { op: "outbox.get", reqId: this.#nextRequest(), waId: fact.waId },
      (answer: StoreAnswer<"outbox.get">) => {
        if (answer.kind === "failed" || !answer.row) return;
        this.#know(answer.row.id, answer.row.waId, answer.row.seat);
        this.#route(fact);
      },
    );
  }

  #know(message: MessageId, waId: string, seat: SeatId): void {
    for (const map of [this.#seatOfMessage, this.#seatOfWaId]) {
      if (map.size >= KNOWN_MESSAGES) map.delete(map.keys().next().value as string);
    }
    this.#seatOfMessage.set(message, seat);
    this.#seatOfWaId.set(waId, seat);
  }

  #onLate(by: number): void {
    const devices = this.#loaded?.devices ?? [];
    this.#driver.perform(
      "roster",
      devices.map(({ id }) => tell(`detector:${id}`, { type: "loop.late", by })),
    );
  }

  // ---- effects that are the composition's ----

  #onAlert(effect: Extract<Effect, { op: "raise" | "resolve" }>): void {
    const address = `alert:${effect.key}` as const;
    if (this.#driver.has(address)) {
      const event =
        effect.op === "raise"
          ? { type: "raise", level: effect.level, text: effect.text }
          : { type: "resolve", text: effect.text };
      return this.#driver.tell(address, event);
    }
    if (effect.op === "resolve") return;
    const row: AlertRow = {
      key: effect.key,
      rule: effect.rule,
      subject: effect.subject,
      level: effect.level,
      state: "open",
      text: effect.text,
      raisedAt: this.#options.clock.now(),
      resolvedAt: null,
      repeats: 0,
    };
    this.#driver.startChart(address, "alert", alertMachine, { row, known: false });
  }

  #onEvent(event: FleetEvent): void {
    this.#driver.perform("roster", [{ op: "write", ask: { op: "events.append", events: [event] } }]);
    this.#options.onEvent(event);
  }

  /** Let it crash, and start it anew from the rows; one that keeps dying is left alone and a person called. */
  #onDeath(address: Address, kind: string, error: unknown): void {
    const at = this.#options.clock.now();
    const recent = (this.#deaths.get(address) ?? []).filter((death) => death > at - 60_000);
    recent.push(at);
    this.#deaths.set(address, recent);
    const reason = error instanceof Error ? error.message : String(error);
    this.#driver.perform("orchestrator", [
      {
        op: "raise",
        key: `actor.died:${address}`,
        rule: "actor.died",
        subject: address,
        level: "critical",
        text: `${kind} ${address} died (${reason}) and was ${recent.length > MAX_DEATHS ? "left down: restart the supervisor" : "started again"}. The rest goes on. Please report it with the journal`,
      },
    ]);
    if (recent.length <= MAX_DEATHS && this.#loaded) this.#revive(address);
  }

  #revive(address: Address): void {
    const { clock, config, id, life, store } = this.#options;
    store.ask({ op: "fleet.load", reqId: this.#nextRequest() }, (loaded) => {
      if (loaded.kind === "failed") return;
      const declared = declaredOf(loaded, config.declaration);
      this.#loaded = declared;
      startAccountActors(this.#driver, clock, declared, config, id);
      startFleetActors(this.#driver, clock, declared, config, life);
      if (address.startsWith("seat:") || address.startsWith("connection:")) this.#driver.tell(address, { type: "start" });
    });
  }

  // ---- small things ----

  #chooseSeat(line: LineId): SeatId | undefined {
    const view = this.roster();
    if (!view) return undefined;
    const seats = [...view.seats.values()]
      .filter((seat) => seat.line === line)
      .map((seat) => {
        const holder = seat.holder ? view.devices.get(seat.holder) : undefined;
        const standing = seat.holder ? view.accounts.get(accountOf(seat.holder))?.standing : undefined;
        return {
          id: seat.id,
          isServing: holder?.state === "healthy" || holder?.state === "recovering",
          standing: standing ?? "good",
        };
      });
    const choice = chooseSeat("round-robin", seats, this.#cursor);
    this.#cursor = choice.cursor;
    // With nobody able, the message waits on the first seat: accepted is kept, whoever speaks later.
    return choice.seat ?? seats[0]?.id;
  }

  #nextRequest(): RequestId {
    return `${this.#options.life}:n${++this.#requests}` as RequestId;
  }
}
