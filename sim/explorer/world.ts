/**
 * One state of the explored world: a node's charts and roster, the rows, the links, what is on its way and what is armed.
 *
 * `fork` copies it; everything else changes the copy. The node's actors are production's own, started by production's own boot and
 * told in production's order: what one event causes inside the node is delivered in the same turn, first in, first out. What comes
 * from outside (the store's answers, the links' facts, answers to probes) is a flight that lands in a later turn.
 */
import type { AnyMachineSnapshot } from "xstate";
import type { Actors } from "../../machines/driver/actors.ts";
import { ACTORS } from "../../machines/driver/actors.ts";
import type { Host } from "../../machines/driver/boot.ts";
import { startAccountActors, startFleetActors } from "../../machines/driver/boot.ts";
import { kindOf } from "../../machines/driver/driver.ts";
import type { RosterState } from "../../machines/fleet/roster.ts";
import { nodeId, seatId, seatTerm, type DeviceId, type Millis, type SeatId, type SeatTerm } from "../../machines/ports/ids.ts";
import type { SeatRow } from "../../machines/ports/store.ts";
import type { Address, Effect } from "../../machines/protocol.ts";
import { Coverage } from "../checkers/coverage.ts";
import { BEGIN, configOf, devicesOf, fleetOf, TICK, type Bounds } from "./bounds.ts";
import { newLink, edgesAt, heard, type Edge, type Link } from "./link.ts";
import { copyRoster } from "./roster-copy.ts";
import { answerLease, changeSeat, type LeaseRow, type SeatAsk, type StoreAsk } from "./rows.ts";
import { Stepper } from "./steps.ts";

type ChartKind = "health" | "lease" | "seat" | "failover" | "orchestrator";
const EXPLORED: ReadonlySet<string> = new Set<ChartKind>(["health", "lease", "seat", "failover", "orchestrator"]);

export interface Timer {
  readonly owner: Address;
  /** The event's type, which is also the timer's id in its chart. */
  readonly id: string;
  readonly due: Millis;
}
export type Cargo =
  /** To the store, which has not seen it yet. */
  | { readonly kind: "ask"; readonly from: Address; readonly ask: SeatAsk }
  /** From the store. */
  | { readonly kind: "answer"; readonly to: Address; readonly event: { readonly type: string } }
  | { readonly kind: "probe"; readonly device: DeviceId; readonly from: Address }
  | { readonly kind: "serving"; readonly device: DeviceId; readonly dial: number }
  | { readonly kind: "closed"; readonly device: DeviceId; readonly dial: number; readonly reason: "dropped" | "loggedOut" };
export interface Flight {
  readonly cargo: Cargo;
  /** A fault delayed it: time may pass before it lands. */
  readonly isLate: boolean;
}
export interface Grant {
  readonly device: DeviceId;
  readonly term: SeatTerm;
}

/** The actors of one exploration, with the memory of what was stepped before and of which transitions were taken. */
export class Cast {
  readonly actors: Actors;
  readonly coverage = new Coverage();
  readonly steppers: { readonly [K in ChartKind]: Stepper };

  constructor(actors: Actors = ACTORS) {
    this.actors = actors;
    const stepper = (kind: ChartKind): Stepper =>
      new Stepper(actors[kind], (transition) => this.coverage.observe(kind, transition));
    this.steppers = {
      health: stepper("health"),
      lease: stepper("lease"),
      seat: stepper("seat"),
      failover: stepper("failover"),
      orchestrator: stepper("orchestrator"),
    };
  }
}

export class World {
  readonly bounds: Bounds;
  readonly cast: Cast;
  now: Millis = BEGIN;
  isUp = false;
  store: "well" | "failing" | "away" = "well";
  faults: number;
  timers: readonly Timer[] = [];
  flights: readonly Flight[] = [];
  readonly charts = new Map<Address, AnyMachineSnapshot>();
  readonly links = new Map<DeviceId, Link>();
  readonly seats = new Map<SeatId, SeatRow>();
  readonly leases = new Map<DeviceId, LeaseRow>();
  readonly grants = new Map<SeatId, readonly Grant[]>();
  /** Seats of which the store did not say what became of the last change: the node can't know its row until it asks again. */
  readonly undecided = new Set<SeatId>();
  /** What the last step did that must not be. */
  readonly broken: string[] = [];
  #roster: RosterState | null = null;
  #ownsRoster = false;
  #mailbox: { to: Address; event: { readonly type: string } }[] = [];

