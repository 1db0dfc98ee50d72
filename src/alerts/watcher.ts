/** Looks at a running fleet every few seconds, off the path of any message, and raises what has passed its limit. */
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { isWatched, type WatchedRule } from "../../machines/alerts/rules.ts";
import { type Limits, type Measure, startWatch, watch, type WatchState } from "../../machines/alerts/watch.ts";
import type { Clock } from "../../machines/ports/clock.ts";
import type { PhoneSeen } from "../../machines/account/phone.ts";
import type { AccountId, DeviceId, Millis, SeatId } from "../../machines/ports/ids.ts";
import type { AlertRow } from "../../machines/ports/records.ts";
import type { RosterState } from "../../machines/fleet/roster.ts";
import type { LeaseWatch } from "../runtime/lease-watch.ts";
import type { Supervisor } from "../runtime/supervisor.ts";
import {
  clockMeasure,
  diskMeasure,
  failoverMeasures,
  holderMeasures,
  leaseMeasure,
  type LineSeen,
  pauseMeasure,
  phoneMeasure,
  queueMeasures,
  type QueueSeen,
  seatFailoverMeasures,
  seatMeasures,
  storeMeasure,
  TRAFFIC_SPAN,
  trafficMeasures,
  type TrafficSeen,
  webhookMeasures,
} from "./measures.ts";

export interface WatcherOptions {
  readonly supervisor: Supervisor;
  readonly clock: Clock;
  readonly limits: Readonly<Record<WatchedRule, Limits>>;
  readonly storeFile: string;
  /** Deliveries that were given up, by webhook. */
  readonly deadLetters?: (() => Promise<Readonly<Record<string, number>>>) | undefined;
  /** Which devices may write for a seat. */
  readonly holders?: (() => ReadonlyMap<SeatId, ReadonlySet<DeviceId>>) | undefined;
  /** When the phone of an account was seen. */
  readonly phone?: ((account: AccountId) => PhoneSeen) | undefined;
  /** Left out: nobody could take the store. */
  readonly lease?: LeaseWatch | undefined;
  /** This machine's clock, which somebody may set. */
  readonly wall: () => Millis;
  readonly isPaused: () => boolean;
  /** After each look. */
  readonly onLook: () => void;
  readonly onFault: (error: unknown) => void;
}

const EVERY: Millis = 5000;
/** What changes slowly, or costs something. */
const SELDOM: Millis = 60_000;
const PATIENCE: Millis = 5000;
const FAILOVERS = 1000;

export class Watcher {
  readonly #options: WatcherOptions;
  #state: WatchState = new Map();
  #timer: unknown;
  #isClosed = false;
  readonly #traffic = new Map<SeatId, TrafficSeen[]>();
  #pausedSince: Millis | null = null;
  #queues: readonly QueueSeen[] = [];
  #seldom: { readonly at: Millis; readonly measures: readonly Measure[] } = { at: Number.NEGATIVE_INFINITY, measures: [] };

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  /** `open`: what holds as far as is known. */
  begin(open: readonly AlertRow[]): void {
    this.#state = startWatch(open.filter(({ rule }) => isWatched(rule)));
    this.#plan();
  }

  close(): void {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#timer);
  }

