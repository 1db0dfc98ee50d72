/**
 * Who gets a new conversation, on every line of a node. It looks on while the roster and the queues work, so that a decision
 * finds everything at hand: it costs microseconds, however many seats there are.
 */
import { mayTakeWork } from "../../fleet/posts.ts";
import type { roster, RosterState, SeatView } from "../../fleet/roster.ts";
import { accountOf, type LineId, lineOf, type Millis, type SeatId, servantOf } from "../../ports/ids.ts";
import type { LineRow } from "../../ports/store.ts";
import type { Effect, QueueEvent, RosterEvent } from "../../protocol.ts";
import type { Allowance } from "../caps.ts";
import type { Buckets } from "../pace.ts";
import type { queue, SeatQueue } from "../queue.ts";
import { type Beginning, isServantsWork, type Work } from "../work.ts";
import { Balancer } from "./balancer.ts";
import { Load } from "./load.ts";
import { leastLoaded } from "./least-loaded.ts";
import { priority, urgencyOf } from "./priority.ts";
import { inTurn, roundRobin } from "./round-robin.ts";
import { NO_TIERS } from "./settings.ts";
import { type SeatLine, SeatTable } from "./seat-table.ts";
import { ShownSeats } from "./shown.ts";
import { isBuiltIn, strategiesBy } from "./strategies.ts";
import type { LineBalance, Newcomer, Policy, Strategy } from "./strategy.ts";
import type { Figures } from "./tally.ts";
import { begin, step, type Trend } from "./trend.ts";
import type { Cursor } from "./turns.ts";
import { watched } from "./watched.ts";

/** What a line's strategy did that it may not. */
export interface Misconduct {
  readonly line: LineId;
  readonly strategy: string;
  readonly what: string;
}
export interface BalanceOptions {
  readonly lines: readonly LineId[];
  /** undefined: round-robin, all such lines in one turn. */
  readonly settings: (line: LineId) => LineBalance | undefined;
  /** What the line gives its servants to do; left out: nothing. */
  readonly work?: (line: LineId) => readonly Work[];
  /** A user's own, besides ours. */
  readonly strategies: readonly Strategy[];
  /** Said once for each line and life. */
  readonly onFault: (fault: Misconduct) => void;
}
/** The actors that are looked at. */
interface Actors {
  readonly roster: typeof roster;
  readonly queue: typeof queue;
}

export interface SeatPerformance extends Figures {
  readonly seat: SeatId;
  readonly isEligible: boolean;
  /** What it has now: of the fleet file, times what its trend leaves. */
  readonly weight: number;
  /** Conversations given to it since the node was started. */
  readonly begun: number;
  readonly waiting: number;
  readonly underWay: number;
  readonly expectedWait: Millis;
}
export interface LineView {
  readonly line: LineId;
  readonly strategy: string;
  readonly seats: readonly SeatPerformance[];
  /** Its servants, where they work. */
  readonly posts: readonly SeatPerformance[];
}

interface Line {
  readonly table: SeatTable;
  readonly loads: readonly Load[];
  /** By place, from the first reading on. */
  readonly trends: Trend[];
  readonly balancer: Balancer;
  readonly settings: LineBalance | undefined;
  readonly works: readonly Work[];
  decisions: number;
  /** Places whose account may begin no more conversations for now, and until when. */
  readonly full: Map<number, Millis>;
  /** Conversations by place. */
  readonly begun: number[];
}

export class Balance {
  readonly #options: BalanceOptions;
  #strategies: ReadonlyMap<string, Strategy>;
  readonly #lines = new Map<LineId, Line>();
  readonly #lineOf = new Map<SeatId, Line>();
  /** The servants of a seat, as if its posts were the seats of a line. */
  readonly #crews = new Map<SeatId, Line>();
  readonly #together: Cursor = { place: 0 };
  #buckets: Buckets | undefined;
  #allowance: Allowance | undefined;
  #roster: RosterState | undefined;

  constructor(options: BalanceOptions) {
    this.#options = options;
    this.#strategies = strategiesBy(options.strategies);
    for (const line of options.lines) this.#strategyOf(line);
  }

