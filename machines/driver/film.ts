/**
 * A film: what a journal tells, made ready to be watched. Who was in which state when, what each step was caused by, and what was
 * decided and why. Plain data: it is written into a page, and the page needs no machine to show it.
 *
 * A journal holds inputs only, so they are followed (replay.ts): states and what charts said to each other come out of the charts
 * themselves. Steps stand in columns, a number each: a hundred thousand are two megabytes of JSON and read at once.
 */
import type { FailoverRecord, FleetEvent } from "../ports/records.ts";
import type { Address, Candidate, CandidatesReply, Effect } from "../protocol.ts";
import type { JournalRecord } from "./journal.ts";
import { type Onlooker, type ReplayResult, replayJournal } from "./replay.ts";

export const FILM_VERSION = 1;
/** In the column of states: no state of its own (a reducer), or no longer there. */
export const NO_STATE = -1;
export const GONE = -2;
/** In the column of causes: nobody in the film. */
export const NOBODY = -1;

export interface FilmActor {
  readonly address: string;
  /** The chart's name. Nodes, and those who only speak or listen here (roster, store, WhatsApp, ...), have no chart. */
  readonly kind: string;
}

/** One row a step, in order. Numbers in `actor`, `cause`, `event`, `state` are places in the lists beside them. */
export interface FilmSteps {
  /** Milliseconds since the step before; the first since `from`. */
  readonly after: readonly number[];
  readonly actor: readonly number[];
  /** Who told it, or NOBODY. */
  readonly cause: readonly number[];
  readonly event: readonly number[];
  /** The state that it led to, or NO_STATE, or GONE. */
  readonly state: readonly number[];
}

export interface FilmMark {
  readonly kind: "fault" | "property" | "node" | "gap";
  readonly at: number;
  /** Of a fault: when it ended; null: not within the film. */
  readonly until: number | null;
  /** A fault's kind, a property's name. */
  readonly name: string;
  readonly text: string;
  /** Devices, seats or accounts that it concerns. */
  readonly hits: readonly string[];
}

/** The candidates of a seat as they were judged at one moment. */
export interface Ranking {
  readonly at: number;
  readonly seat: string;
  readonly ranked: readonly Pick<Candidate, "device" | "ladder" | "lastSeenAt" | "why">[];
  readonly rejected: readonly { readonly device: string; readonly why: string }[];
}

export type FilmFailover = FailoverRecord & {
  /** The first message acknowledged through whoever spoke after it; null: not known (a journal alone does not tell), or never. */
  readonly firstAckAt: number | null;
  /** When the holder really failed; null: not known. */
  readonly faultAt: number | null;
};

export interface Film {
  readonly film: typeof FILM_VERSION;
  readonly title: string;
  /** Sentences about the whole: what was run, what it broke, what could not be verified. */
  readonly notes: readonly string[];
  /** True if there was more that could not be shown. */
  readonly isPartial: boolean;
  /** Milliseconds since the Unix epoch, on the fleet's clock. */
  readonly from: number;
  readonly to: number;
  readonly actors: readonly FilmActor[];
  readonly events: readonly string[];
  readonly states: readonly string[];
  readonly steps: FilmSteps;
  readonly marks: readonly FilmMark[];
  readonly failovers: readonly FilmFailover[];
  readonly rankings: readonly Ranking[];
  /** What was decided and noticed, in order: audit entries and events. */
  readonly said: readonly FleetEvent[];
}

export interface Filmed {
  readonly film: Film;
  readonly result: ReplayResult;
}

export const filmOf = (records: Iterable<JournalRecord>, title: string): Filmed => {
  const camera = new Camera();
  const result = replayJournal(records, undefined, camera);
  return { film: camera.film(title, result), result };
};

/** A tell whose receipt is not older than this is what caused it. */
const SAME_TURN = 250;
/** Charts are told by reducers and ports too, which the journal does not follow: who says these things. By the first word. */
const SPEAKERS: Readonly<Record<string, string>> = {
  holder: "roster",
  candidates: "roster",
  candidate: "roster",
  home: "roster",
  outage: "roster",
  seat: "roster",
  account: "roster",
  evidence: "detector",
  probe: "detector",
  dial: "dialler",
  queue: "queue",
  standing: "checkup",
  connection: "whatsapp",
  store: "store",
};
/** What the roster hears is shown; what other reducers hear comes too often and says too little. */
const SHOWN_REDUCERS: ReadonlySet<string> = new Set(["roster"]);