  #plan(): void {
    this.#timer = this.#options.clock.setTimeout(() => void this.#look(), EVERY);
  }

  async #look(): Promise<void> {
    const { supervisor, limits, clock, onLook, onFault } = this.#options;
    try {
      const measures = await this.#measure();
      if (this.#isClosed) return;
      const limitsOf = (rule: string): Limits | undefined => (isWatched(rule) ? limits[rule] : undefined);
      const { state, effects } = watch(this.#state, measures, limitsOf, clock.now());
      this.#state = state;
      if (effects.length > 0) supervisor.node.driver.perform("orchestrator", effects);
      onLook();
    } catch (error) {
      onFault(error);
    }
    if (!this.#isClosed) this.#plan();
  }

  async #measure(): Promise<readonly Measure[]> {
    const { supervisor, clock, holders, lease, wall } = this.#options;
    const roster = supervisor.node.roster();
    if (!roster) return [];
    await lease?.look();
    const store = await this.#askStore();
    const now = clock.now();
    if (now >= this.#seldom.at + SELDOM) await this.#lookSeldom(now);
    return [
      store,
      ...queueMeasures(this.#queues, now),
      ...seatMeasures(this.#seats(roster), linesOf(roster)),
      ...this.#trafficOf(roster, now),
      ...holderMeasures(holders?.() ?? new Map(), (account) => roster.accounts.get(account)?.role === "master"),
      ...(lease ? [leaseMeasure(lease.age())] : []),
      clockMeasure(wall() - now),
      ...this.#phones(roster, now),
      ...this.#pause(now),
      ...this.#seldom.measures,
    ];
  }

  async #lookSeldom(now: Millis): Promise<void> {
    try {
      const measures = await this.#inTime(this.#measureSeldom(now));
      if (measures) this.#seldom = { at: now, measures };
    } catch (error) {
      // The rest is looked at all the same.
      this.#options.onFault(error);
    }
  }

  /** What a store that does not answer said last, holds: what is not known any more is not well because of that. */
  async #askStore(): Promise<Measure> {
    const { supervisor, clock } = this.#options;
    const began = clock.now();
    const counts = await this.#inTime(supervisor.ask("outbox.counts", {}));
    if (counts?.kind !== "counts") return storeMeasure(null);
    this.#queues = counts.seats;
    return storeMeasure(clock.now() - began);
  }

  /** null: there was no answer. */
  async #inTime<T>(asked: Promise<T>): Promise<T | null> {
    const { clock } = this.#options;
    const late = Promise.withResolvers<null>();
    const timer = clock.setTimeout(() => late.resolve(null), PATIENCE);
    try {
      return await Promise.race([asked, late.promise]);
    } finally {
      clock.clearTimeout(timer);
    }
  }

  /** null: the store did not say. */
  async #measureSeldom(now: Millis): Promise<Measure[] | null> {
    const { supervisor, storeFile, deadLetters } = this.#options;
    const { bavail, bsize } = await statfs(dirname(storeFile));
    const answer = await supervisor.ask("failover.list", { seat: null, limit: FAILOVERS });
    if (answer.kind !== "failovers") return null;
    return [
      diskMeasure(bavail * bsize),
      ...failoverMeasures(answer.rows, now),
      ...seatFailoverMeasures(answer.rows, now),
      ...webhookMeasures((await deadLetters?.()) ?? {}),
    ];
  }

  #seats(roster: RosterState) {
    return [...roster.seats.values()].map(({ id, line, account, holder }) => {
      const view = this.#options.supervisor.node.seat(id);
      return { id, line, account, holder: view?.row.holder ?? holder, phase: view?.state ?? "unknown" };
    });
  }

  #trafficOf(roster: RosterState, now: Millis): Measure[] {
    const { node } = this.#options.supervisor;
    return [...roster.lines.keys()].flatMap((line) =>
      (node.line(line)?.seats ?? []).flatMap(({ seat, answered, failed, p99 }) => {
        const known = this.#traffic.get(seat) ?? [];
        const samples = [...known.filter(({ at }) => at > now - TRAFFIC_SPAN), { seat, at: now, answered, failed, p99 }];
        this.#traffic.set(seat, samples);
        return trafficMeasures(samples);
      }),
    );
  }

  #phones({ accounts, devices }: RosterState, now: Millis): Measure[] {
    const { phone } = this.#options;
    if (!phone) return [];
    return [...accounts].map(([account, view]) => {
      const isLinked = view.devices.some((device) => devices.get(device)?.linked === true);
      return phoneMeasure(account, isLinked ? phone(account).unseenSince : null, now);
    });
  }

  #pause(now: Millis): Measure[] {
    this.#pausedSince = this.#options.isPaused() ? (this.#pausedSince ?? now) : null;
    return this.#pausedSince === null ? [] : [pauseMeasure(now - this.#pausedSince)];
  }
}

const linesOf = (roster: RosterState): LineSeen[] =>
  [...roster.lines.values()].map(({ id, masters }) => ({
    id,
    devices: masters.flatMap((master) => {
      const account = roster.accounts.get(master);
      return (account?.devices ?? []).flatMap((device) => {
        const view = roster.devices.get(device);
        if (!view) return [];
        const isAble = view.linked && !view.cordoned && view.state === "healthy" && account?.standing === "good";
        return [{ id: device, isLinked: view.linked, isAble }];
      });
    }),
  }));
