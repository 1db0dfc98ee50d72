/**
 * One node: every actor of a fleet on one driver, and the ways in from outside. The same code under the simulator's clock and
 * ports and under production's.
 *
 * It boots from the store's rows: declared fleet, seats and their terms, half-done failovers, open alerts. It decides nothing
 * itself; it starts actors, routes facts, and knows which message belongs to which seat while it is under way.
 */
import { Balance, type LineView } from "../delivery/balance/index.ts";
import { isLopsided, type MayGo, mayGoOn, type Move, planRebalance } from "../delivery/balance/rebalance.ts";
import { Allowance, type Traffic } from "../delivery/caps.ts";
import type { Buckets } from "../delivery/pace.ts";
import type { SeatQueue } from "../delivery/queue.ts";
import { policyOf } from "../delivery/queue-config.ts";
import { Acceptance, type AcceptAnswer, type AcceptRequest } from "../delivery/acceptance.ts";
import { postsOn } from "../fleet/posts.ts";
import type { RosterMemory, RosterState } from "../fleet/roster.ts";
import type { Clock } from "../ports/clock.ts";
import type { ConnectionFact, ConnectionPort, LinkMethod } from "../ports/connection.ts";
import {
  type AccountId,
  accountOf,
  type DeviceId,
  type LineId,
  type MessageId,
  type Millis,
  type NodeId,
  type RequestId,
  type SeatId,
  seatOf,
  servantOf,
} from "../ports/ids.ts";
import type { AlertRow, FailoverRecord, FleetEvent } from "../ports/records.ts";
import type { SeatRow, StandingOrders, StoreAnswer, StorePort } from "../ports/store.ts";
import { type Address, type Effect, type FailoverInput, tell } from "../protocol.ts";
import { ACTORS } from "./actors.ts";
import {
  bucketsOf,
  declaredOf,
  type Loaded,
  type NodeConfig,
  orphaned,
  pacesOf,
  postsIn,
  startAccountActors,
  startFleetActors,
} from "./boot.ts";
import { Deaths, DEATHS_WITHIN, isLeftDown, obituary } from "./deaths.ts";
import { Driver, type Observe } from "./driver.ts";
import { intentOf, interruption, linkage, misconduct } from "./entries.ts";
import type { JournalWriter } from "./journal.ts";
import { alertsOfBefore, endGone, leavePosts, revokeAll, withoutSubject } from "./leaving.ts";
import { retold } from "./revival.ts";
import { route, type Routes } from "./routing.ts";
import { turnoverOf } from "./turnover.ts";
import { Whereabouts } from "./whereabouts.ts";

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
  /** Facts for people rather than actors, all but evidence: QR codes, inbound messages, progress of linking, how soon devices answer. */
  readonly onFact: (fact: ConnectionFact) => void;
  readonly observe?: Observe;
}

/** How often a line is looked at whose seats are to have about as much to do, and how many conversations then go elsewhere at most. */
const EVEN_OUT_EVERY: Millis = 5000;
const MOST_MOVES = 20;
/** Pause before the store is asked again for what a dead actor is rebuilt from. */
const REVIVE_AGAIN: Millis = 1000;