class Camera implements Onlooker {
  readonly #actors = new Index<string>();
  readonly #kinds: string[] = [];
  readonly #events = new Index<string>();
  readonly #states = new Index<string>();
  readonly #steps = {
    after: [] as number[],
    actor: [] as number[],
    cause: [] as number[],
    event: [] as number[],
    state: [] as number[],
  };
  readonly #marks: FilmMark[] = [];
  readonly #failovers = new Map<string, FailoverRecord>();
  readonly #rankings: Ranking[] = [];
  readonly #lastRanking = new Map<string, string>();
  readonly #said: FleetEvent[] = [];
  readonly #told = new Map<string, { readonly by: number; readonly at: number }[]>();
  readonly #standing = new Set<number>();
  #from: number | null = null;
  #now = 0;
  #written = 0;

  life(node: string, at: number): void {
    this.#reach(at);
    const isFirst = this.#actors.place(`node:${node}`) === undefined;
    for (const actor of this.#standing) this.#put(actor, "the process ended", GONE, NOBODY);
    this.#standing.clear();
    this.#told.clear();
    this.#put(this.#actor(`node:${node}`, "node"), "started", this.#states.of("running"), NOBODY);
    const text = isFirst ? `${node} starts` : `${node} starts again: whatever it knew is read from the store`;
    this.#marks.push({ kind: "node", at, until: null, name: "node.started", text, hits: [] });
  }

  stands(to: Address, kind: string, value: unknown, effects: readonly Effect[]): void {
    const actor = this.#actor(to, kind);
    this.#standing.add(actor);
    this.#put(actor, "start", this.#states.of(nameOf(value)), this.#causeOf(to, "start", this.#now));
    this.#heed(actor, effects);
  }

  step({ to, event, at }: Extract<JournalRecord, { k: "in" }>, value: unknown, effects: readonly Effect[]): void {
    this.#reach(at ?? (event as { at?: number }).at ?? this.#now);
    const actor = this.#actor(to, kindOf(to));
    this.#put(actor, event.type, this.#states.of(nameOf(value)), this.#causeOf(to, event.type, this.#now));
    if (event.type === "candidates.ranked") this.#noteRanking(to.slice("failover:".length), event as CandidatesReply);
    this.#heed(actor, effects);
  }

  ends(to: Address, isDead: boolean): void {
    const actor = this.#actor(to, kindOf(to));
    this.#standing.delete(actor);
    this.#put(actor, isDead ? "died of an error" : "ended", GONE, NOBODY);
  }

  loses(): void {
    for (const actor of this.#standing) this.#put(actor, "records are missing", GONE, NOBODY);
    this.#standing.clear();
    const text = "records are missing here: what follows is shown from the next checkpoint or start on";
    this.#marks.push({ kind: "gap", at: this.#now, until: null, name: "gap", text, hits: [] });
  }

  film(title: string, { outcome, notes }: ReplayResult): Film {
    return {
      film: FILM_VERSION,
      title,
      notes,
      isPartial: outcome !== "identical" || notes.length > 0,
      from: this.#from ?? 0,
      to: this.#now,
      actors: this.#actors.values.map((address, place) => ({ address, kind: this.#kinds[place] ?? "" })),
      events: this.#events.values,
      states: this.#states.values,
      steps: this.#steps,
      marks: this.#marks,
      failovers: [...this.#failovers.values()].map((record) => ({ ...record, firstAckAt: null, faultAt: null })),
      rankings: this.#rankings,
      said: this.#said,
    };
  }

  // ---- steps ----

  /** Clocks may be set back; a film only goes on. */
  #reach(at: number): void {
    if (this.#from === null) {
      this.#from = at;
      this.#written = at;
    }
    this.#now = Math.max(this.#now, at);
  }

  #put(actor: number, event: string, state: number, cause: number): void {
    this.#steps.after.push(this.#now - this.#written);
    this.#steps.actor.push(actor);
    this.#steps.cause.push(cause);
    this.#steps.event.push(this.#events.of(event));
    this.#steps.state.push(state);
    this.#written = this.#now;
  }

  #actor(address: string, kind: string): number {
    const place = this.#actors.of(address);
    this.#kinds[place] ??= kind;
    return place;
  }

  #causeOf(to: Address, type: string, at: number): number {
    const waiting = this.#told.get(`${to} ${type}`);
    const told = waiting?.shift();
    if (told && at - told.at <= SAME_TURN) return told.by;
    const speaker = SPEAKERS[type.split(".", 1)[0] ?? ""];
    return speaker === undefined ? NOBODY : this.#actor(speaker, speaker);
  }

  // ---- what charts do ----

  #heed(by: number, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.op === "tell") this.#heedTell(by, effect.to, effect.event);
      else if (effect.op === "start") this.#remember(by, effect.address, "start");
      else if (effect.op === "raise") {
        this.#remember(by, `alert:${effect.key}`, "raise");
        this.#remember(by, `alert:${effect.key}`, "start");
      } else if (effect.op === "resolve") this.#remember(by, `alert:${effect.key}`, "resolve");
      else if (effect.op === "event") this.#said.push({ ...effect.event, at: this.#now });
      else if (effect.op === "audit") this.#sayAudit(effect.entry);
      else if (effect.op === "write" || effect.op === "store") this.#heedAsk(effect.ask);
    }
  }

  #heedTell(by: number, to: Address, event: { readonly type: string }): void {
    if (SHOWN_REDUCERS.has(to)) this.#put(this.#actor(to, to), event.type, NO_STATE, by);
    else this.#remember(by, to, event.type);
  }

  #remember(by: number, to: Address, type: string): void {
    const key = `${to} ${type}`;
    const waiting = this.#told.get(key)?.filter(({ at }) => this.#now - at <= SAME_TURN) ?? [];
    this.#told.set(key, [...waiting, { by, at: this.#now }]);
  }

  /** Alerts speak as events too: once is enough. */
  #heedAsk(ask: Extract<Effect, { op: "write" | "store" }>["ask"]): void {
    if ("failover" in ask && ask.failover) this.#failovers.set(ask.failover.id, ask.failover);
    if ("audit" in ask && ask.audit && ask.op !== "alert.record") this.#sayAudit(ask.audit);
    if (ask.op === "audit.append") for (const entry of ask.entries) this.#sayAudit(entry);
  }

  #sayAudit({
    action,
    subject,
    text,
    evidence,
  }: {
    action: string;
    subject: string;
    text: string;
    evidence: FleetEvent["data"];
  }): void {
    this.#said.push({ at: this.#now, type: action, subject, data: { ...evidence, text } });
  }

  /** Ranked again and again while somebody is awaited: only what is new. */
  #noteRanking(seat: string, { ranked, rejected }: CandidatesReply): void {
    const gist = JSON.stringify([ranked.map(({ device, why }) => [device, why]), rejected]);
    if (this.#lastRanking.get(seat) === gist) return;
    this.#lastRanking.set(seat, gist);
    this.#rankings.push({ at: this.#now, seat, ranked, rejected });
  }
}

/** Gives each thing a place in a list, the same one each time. */
class Index<T> {
  readonly #places = new Map<T, number>();
  readonly values: T[] = [];

  place(value: T): number | undefined {
    return this.#places.get(value);
  }
  of(value: T): number {
    const known = this.#places.get(value);
    if (known !== undefined) return known;
    this.#places.set(value, this.values.length);
    return this.values.push(value) - 1;
  }
}

const kindOf = (address: string): string => address.split(":", 1)[0] ?? address;
/** `outer.inner`, as in drawings. */
const nameOf = (value: unknown): string => {
  if (typeof value === "string") return value;
  const [outer, inner] = Object.entries((value ?? {}) as Record<string, unknown>)[0] ?? ["", ""];
  return `${outer}.${nameOf(inner)}`;
};