  constructor(bounds: Bounds, cast: Cast) {
    this.bounds = bounds;
    this.cast = cast;
    this.faults = bounds.faults;
  }

  /** Rows as after a long time in service; no node, and no links yet. */
  static begin(bounds: Bounds, cast: Cast): World {
    const world = new World(bounds, cast);
    for (const device of devicesOf(bounds)) {
      world.links.set(device, newLink());
      world.leases.set(device, { term: 0, until: 0, next: "answer" });
    }
    const { accounts, lines } = fleetOf(bounds);
    for (const line of lines) {
      for (const { id: account, devices } of accounts.slice(0, bounds.seats)) {
        const id = seatId(line.id, account);
        const term = seatTerm(1);
        world.seats.set(id, { id, line: line.id, account, holder: devices[0] ?? null, term, phase: "serving" });
      }
    }
    return world;
  }

  fork(): World {
    const copy = new World(this.bounds, this.cast);
    copy.now = this.now;
    copy.isUp = this.isUp;
    copy.store = this.store;
    copy.faults = this.faults;
    copy.timers = this.timers;
    copy.flights = this.flights;
    for (const [address, snapshot] of this.charts) copy.charts.set(address, snapshot);
    for (const [device, link] of this.links) copy.links.set(device, link);
    for (const [seat, row] of this.seats) copy.seats.set(seat, row);
    for (const [device, row] of this.leases) copy.leases.set(device, row);
    for (const [seat, granted] of this.grants) copy.grants.set(seat, granted);
    for (const seat of this.undecided) copy.undecided.add(seat);
    copy.#adopt(this.#roster);
    return copy;
  }

  get roster(): RosterState | null {
    return this.#roster;
  }

  // ---- the node ----