  /** The node has another configuration: lines that are told something else begin anew. */
  adopt({ lines, strategies }: Pick<BalanceOptions, "lines" | "strategies">): void {
    this.#strategies = strategiesBy(strategies);
    const roster = this.#roster;
    for (const [id, line] of this.#lines) {
      if (!lines.includes(id) || this.#isTold(line, id)) continue;
      this.#lines.delete(id);
      for (const seat of this.#crews.keys()) if (lineOf(seat) === id) this.#crews.delete(seat);
    }
    if (roster) this.#onRoster(roster, lines);
  }

  #isTold({ settings, works }: Line, id: LineId): boolean {
    const told = this.#options.settings(id);
    const isSame = settings === told || (settings !== undefined && told !== undefined && settings.gist === told.gist);
    return isSame && works.join() === (this.#options.work?.(id) ?? []).join();
  }

  choose(line: LineId, newcomer: Newcomer, at: Millis, beginning?: Beginning): SeatId | undefined {
    const known = this.#lines.get(line);
    const place = known && this.#choose(known, newcomer, at);
    if (known === undefined || place === undefined) return undefined;
    const seat = known.table.seat(place);
    const post = beginning && this.#choosePost(known, place, newcomer, beginning, at);
    if (post) return post;
    this.#given(known, place, at);
    return seat;
  }

  /** The servant of the seat whose work this is; undefined: its holder's. */
  #choosePost(line: Line, place: number, newcomer: Newcomer, beginning: Beginning, at: Millis): SeatId | undefined {
    const crew = this.#crews.get(line.table.seat(place));
    if (!crew) return undefined;
    const wait = (): Millis => {
      this.#weigh(line, place, at);
      return line.table.expectedWait(place, at);
    };
    if (!isServantsWork(crew.works, beginning, wait)) return undefined;
    const post = this.#choose(crew, newcomer, at);
    // The holder can do it as well: it need not wait for a servant's cap.
    if (post === undefined || !crew.table.isEligible(post) || this.#fullUntil(crew, post, at) > at) return undefined;
    this.#given(crew, post, at);
    return crew.table.seat(post);
  }

  #given(line: Line, place: number, at: Millis): void {
    line.loads[place]?.place(at);
    line.begun[place] = (line.begun[place] ?? 0) + 1;
    if (!line.settings) return;
    this.#weigh(line, place, at);
    // One other a decision: what nobody tries is seen with less and less certainty.
    this.#weigh(line, line.decisions++ % line.table.size, at);
  }

  /** Whose account has room for a new contact; when none has, any: the message waits there. */
  #choose(line: Line, newcomer: Newcomer, at: Millis): number | undefined {
    const { full, table, balancer } = line;
    for (const [place, until] of full) if (until <= at) this.#reopen(line, place);
    let place = balancer.choose(newcomer, at);
    while (place !== undefined && table.isEligible(place)) {
      const until = this.#fullUntil(line, place, at);
      if (until <= at) return place;
      full.set(place, until);
      table.setEligible(place, false);
      place = balancer.choose(newcomer, at);
    }
    if (full.size === 0) return place;
    for (const each of full.keys()) this.#reopen(line, each);
    return balancer.choose(newcomer, at);
  }

  #fullUntil({ table, loads }: Line, place: number, at: Millis): Millis {
    const account = servantOf(table.seat(place)) ?? loads[place]?.account;
    return account ? (this.#allowance?.nextAt(account, true, at) ?? at) : at;
  }

  #reopen({ full, table }: Line, place: number): void {
    full.delete(place);
    if (this.#roster) this.#review(this.#roster, table.seat(place));
  }

  tierOf(line: LineId, to: Parameters<LineBalance["tierOf"]>[0]): string | null {
    return this.#lines.get(line)?.settings?.tierOf(to) ?? null;
  }

  urgency(line: LineId, tier: string | null): number {
    const settings = this.#lines.get(line)?.settings;
    return urgencyOf(settings?.strategy === priority.name ? settings.priority : NO_TIERS, tier);
  }

  /** For people: how a line's seats stand, in their order; undefined: there is no such line. */
  view(line: LineId, at: Millis): LineView | undefined {
    const known = this.#lines.get(line);
    if (!known) return undefined;
    const seats = this.#figuresOf(known, at);
    const posts = seats.flatMap(({ seat }) => {
      const crew = this.#crews.get(seat);
      return crew ? this.#figuresOf(crew, at) : [];
    });
    return { line, strategy: known.settings?.strategy ?? roundRobin.name, seats, posts };
  }

