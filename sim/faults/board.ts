/**
 * The faults of a run: begins and ends them on time, and asks those that are active, in the order in which they began.
 * When none concerns links or the store, which is most of the time, asking costs one comparison.
 */
import type { DeviceId } from "../../machines/ports/ids.ts";
import type { WorldClock } from "../world/clock.ts";
import type { Ledger } from "../world/ledger.ts";
import type { RandomSource } from "../world/random.ts";
import { describeFault, ruleOf, type Fault } from "./catalogue.ts";
import type { Active, DialFate, Fate, FaultWorld, Frame, LinkView, StoreAsk, StoreFate } from "./rule.ts";

interface Running {
  readonly devices: readonly DeviceId[];
  readonly fault: Fault;
  readonly active: Active;
}

export interface FaultBoard {
  /** The world that rules act upon; before the first fault begins. */
  attach(world: FaultWorld): void;
  /** Schedules a fault (a time in the past: now). Its index names it in the ledger. */
  inject(fault: Fault): number;
  /** Ends a fault before its time. */
  lift(index: number): void;
  liftAll(): void;
  dial(link: LinkView): DialFate | null;
  frame(link: LinkView, direction: Frame["direction"], kind: Frame["kind"]): Fate | null;
  cuts(link: LinkView, direction: "up" | "down"): boolean;
  stops(link: LinkView, direction: "up" | "down"): { readonly keeps: boolean } | null;
  /** Whether any fault is on that has a say in it: mostly none has. */
  readonly asksStore: boolean;
  store(ask: StoreAsk): StoreFate | null;
  /** Calls once, in a turn of its own, after a fault has ended: then what it held back may ask again. */
  whenEased(then: () => void): void;
  /** Those that are on, and whom they hit when they began. */
  running(): readonly { readonly index: number; readonly fault: Fault; readonly devices: readonly DeviceId[] }[];
  /** Those injected, by index. */
  readonly faults: readonly Fault[];
  /** How often a fault of each kind decided something or found something to do. */
  readonly bites: ReadonlyMap<string, number>;
}

/** What makes an active fault one that is asked; one without any has done its work at the beginning. */
const QUESTIONS = ["dial", "frame", "cuts", "stops", "store"] as const;

export const createBoard = (clock: WorldClock, random: RandomSource, ledger: Ledger): FaultBoard =>
  new Board(clock, random, ledger);

class Board implements FaultBoard {
  readonly faults: Fault[] = [];
  readonly bites = new Map<string, number>();
  readonly #running = new Map<number, Running>();
  readonly #clock: WorldClock;
  readonly #random: RandomSource;
  readonly #ledger: Ledger;
  #world: FaultWorld | null = null;
  #eased: (() => void)[] = [];
  // The running faults by what they may be asked about.
  #dial: Running[] = [];
  #frame: Running[] = [];
  #cuts: Running[] = [];
  #stops: Running[] = [];
  #store: Running[] = [];

  constructor(clock: WorldClock, random: RandomSource, ledger: Ledger) {
    this.#clock = clock;
    this.#random = random;
    this.#ledger = ledger;
  }

  attach(world: FaultWorld): void {
    this.#world = world;
  }

  inject(fault: Fault): number {
    const index = this.faults.push(fault) - 1;
    const wait = fault.at - this.#clock.now();
    if (wait <= 0) this.#begin(index, fault);
    else this.#clock.setTimeout(() => this.#begin(index, fault), wait);
    return index;
  }

  lift(index: number): void {
    const running = this.#running.get(index);
    if (!running) return;
    this.#running.delete(index);
    this.#sort();
    running.active.end?.();
    this.#note(index, running.fault, "ended", []);
    const waiting = this.#eased;
    if (waiting.length === 0) return;
    this.#eased = [];
    this.#clock.setTimeout(() => {
      for (const then of waiting) then();
    }, 0);
  }

  liftAll(): void {
    for (const index of this.#running.keys()) this.lift(index);
  }

  running(): readonly { readonly index: number; readonly fault: Fault; readonly devices: readonly DeviceId[] }[] {
    return [...this.#running].map(([index, { fault, devices }]) => ({ index, fault, devices }));
  }

  dial(link: LinkView): DialFate | null {
    return this.#ask(this.#dial, (active) => active.dial?.(link) ?? null);
  }

  frame(link: LinkView, direction: Frame["direction"], kind: Frame["kind"]): Fate | null {
    if (this.#frame.length === 0) return null;
    const frame: Frame = { link, direction, kind };
    let late = 0;
    let again: Fate | null = null;
    for (const { fault, active } of this.#frame) {
      const fate = active.frame?.(frame) ?? null;
      if (fate === null) continue;
      this.#bite(fault);
      // A slow link can be silent too, and what would come twice can be lost: neither hides a fault that lets nothing through.
      if (fate.kind === "drop") return fate;
      if (fate.kind === "late") late += fate.by;
      else again ??= fate;
    }
    return again ?? (late > 0 ? { kind: "late", by: late } : null);
  }

  cuts(link: LinkView, direction: "up" | "down"): boolean {
    if (this.#cuts.length === 0) return false;
    return this.#ask(this.#cuts, (active) => (active.cuts?.(link, direction) ? true : null)) ?? false;
  }

  stops(link: LinkView, direction: "up" | "down"): { readonly keeps: boolean } | null {
    if (this.#stops.length === 0) return null;
    return this.#ask(this.#stops, (active) => active.stops?.(link, direction) ?? null);
  }

  get asksStore(): boolean {
    return this.#store.length > 0;
  }

  store(ask: StoreAsk): StoreFate | null {
    return this.#ask(this.#store, (active) => active.store?.(ask) ?? null);
  }

  whenEased(then: () => void): void {
    this.#eased.push(then);
  }

  #ask<T>(of: readonly Running[], question: (active: Active) => T | null): T | null {
    for (const { fault, active } of of) {
      const decided = question(active);
      if (decided !== null) {
        this.#bite(fault);
        return decided;
      }
    }
    return null;
  }

  #begin(index: number, fault: Fault): void {
    const world = this.#world;
    if (!world) throw new Error("faults need a world to act upon: attach it first");
    const until = fault.for === "permanent" ? Number.POSITIVE_INFINITY : this.#clock.now() + fault.for;
    const devices = world.devices(fault.target);
    // Recorded first: what the rule does at once is then seen as its consequence.
    this.#note(index, fault, "began", devices);
    const active = ruleOf(fault).begin(fault, world, this.#random.stream(`fault:${index}`), until);
    if (active === null) return;
    if (!QUESTIONS.some((question) => question in active)) this.#bite(fault);
    this.#running.set(index, { fault, active, devices });
    this.#sort();
    if (fault.for === "permanent") return;
    if (fault.for <= 0) this.lift(index);
    else this.#clock.setTimeout(() => this.lift(index), fault.for);
  }

  #sort(): void {
    const all = [...this.#running.values()];
    this.#dial = all.filter(({ active }) => "dial" in active);
    this.#frame = all.filter(({ active }) => "frame" in active);
    this.#cuts = all.filter(({ active }) => "cuts" in active);
    this.#stops = all.filter(({ active }) => "stops" in active);
    this.#store = all.filter(({ active }) => "store" in active);
  }

  #bite(fault: Fault): void {
    this.bites.set(fault.kind, (this.bites.get(fault.kind) ?? 0) + 1);
  }

  #note(index: number, fault: Fault, what: "began" | "ended", devices: readonly DeviceId[]): void {
    this.#ledger.record({ kind: "fault", index, what, fault: fault.kind, text: describeFault(fault), devices });
  }
}