  boot(): void {
    this.isUp = true;
    this.charts.clear();
    const config = configOf(this.bounds, this.cast.actors);
    const clock = { now: () => this.now, setTimeout: () => 0, clearTimeout: () => {} };
    startAccountActors(this.#host(), clock, this.#loaded(), config, nodeId("n1"));
    startFleetActors(this.#host(), clock, this.#loaded(), config, "life");
    for (const seat of this.seats.keys()) this.#mailbox.push({ to: `seat:${seat}`, event: { type: "start" } });
    for (const device of this.links.keys()) this.#mailbox.push({ to: `lease:${device}`, event: { type: "start" } });
    this.#pump();
  }

  /** The process ends: its actors, timers, links and grants with it. Of what the store was asked it has done all or nothing. */
  crash(isStoreQuick: boolean): void {
    if (isStoreQuick) for (const { cargo } of this.flights) if (cargo.kind === "ask") changeSeat(this.seats, cargo.ask);
    this.isUp = false;
    this.charts.clear();
    this.#adopt(null);
    this.timers = [];
    this.flights = [];
    this.grants.clear();
    this.undecided.clear();
    for (const [device, link] of this.links) {
      const { isCut, isDead, isGivenUp } = link;
      this.links.set(device, { ...newLink(), isCut, isDead, isGivenUp });
    }
    for (const [device, lease] of this.leases) this.leases.set(device, { ...lease, next: "answer" });
  }

  /** Delivers an event and all that it causes. */
  tell(...events: readonly { to: Address; event: { readonly type: string } }[]): void {
    this.#mailbox.push(...events);
    this.#pump();
  }

  // ---- time ----

  /** When the next of the timers and of the detectors' deadlines is due; null: never. */
  get nextDue(): Millis | null {
    let soonest: Millis | null = null;
    for (const { due } of this.timers) if (soonest === null || due < soonest) soonest = due;
    for (const link of this.links.values()) {
      const due = edgesAt(link);
      if (due !== null && (soonest === null || due < soonest)) soonest = due;
    }
    return soonest;
  }

  fire(timer: Timer): void {
    this.now = Math.max(this.now, timer.due);
    this.timers = this.timers.filter((other) => other !== timer);
    this.tell({ to: timer.owner, event: { type: timer.id } });
  }

  report(device: DeviceId, edge: Edge): void {
    const lastEvidenceAt = this.links.get(device)?.quietSince ?? this.now;
    this.tell({ to: `health:${device}`, event: { type: `evidence.${edge}`, lastEvidenceAt, clock: "link" } as { type: string } });
  }

  // ---- links ----

  send(cargo: Cargo): void {
    this.flights = [...this.flights, { cargo, isLate: false }];
  }

  setLink(device: DeviceId, change: Partial<Link>): Link {
    const link = { ...(this.links.get(device) as Link), ...change };
    this.links.set(device, link);
    return link;
  }

  closeLink(device: DeviceId, reason: "dropped" | "loggedOut"): void {
    const link = this.links.get(device) as Link;
    if (link.state === "down") return;
    this.setLink(device, { state: "down", isDead: link.isDead || reason === "loggedOut" });
    this.send({ kind: "closed", device, dial: link.dial, reason });
  }

  answer({ to, event }: Extract<Cargo, { kind: "answer" }>): void {
    const seat = to.slice("failover:".length) as SeatId;
    const term = (event as { answer?: { row?: SeatRow } }).answer?.row?.term;
    if (event.type === "store.failed" && this.seats.has(seat)) this.undecided.add(seat);
    else if (term === this.seats.get(seat)?.term) this.undecided.delete(seat);
    this.tell({ to, event });
  }

  // ---- what the node does ----

  #pump(): void {
    for (let next = 0; next < this.#mailbox.length; next++) {
      const { to, event } = this.#mailbox[next] as { to: Address; event: { readonly type: string } };
      this.#deliver(to, event);
    }
    this.#mailbox = [];
  }

  #deliver(to: Address, event: { readonly type: string }): void {
    const isTimer = event.type.startsWith("xstate.");
    const stamped = isTimer ? event : { ...event, at: this.now };
    if (to === "roster") {
      if (this.#roster) this.#receive(stamped as never);
      return;
    }
    const snapshot = this.charts.get(to);
    if (!snapshot) return this.#outside(to, event);
    const kind = kindOf(to) as ChartKind;
    this.#guarded(to, () => {
      const stepped = this.cast.steppers[kind].step(snapshot, stamped);
      this.#take(to, stepped.snapshot);
      for (const wish of stepped.wishes) this.#grantWish(to, wish);
    });
  }

  #guarded(to: Address, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.charts.delete(to);
      this.broken.push(`no actor in error: ${to} died: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #take(to: Address, snapshot: AnyMachineSnapshot): void {
    if (snapshot.status === "active") {
      this.charts.set(to, snapshot);
      return;
    }
    this.charts.delete(to);
    this.timers = this.timers.filter(({ owner }) => owner !== to);
    if (snapshot.status === "error") this.broken.push(`no actor in error: ${to} is in error`);
  }

  #grantWish(to: Address, wish: ReturnType<Stepper["step"]>["wishes"][number]): void {
    if (wish.kind === "effects") for (const effect of wish.effects) this.#perform(to, effect);
    else this.#disarm(to, wish.id);
    if (wish.kind !== "arm" || !this.charts.has(to)) return;
    const due = this.now + Math.ceil(wish.after / TICK) * TICK;
    this.timers = [...this.timers, { owner: to, id: wish.id, due }];
  }

  #disarm(owner: Address, id: string): void {
    if (this.timers.some((timer) => timer.owner === owner && timer.id === id))
      this.timers = this.timers.filter((timer) => timer.owner !== owner || timer.id !== id);
  }

  #receive(event: never): void {
    if (!this.#ownsRoster && this.#roster) this.#adopt(copyRoster(this.#roster), true);
    this.#guarded("roster", () => {
      const { state, effects = [] } = this.cast.actors.roster.receive(this.#roster as RosterState, event);
      this.#adopt(state, true);
      for (const effect of effects) this.#perform("roster", effect);
    });
  }

  #adopt(roster: RosterState | null, isOwn = false): void {
    this.#roster = roster;
    this.#ownsRoster = isOwn;
  }

  #host(): Host {
    return {
      has: (address) => this.charts.has(address),
      startChart: (address, kind, _machine, input) => {
        if (EXPLORED.has(kind)) this.#start(address, kind as ChartKind, input);
      },
      startReducer: (address, _kind, reducer, input) => {
        if (address !== "roster") return;
        const { state, effects = [] } = reducer.start(input, this.now);
        this.#adopt(state as RosterState, true);
        for (const effect of effects) this.#perform("roster", effect);
      },
    };
  }

  #start(address: Address, kind: ChartKind, input: unknown): void {
    this.#guarded(address, () => {
      const { snapshot, wishes } = this.cast.steppers[kind].start(input);
      this.#take(address, snapshot);
      for (const wish of wishes) this.#grantWish(address, wish);
    });
  }

  #loaded(): Parameters<typeof startFleetActors>[2] {
    const { accounts, lines } = fleetOf(this.bounds);
    return {
      kind: "loaded",
      reqId: "boot",
      op: "fleet.load",
      at: this.now,
      accounts: accounts.map(({ id, role }) => ({ id, role, standing: "good", standingUntil: null })),
      devices: accounts.flatMap(({ id, devices }) =>
        devices.map((device) => ({
          id: device,
          account: id,
          link: this.links.get(device)?.isGivenUp ? "loggedOut" : "linked",
          jid: null,
          lid: null,
        })),
      ),
      lines,
      seats: [...this.seats.values()],
      failovers: [],
      alerts: [],
      orders: { pausedBy: null, cordoned: [] },
      posts: [],
    } as unknown as Parameters<typeof startFleetActors>[2];
  }

  #perform(from: Address, effect: Effect): void {
    switch (effect.op) {
      case "tell":
        this.#mailbox.push({ to: effect.to, event: effect.event });
        return;
      case "start":
        return this.#start(effect.address, "failover", effect.input);
      case "store":
        return this.#ask(from, effect.ask);
      case "connection":
        return this.#command(effect.command);
      default:
        // Records, alerts, audit and events are written and decide nothing.
        return;
    }
  }

  #ask(from: Address, ask: StoreAsk): void {
    if (ask.op === "seat.change" || ask.op === "seat.settle") {
      this.#judgeAsk(from, ask);
      return this.send({ kind: "ask", from, ask });
    }
    const device = from.slice("lease:".length) as DeviceId;
    const { next } = this.leases.get(device) as LeaseRow;
    const event = answerLease(this.leases, device, ask, this.now);
    if (next === "stall") this.flights = [...this.flights, { cargo: { kind: "answer", to: from, event }, isLate: true }];
    else this.#mailbox.push({ to: from, event });
  }

  /** What a failover may ask of the store. The same change may be asked for again while nobody has answered. */
  #judgeAsk(from: Address, ask: SeatAsk): void {
    const context = this.charts.get(from)?.context as { from: DeviceId | null; storeTries: number } | undefined;
    const isOther = ({ cargo }: Flight): boolean =>
      cargo.kind === "ask" && cargo.from === from && isOpen(cargo.ask, this.seats) && !isSame(cargo.ask, ask);
    const isGivenUp = ({ cargo }: Flight): boolean => cargo.kind === "ask" && cargo.ask.failover?.id !== ask.failover?.id;
    if (this.flights.some((flight) => isOther(flight) && !isGivenUp(flight)))
      this.broken.push(`at most one commit under way: ${from} asks for another`);
    if (ask.op !== "seat.change" || ask.phase === "serving") return;
    if (ask.holder !== null && ask.holder === context?.from)
      this.broken.push(`the failed holder is never asked: ${from} commits ${ask.holder} again`);
    const link = ask.holder === null ? undefined : this.links.get(ask.holder);
    // What the store could not do is asked again as it was.
    if (link && context?.storeTries === 0 && this.now - link.shownAt > TICK / 2)
      this.broken.push(`a candidate is fresh: ${from} commits ${ask.holder}, last heard ${this.now - link.shownAt} ms ago`);
  }

  #command(command: Extract<Effect, { op: "connection" }>["command"]): void {
    if (command.op !== "grant" && command.op !== "revoke") return;
    const { seat, device } = command;
    const others = (this.grants.get(seat) ?? []).filter((grant) => grant.device !== device);
    if (command.op === "revoke") {
      this.grants.set(seat, others);
      return;
    }
    this.grants.set(seat, [...others, { device, term: command.term }]);
    const row = this.seats.get(seat);
    if (row && (row.term !== command.term || row.holder !== device))
      this.broken.push(
        `no grant for a term that is not the row's: ${device} is granted ${seat} under term ${command.term}, the row says ${row.holder} under ${row.term}`,
      );
  }

  /** What is said to actors that stand for links and their detectors here. */
  #outside(to: Address, event: { readonly type: string }): void {
    const kind = kindOf(to);
    const device = to.slice(kind.length + 1) as DeviceId;
    const link = this.links.get(device);
    if (!link) return;
    if (kind === "detector" && event.type === "probe.request") {
      const { replyTo } = event as unknown as { replyTo: Address };
      const failed = (this.charts.get(replyTo)?.context as { from: DeviceId | null } | undefined)?.from;
      if (failed === device) this.broken.push(`the failed holder is never asked: ${replyTo} probes ${device}`);
      this.send({ kind: "probe", device, from: replyTo });
    } else if (kind === "connection") this.#connection(device, event.type);
  }

  #connection(device: DeviceId, type: string): void {
    if (type === "redial.request") this.closeLink(device, "dropped");
    else if (type === "lease.granted") this.setLink(device, { isLeased: true });
    else if (type === "lease.lost") {
      this.setLink(device, { isLeased: false });
      this.closeLink(device, "dropped");
      this.#mailbox.push({ to: `lease:${device}`, event: { type: "start" } });
    }
  }

  // ---- facts ----

  /** As production routes it: the detector hears of it, then health, then what the detector concludes. */
  serving(device: DeviceId, dial: number): void {
    const link = this.links.get(device) as Link;
    const isNews = dial >= link.heard;
    const edge = isNews && link.level > 0;
    if (isNews) this.setLink(device, heard({ ...link, heard: dial, shownAt: this.now }, this.now));
    const health = `health:${device}` as const;
    const facts = [{ to: health, event: { type: "connection.serving", dial } as { type: string } }];
    if (edge) facts.push({ to: health, event: { type: "evidence.fresh", lastEvidenceAt: this.now } as { type: string } });
    this.tell(...facts);
  }

  closed(device: DeviceId, dial: number, reason: "dropped" | "loggedOut"): void {
    const link = this.links.get(device) as Link;
    // A silence that has already asked for a re-dial runs on while that is under way.
    const isGivenUp = link.isGivenUp || reason === "loggedOut";
    if (dial >= link.heard)
      this.setLink(device, { heard: dial, isGivenUp, ...(link.level < 2 ? { level: 0, quietSince: null } : {}) });
    this.tell({
      to: `health:${device}`,
      event: { type: "connection.closed", dial, reason, code: null, until: null } as { type: string },
    });
  }
}

/** It could still be carried out. */
const isOpen = (ask: SeatAsk, seats: ReadonlyMap<SeatId, SeatRow>): boolean =>
  ask.op === "seat.change" && ask.expect === seats.get(ask.seat)?.term;
const isSame = (one: SeatAsk, other: SeatAsk): boolean =>
  one.op === "seat.change" &&
  other.op === "seat.change" &&
  one.expect === other.expect &&
  one.holder === other.holder &&
  one.phase === other.phase;