  /** The names of the regions that a line's seats are sorted into; none: it has no such. */
  regionsOf(line: LineId): readonly string[] {
    return this.#lines.get(line)?.settings?.geo.regions.map(({ name }) => name) ?? [];
  }

  #figuresOf(line: Line, at: Millis): SeatPerformance[] {
    const { table, loads, begun: counts } = line;
    for (const place of loads.keys()) this.#weigh(line, place, at);
    return loads.map((load, place) => ({
      seat: table.seat(place),
      isEligible: table.isEligible(place),
      weight: table.weight(place),
      begun: counts[place] ?? 0,
      waiting: load.waiting,
      underWay: load.underWay,
      expectedWait: table.expectedWait(place, at),
      ...load.tally.figures,
    }));
  }

  // ---- looking on ----

  /** The same actors, looked at. */
  lookingOn<A extends Actors>(actors: A): A {
    return {
      ...actors,
      roster: watched(actors.roster, {
        onStart: (_, { state }) => this.#onRoster(state),
        onStep: (event, { state }) => this.#onRosterEvent(state, event),
      }),
      queue: watched(actors.queue, {
        onStart: ({ buckets, allowance }) => {
          this.#buckets = buckets;
          this.#allowance = allowance;
        },
        onStep: (event, { state, effects = [] }) => this.#onQueue(state, event, effects),
      }),
    };
  }

  /** `lines`: of those alone, the others are about to go. */
  #onRoster(state: RosterState, lines: readonly LineId[] = [...state.lines.keys()]): void {
    this.#roster = state;
    for (const id of this.#lines.keys()) if (!lines.includes(id)) this.#lines.delete(id);
    for (const seat of this.#crews.keys()) if (!lines.includes(lineOf(seat))) this.#crews.delete(seat);
    for (const line of state.lines.values()) {
      if (!lines.includes(line.id)) continue;
      const seats = [...state.seats.values()].filter((seat) => seat.line === line.id);
      const known = this.#lines.get(line.id);
      if (!known || !isSame(known.table, seats)) this.#begin(line, seats);
      for (const { id } of seats) this.#review(state, id);
    }
    this.#beginCrews(state);
    this.#reviewCrews(state);
  }

  #beginCrews(state: RosterState): void {
    for (const { id, line } of state.seats.values()) {
      if (!this.#lines.has(line)) continue;
      const posts = [...state.posts.values()].filter(({ seat, isKept }) => seat === id && isKept);
      const known = this.#crews.get(id);
      const rows = posts.map((post) => ({ seat: post.id, account: post.servant, weight: 1 }));
      if (rows.length === 0) this.#crews.delete(id);
      if (rows.length === 0 || (known && isSame(known.table, posts))) continue;
      const crew = this.#made(line, rows, this.#options.settings(line)?.strategy === leastLoaded.name ? leastLoaded : undefined);
      this.#crews.set(id, crew);
      for (const post of posts) this.#lineOf.set(post.id, crew);
    }
  }

  #reviewCrews(state: RosterState): void {
    for (const crew of this.#crews.values()) {
      for (let place = 0; place < crew.table.size; place++) {
        if (!crew.full.has(place)) this.#review(state, crew.table.seat(place));
      }
    }
  }

  #onRosterEvent(state: RosterState, event: RosterEvent | { readonly type: `store.${string}` }): void {
    if (event.type !== "device.seen") this.#reviewCrews(state);
    if (event.type === "seat.held" || event.type === "seat.stands") return this.#review(state, event.seat);
    const devices =
      event.type === "device.health"
        ? [event.device]
        : event.type === "account.standing"
          ? (state.accounts.get(event.account)?.devices ?? [])
          : [];
    for (const device of devices) for (const seat of state.holds.get(device) ?? []) this.#review(state, seat);
  }

  #onQueue(queue: SeatQueue, event: QueueEvent, effects: readonly Effect[]): void {
    const line = this.#lineOf.get(queue.seat);
    const place = line?.table.placeOf(queue.seat);
    if (line === undefined || place === undefined) return;
    line.loads[place]?.note(event, effects, queue, event.at);
    // A line in one turn with others looks at no loads.
    if (line.settings) this.#weigh(line, place, event.at);
  }

  #weigh({ table, loads, trends, settings }: Line, place: number, at: Millis): void {
    const load = loads[place] as Load;
    if (settings?.adaptive) {
      const trend = step(trends[place] ?? begin(at), load.reading(at), at);
      trends[place] = trend;
      table.setShare(place, trend.share);
    }
    const headroom = (load.account && this.#buckets?.headroom(load.account, at)) ?? null;
    table.setWait(place, load.wait(headroom, at));
  }

  // ---- a line ----

  #begin(row: LineRow, seats: readonly SeatView[]): void {
    const settings = this.#options.settings(row.id);
    const rows = seats.map(({ id, account }) => ({ seat: id, account, weight: settings?.weights[account] ?? 1 }));
    const line = this.#made(row.id, rows, this.#strategyOf(row.id));
    this.#lines.set(row.id, line);
    for (const { id } of seats) this.#lineOf.set(id, line);
  }

  #made(id: LineId, rows: readonly SeatLine[], strategy: Strategy | undefined): Line {
    const settings = this.#options.settings(id);
    const table = new SeatTable(rows);
    let isSaid = false;
    const onFault = (what: string): void => {
      if (!isSaid) this.#options.onFault({ line: id, strategy: strategy?.name ?? roundRobin.name, what });
      isSaid = true;
    };
    const isOurs = rows.every(({ seat }) => servantOf(seat) === null);
    const inOrder = isOurs ? inTurn(table, this.#together) : inTurn(table);
    const policy = settings && strategy ? begun(strategy, settings, table, onFault) : inOrder;
    return {
      table,
      loads: rows.map(() => new Load()),
      trends: [],
      balancer: new Balancer({ seats: table, policy, onFault }),
      settings,
      works: this.#options.work?.(id) ?? [],
      decisions: 0,
      full: new Map(),
      begun: rows.map(() => 0),
    };
  }

  /** Throws if there is none of that name. */
  #strategyOf(line: LineId): Strategy | undefined {
    const name = this.#options.settings(line)?.strategy;
    if (name === undefined) return undefined;
    const strategy = this.#strategies.get(name);
    const known = [...this.#strategies.keys()].join(", ");
    if (!strategy) throw new RangeError(`line ${line}: there is no strategy ${name}. There are ${known}`);
    return strategy;
  }

  #review(state: RosterState, id: SeatId): void {
    const line = this.#lineOf.get(id);
    const place = line?.table.placeOf(id);
    const post = state.posts.get(id);
    if (line && post && place !== undefined) return line.table.setEligible(place, mayTakeWork(state, post));
    const seat = state.seats.get(id);
    if (!line || !seat || place === undefined) return;
    const isAtHome = seat.holder !== null && accountOf(seat.holder) === seat.account;
    line.full.delete(place);
    line.table.setEligible(place, mayBegin(state, seat), isAtHome);
  }
}

/** A strategy that can't begin is as one that errs at every turn. */
const begun = (strategy: Strategy, settings: LineBalance, table: SeatTable, onFault: (what: string) => void): Policy => {
  try {
    if (isBuiltIn(strategy.name)) return strategy.begin(settings, table);
    const shown = new ShownSeats(table);
    const policy = strategy.begin(settings, shown);
    return (_, newcomer, at) => policy(shown, newcomer, at);
  } catch (error) {
    onFault(`it could not begin: ${error instanceof Error ? error.message : String(error)}`);
    return inTurn(table);
  }
};

const isSame = (table: SeatTable, seats: readonly { readonly id: SeatId }[]): boolean =>
  table.size === seats.length && seats.every(({ id }, place) => table.seat(place) === id);

/** Its holder is well. A restricted account may not begin conversations, a banned one may do nothing. */
const mayBegin = ({ devices, accounts }: RosterState, { holder }: SeatView): boolean => {
  if (holder === null) return false;
  const health = devices.get(holder)?.state;
  const standing = accounts.get(accountOf(holder))?.standing ?? "good";
  return (health === "healthy" || health === "recovering") && standing === "good";
};