export class Node {
  #options: NodeOptions;
  readonly #driver: Driver;
  readonly #acceptance: Acceptance;
  #buckets: Buckets | undefined;
  #allowance = new Allowance({}, []);
  readonly #whereabouts = new Whereabouts();
  readonly #deaths = new Deaths();
  readonly #dials = new Map<DeviceId, number>();
  /** The last failover of each seat. */
  readonly #begun = new Map<Address, FailoverInput>();
  #orders: StandingOrders = { pausedBy: null, cordoned: [] };
  #isStopped = false;
  /** The timer of the next look at how evenly messages wait. */
  #review: unknown;
  #loaded: Loaded | undefined;
  readonly #routes: Routes = {
    seatsOf: (device) => this.#seatsOf(device),
    seatOfMessage: (message) => this.#whereabouts.ofMessage(message),
    seatOfWaId: (waId) => this.#whereabouts.ofWaId(waId),
  };
  readonly #balance: Balance;
  #requests = 0;

  constructor(options: NodeOptions) {
    const { clock, store, connections } = options;
    this.#options = options;
    const balance = new Balance({
      lines: options.config.declaration.lines.map(({ id }) => id),
      settings: (line) => this.#options.config.balance?.(line),
      work: (line) => this.#options.config.work?.(line) ?? [],
      strategies: options.config.strategies ?? [],
      onFault: (fault) => this.#onAlert(misconduct(fault)),
    });
    this.#balance = balance;
    const actors = balance.lookingOn(options.config.actors ?? ACTORS);
    const config: NodeConfig = { ...options.config, actors };
    this.#options = { ...options, config };
    this.#driver = new Driver({
      clock,
      store,
      connections,
      life: options.life,
      journal: options.journal,
      lateAfter: config.timings.loopLate,
      ...(options.observe ? { observe: options.observe } : {}),
      onStart: ({ address, kind, input }) => {
        // One that is under way outlived the seat that began it: that one's end is what the new seat waits for.
        if (this.#driver.has(address)) return;
        if (kind === "failover") this.#begun.set(address, input);
        this.#driver.startChart(address, kind, actors[kind], input);
      },
      onAlert: (effect) => this.#onAlert(effect),
      onAudit: (entry) => this.#driver.perform("orchestrator", [{ op: "write", ask: { op: "audit.append", entries: [entry] } }]),
      onEvent: (event) => this.#onEvent(event),
      onDeath: (address, kind, error) => this.#onDeath(address, kind, error),
      onLate: (by) => this.#onLate(by),
      onOrphan: (answer) => this.#onOrphan(answer),
      onCommand: (command) => {
        if (command.op === "send") this.#whereabouts.note(command.message, command.waId, command.seat);
        if (command.op === "open" || command.op === "link") this.#dials.set(command.device, command.dial);
      },
    });
    this.#acceptance = new Acceptance({
      clock,
      store,
      draw: options.draw,
      nextRequest: () => this.#nextRequest(),
      choose: (line, newcomer, beginning) => balance.choose(line, newcomer, clock.now(), beginning),
      tierOf: (line, to) => balance.tierOf(line, to),
      urgency: (line, tier) => balance.urgency(line, tier),
      offer: (seat, rows) => {
        this.#toQueue(seat, { type: "queue.offer", rows } as { type: string });
        this.#mind(seat);
      },
      reload: (seat) => {
        this.#toQueue(seat, { type: "queue.reload" });
        this.#mind(seat);
      },
      outboxLimit: (line) => this.#options.config.outboxLimit(line),
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
        this.#loadTraffic(config, (traffic) => {
          if (typeof traffic === "string") return done(traffic);
          this.#allowance = new Allowance(config.caps ?? {}, traffic);
          this.#start(declaredOf(loaded, config.declaration), loaded);
          done(null);
        });
      });
    });
  }

  /** What accounts with a cap have sent of late, or what went wrong. */
  #loadTraffic(config: NodeConfig, then: (traffic: readonly Traffic[] | string) => void): void {
    const { store } = this.#options;
    const accounts = Object.keys(config.caps ?? {}) as AccountId[];
    if (accounts.length === 0) return then([]);
    store.ask({ op: "traffic.load", reqId: this.#nextRequest(), accounts }, (answer) =>
      then(answer.kind === "failed" ? answer.message : answer.accounts),
    );
  }

  /**
   * Takes up another fleet while this one runs: what is new is started, what is gone is ended, and no link of others is touched.
   * Accounts and lines may differ in any way; timers, the brake and the rate of dials are taken up at a start only.
   */
  reshape(config: NodeConfig, done: (failure: string | null) => void): void {
    const { store } = this.#options;
    store.ask({ op: "fleet.declare", reqId: this.#nextRequest(), fleet: config.declaration }, (declared) => {
      if (declared.kind === "failed") return done(declared.message);
      this.#loadTraffic(config, (traffic) => {
        if (typeof traffic === "string") return done(traffic);
        store.ask({ op: "fleet.load", reqId: this.#nextRequest() }, (loaded) => {
          if (loaded.kind === "failed") return done(loaded.message);
          if (this.#isStopped) return done("the supervisor is stopping");
          this.#allowance.adopt(config.caps ?? {}, traffic);
          this.#takeUp(config, loaded);
          done(null);
        });
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
  /** The planned move: the target is looked at and the queue drained first, and nothing moves if either fails. */
  switchOver(seat: SeatId, to: DeviceId | null, by: string): void {
    this.#driver.tell(`seat:${seat}`, { type: "switchover.request", to, by: `operator:${by}` } as { type: string });
  }
  pause(by: string): void {
    this.#order({ ...this.#orders, pausedBy: by });
    this.#driver.tell("orchestrator", { type: "pause.request", by } as { type: string });
  }
  resume(by: string): void {
    this.#order({ ...this.#orders, pausedBy: null });
    this.#driver.tell("orchestrator", { type: "resume.request", by } as { type: string });
  }
  link(device: DeviceId, method: LinkMethod): void {
    this.#driver.tell(`connection:${device}`, { type: "link.request", method } as { type: string });
  }
  /** Dials again now instead of when its back-off ends. */
  redial(device: DeviceId): void {
    this.#driver.tell(`connection:${device}`, { type: "start" });
  }
  /** Drops a link that is up, and dials again. */
  restart(device: DeviceId): void {
    this.#driver.tell(`health:${device}`, { type: "end.ordered", reason: "dropped" } as { type: string });
    this.#driver.tell(`connection:${device}`, { type: "redial.request" });
  }
  /** Has WhatsApp remove a device that serves from its account. */
  unlink(device: DeviceId): void {
    this.#driver.tell(`connection:${device}`, { type: "unlink.request" });
  }
  releaseHeld(seat: SeatId, message: MessageId, release: boolean): void {
    this.#driver.tell(`queue:${seat}`, { type: release ? "held.release" : "held.fail", message } as { type: string });
  }
  /** A message was called back, and that is durable. */
  cancelled(seat: SeatId, message: MessageId): void {
    this.#driver.tell(`queue:${seat}`, { type: "message.cancelled", message } as { type: string });
  }
  /**
   * Shares out again what waits on a line, as far as it is in memory. What is tried; each ends with an event, `conversation.moved`
   * or `conversation.stayed`.
   */
  rebalance(line: LineId, most: number, by: string): readonly Move[] {
    const { seats } = this.line(line) ?? { seats: [] };
    const waiting = seats.flatMap(({ seat }) => this.backlog(seat).map((each) => ({ ...each, seat })));
    const { moves } = planRebalance(seats, waiting, most, this.mayGo(line));
    this.moveConversations(moves, by);
    return moves;
  }
  mayGo(line: LineId): MayGo {
    return mayGoOn(this.#options.config.balance?.(line));
  }
  moveConversations(moves: readonly Move[], by: string): void {
    if (moves.length > 0) this.#driver.tell("roster", { type: "rebalance.request", moves, by } as { type: string });
  }
  cordon(device: DeviceId, cordoned: boolean): void {
    const others = this.#orders.cordoned.filter((each) => each !== device);
    this.#order({ ...this.#orders, cordoned: cordoned ? [...others, device] : others });
    this.#driver.tell("roster", { type: "device.cordon", device, cordoned } as { type: string });
  }

  /** It holds through a restart: a fleet that was paused for maintenance does not begin to move because a process died. */
  #order(orders: StandingOrders): void {
    this.#orders = orders;
    this.#driver.perform("orchestrator", [{ op: "write", ask: { op: "orders.write", orders } }]);
  }

  /** A stray post has no queue. */
  #toQueue(seat: SeatId, event: { type: string }): void {
    this.#driver.tell(`queue:${seat}`, event, servantOf(seat) === null ? undefined : () => {});
  }

  /** What comes to lie where no servant stands has to be given to somebody who speaks. */
  #mind(post: SeatId): void {
    if (servantOf(post) === null || this.roster()?.posts.get(post)?.open) return;
    this.#driver.tell("roster", { type: "post.left", post } as { type: string });
  }

  // ---- looking in ----

  get driver(): Driver {
    return this.#driver;
  }
  roster(): RosterState | undefined {
    return this.#driver.peek("roster")?.context as RosterState | undefined;
  }
  /** How a line shares out conversations, and how its seats do; undefined: there is no such line. */
  line(line: LineId): LineView | undefined {
    return this.#balance.view(line, this.#options.clock.now());
  }
  regionsOf(line: LineId): readonly string[] {
    return this.#balance.regionsOf(line);
  }
  /** What waits on a seat, by conversation. */
  backlog(seat: SeatId): ReturnType<SeatQueue["backlog"]> {
    return (this.#driver.peek(`queue:${seat}`)?.context as SeatQueue | undefined)?.backlog() ?? [];
  }
  /** For each seat: since when it owes the answer to a message; null if it owes none. */
  owesSince(): ReadonlyMap<SeatId, Millis | null> {
    const owes = (place: SeatId): Millis | null =>
      (this.#driver.peek(`queue:${place}`)?.context as SeatQueue | undefined)?.owesSince() ?? null;
    const since = new Map([...(this.roster()?.seats.keys() ?? [])].map((seat) => [seat, owes(seat)]));
    // What a servant owes, its seat owes.
    for (const { id, seat } of this.roster()?.posts.values() ?? []) {
      const [own, servants] = [since.get(seat) ?? null, owes(id)];
      if (servants !== null && (own === null || servants < own)) since.set(seat, servants);
    }
    return since;
  }
  /** The seat's row as its actor knows it, and the actor's state. */
  seat(seat: SeatId): { row: SeatRow; state: string } | undefined {
    const view = this.#driver.peek(`seat:${seat}`);
    return view && { row: (view.context as { row: SeatRow }).row, state: String(view.value) };
  }

  /** Ends every actor at once and takes the links down; what is durable is all that stays. */
  stop(): void {
    this.#isStopped = true;
    this.#acceptance.stop();
    if (this.#review !== undefined) this.#options.clock.clearTimeout(this.#review);
    for (const account of this.#options.config.declaration.accounts) {
      for (const device of account.devices) this.#options.connections.perform({ op: "terminate", device });
    }
    this.#driver.stop();
  }

  // ---- boot ----

  #start(loaded: Loaded, stored: Loaded): void {
    this.#loaded = loaded;
    const { clock, id, journal } = this.#options;
    journal?.life(id, clock.now());
    for (const failover of loaded.failovers) this.#interrupt(failover, "a restart");
    this.#orders = loaded.orders;
    this.#startMissing(loaded);
    // Before any seat asks to move.
    const { pausedBy } = this.#orders;
    if (pausedBy !== null) this.#driver.tell("orchestrator", { type: "pause.request", by: pausedBy } as { type: string });
    for (const seat of loaded.seats) this.#driver.tell(`seat:${seat.id}`, { type: "start" });
    for (const { id, holder } of orphaned(loaded)) this.#expel(id, holder);
    for (const device of loaded.devices) this.#driver.tell(`connection:${device.id}`, { type: "start" });
    for (const resolve of alertsOfBefore(loaded, stored)) this.#onAlert(resolve);
    this.#beginReviews(loaded);
  }

  #beginReviews(loaded: Loaded): void {
    const { clock, config } = this.#options;
    const { rebalance } = config;
    if (this.#review !== undefined) clock.clearTimeout(this.#review);
    const evened = loaded.lines.map((line) => line.id).filter((line) => rebalance?.(line) === "auto");
    if (evened.length > 0) this.#evenOut(evened);
  }

  #takeUp(config: NodeConfig, stored: Loaded): void {
    const before = { loaded: this.#loaded ?? stored, config: this.#options.config };
    // Alerts are open in their actors, of which the store may not have heard the latest.
    const loaded = { ...declaredOf(stored, config.declaration), alerts: [], orders: this.#orders };
    const { actors = ACTORS } = this.#options.config;
    const { clock, connections } = this.#options;
    const house = { driver: this.#driver, connections };
    this.#options = { ...this.#options, config: { ...config, actors } };
    this.#balance.adopt({ lines: config.declaration.lines.map((line) => line.id), strategies: config.strategies ?? [] });
    this.#buckets?.adopt(pacesOf(loaded, config));
    const { gone, added, anew } = turnoverOf(before, { loaded, config });
    const memory = this.roster();
    for (const failover of stored.failovers) {
      if (gone.seats.some(({ id }) => id === failover.seat)) this.#interrupt(failover, "the removal of its line");
    }
    endGone(house, gone);
    for (const address of anew) {
      if (address.startsWith("servant:")) revokeAll(house, address);
      this.#driver.dismiss(address);
    }
    leavePosts(this.#driver, new Set(postsIn(loaded, config).map(({ id }) => id)));
    this.#loaded = loaded;
    this.#startMissing(loaded, memory);
    this.#tellPolicies(loaded, before.config);
    const around = { at: clock.now(), loaded, peek: (other: Address) => this.#driver.peek(other) };
    // A vacant seat hears who could take it from a roster that learns of devices, and not again.
    for (const { id } of added.seats) this.#driver.tell(`seat:${id}`, { type: "start" });
    // The roster first: others are told what it knows.
    for (const address of anew) this.#driver.perform("roster", retold(address, around));
    for (const { id, holder } of orphaned(loaded)) this.#expel(id, holder);
    for (const { id } of added.devices) this.#driver.tell(`connection:${id}`, { type: "start" });
    const left = new Set<string>([...gone.accounts, ...gone.devices, ...gone.seats].map(({ id }) => id));
    for (const alert of stored.alerts) if (left.has(alert.subject)) this.#onAlert(withoutSubject(alert));
    this.#beginReviews(loaded);
  }

  /** What lies in a queue already is sent by what its line says now. */
  #tellPolicies({ seats }: Loaded, before: NodeConfig): void {
    const { queue } = this.#options.config;
    for (const { id, line } of seats) {
      const policy = policyOf(queue(line));
      if (!before.declaration.lines.some((each) => each.id === line)) continue;
      const former = policyOf(before.queue(line));
      if (former.whenNumberChanges === policy.whenNumberChanges && former.whenRefused === policy.whenRefused) continue;
      for (const address of this.#driver.addresses()) {
        const isOfSeat = address.startsWith("queue:") && seatOf(address.slice("queue:".length) as SeatId) === id;
        if (isOfSeat) this.#driver.tell(address, { type: "queue.policy", ...policy });
      }
    }
  }

  /** Looks again and again at lines whose seats are to have about as much to do. */
  #evenOut(lines: readonly LineId[]): void {
    this.#review = this.#options.clock.setTimeout(() => {
      for (const line of lines) {
        if (isLopsided(this.line(line)?.seats ?? [], this.mayGo(line))) this.rebalance(line, MOST_MOVES, "supervisor");
      }
      this.#evenOut(lines);
    }, EVEN_OUT_EVERY);
  }

  /** Nobody watches a device that is no longer declared: its seat has to be told. */
  #expel(seat: SeatId, device: DeviceId): void {
    this.#driver.perform("roster", [
      tell(`seat:${seat}`, { type: "holder.failed", device, cause: "removed", isFinal: true, lastEvidenceAt: null }),
    ]);
  }

  #startMissing(loaded: Loaded, memory?: RosterMemory): void {
    const { clock, config, id, life } = this.#options;
    const { actors = ACTORS } = config;
    for (const alert of loaded.alerts) {
      const address = `alert:${alert.key}` as const;
      if (!this.#driver.has(address)) this.#driver.startChart(address, "alert", actors.alert, { row: alert, known: true });
    }
    startAccountActors(this.#driver, clock, loaded, config, id, (device) => this.#dials.get(device) ?? 0);
    this.#buckets ??= bucketsOf(loaded, config, clock.now());
    startFleetActors(this.#driver, clock, loaded, config, life, this.#buckets, this.#allowance, memory);
  }

  #interrupt(failover: FailoverRecord, by: string): void {
    this.#driver.perform("orchestrator", [interruption(failover, by, this.#options.clock.now())]);
  }

  // ---- facts ----

  #onFact(fact: ConnectionFact): void {
    if (
      (fact.kind === "receipt" || fact.kind === "copied" || fact.kind === "acked") &&
      this.#whereabouts.ofWaId(fact.waId) === undefined
    ) {
      return this.#lookUp(fact);
    }
    if (fact.kind === "linked") {
      this.#allowance.linked(accountOf(fact.device), fact.at);
      this.#driver.perform("roster", [linkage(fact)]);
    }
    this.#route(fact);
    if (fact.kind !== "evidence") this.#options.onFact(fact);
  }

  #route(fact: ConnectionFact): void {
    const tells = route(fact, this.#routes);
    const [only] = tells;
    // The same, but for the work of opening a turn: most facts are one word to one actor.
    if (!only) return;
    if (tells.length === 1) this.#driver.tell(only.to, only.event);
    else this.#driver.perform("roster", tells);
  }

  /** Proof of a message that an earlier life sent. */
  #lookUp(fact: Extract<ConnectionFact, { kind: "receipt" | "copied" | "acked" }>): void {
    this.#options.store.ask(
      { op: "outbox.get", reqId: this.#nextRequest(), waId: fact.waId },
      (answer: StoreAnswer<"outbox.get">) => {
        if (answer.kind === "failed" || !answer.row) return;
        this.#whereabouts.note(answer.row.id, answer.row.waId, answer.row.seat);
        this.#route(fact);
      },
    );
  }

  /** The seats that the device speaks for, and the posts where it works. */
  #seatsOf(device: DeviceId): readonly SeatId[] {
    const roster = this.roster();
    const held = roster?.holds.get(device) ?? [];
    return roster && roster.posts.size > 0 ? [...held, ...postsOn(roster, device)] : held;
  }

  #onLate(by: number): void {
    const devices = this.#loaded?.devices ?? [];
    this.#driver.perform(
      "roster",
      devices.map(({ id }) => tell(`detector:${id}`, { type: "loop.late", by })),
    );
  }

  /** A failover that had given up waiting did move its seat: the row is the truth, whoever asked for it. */
  #onOrphan(answer: StoreAnswer): void {
    if ((answer.op !== "seat.change" && answer.op !== "seat.settle") || answer.kind === "failed") return;
    // Its line may be gone.
    if (this.#driver.has(`seat:${answer.row.id}`))
      this.#driver.tell(`seat:${answer.row.id}`, { type: "seat.changed", row: answer.row } as { type: string });
  }

  // ---- effects that are the composition's ----

  /** In the order in which it was said: a resolve and a raise of one turn are the end of one alert and the beginning of another. */
  #onAlert(effect: Extract<Effect, { op: "raise" | "resolve" }>): void {
    const address = `alert:${effect.key}` as const;
    if (effect.op === "resolve")
      return this.#driver.tell(address, { type: "resolve", text: effect.text } as { type: string }, () => {});
    const { key, rule, subject, level, text } = effect;
    this.#driver.tell(address, { type: "raise", level, text } as { type: string }, () => {
      const raisedAt = this.#options.clock.now();
      const row: AlertRow = { key, rule, subject, level, state: "open", text, raisedAt, resolvedAt: null, repeats: 0 };
      const { actors = ACTORS } = this.#options.config;
      this.#driver.startChart(address, "alert", actors.alert, { row, known: false });
    });
  }

  #onEvent(event: FleetEvent): void {
    if (event.type === "servant.relieved") this.#whereabouts.inherit(event.subject as SeatId, event.data["to"] as SeatId);
    this.#driver.perform("roster", [{ op: "write", ask: { op: "events.append", events: [event] } }]);
    this.#options.onEvent(event);
  }

  #onDeath(address: Address, kind: string, error: unknown): void {
    const deaths = this.#deaths.note(address, this.#options.clock.now());
    this.#driver.perform("orchestrator", obituary(address, kind, error, deaths));
    if (!isLeftDown(deaths)) this.#revive(address);
  }

  /** From the rows. */
  #revive(address: Address): void {
    const { clock, config, store } = this.#options;
    store.ask({ op: "fleet.load", reqId: this.#nextRequest() }, (loaded) => {
      if (this.#isStopped) return;
      // It is another fleet now, and these may be the rows of before.
      if (config !== this.#options.config) return this.#revive(address);
      if (loaded.kind === "failed") return void clock.setTimeout(() => this.#revive(address), REVIVE_AGAIN);
      // What was ordered last may not be written yet.
      const declared = { ...declaredOf(loaded, config.declaration), orders: this.#orders };
      this.#loaded = declared;
      const begun = address.startsWith("failover:") && this.#begun.get(address);
      if (begun) this.#interrupt(declared.failovers.find(({ id }) => id === begun.id) ?? intentOf(begun), "the end of its actor");
      this.#startMissing(declared);
      const peek = (other: Address) => this.#driver.peek(other);
      this.#driver.perform("roster", retold(address, { at: clock.now(), loaded: declared, peek }));
      clock.setTimeout(() => this.#settleDeath(address), DEATHS_WITHIN);
    });
  }

  #settleDeath(address: Address): void {
    if (this.#isStopped || !this.#deaths.settle(address, this.#options.clock.now())) return;
    this.#onAlert({ op: "resolve", key: `actor.died:${address}`, text: `${address} has been well since it was started again` });
  }

  // ---- small things ----

  #nextRequest(): RequestId {
    return `${this.#options.life}:n${++this.#requests}` as RequestId;
  }
}
