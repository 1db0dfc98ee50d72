/** Makes a film of a journal: follows it record by record, and writes down what charts become and what they do. */
import type { FailoverRecord, FleetEvent } from "../ports/records.ts";
import type { Address, CandidatesReply, Effect, LinkEvent } from "../protocol.ts";
import { type Closed, type Film, FILM_VERSION, type FilmMark, GONE, NO_STATE, NOBODY, type Ranking } from "./film.ts";
import type { JournalRecord } from "./journal.ts";
import { type Onlooker, type ReplayResult, replayJournal } from "./replay.ts";

export interface Filmed {
  readonly film: Film;
  readonly result: ReplayResult;
}

/** `charts`: those that the journal's node ran on; production's unless said otherwise. */
export const filmOf = (records: Iterable<JournalRecord>, title: string, charts?: Readonly<Record<string, unknown>>): Filmed => {
  const camera = new Camera();
  const result = replayJournal(records, charts, camera);
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
  /** By device: how its link ended, until it has one again. */
  readonly #closed = new Map<string, Closed>();
  /** By change of holder: how the former one's link had ended then. */
  readonly #signs = new Map<string, Closed | null>();
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
    if (to.startsWith("connection:")) this.#noteLink(to.slice("connection:".length), event);
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
      source: "journal",
      notes,
      isPartial: outcome !== "identical" || notes.length > 0,
      from: this.#from ?? 0,
      to: this.#now,
      actors: this.#actors.values.map((address, place) => ({ address, kind: this.#kinds[place] ?? "" })),
      events: this.#events.values,
      states: this.#states.values,
      steps: this.#steps,
      marks: this.#marks,
      failovers: [...this.#failovers.values()].map((record) => ({
        ...record,
        closed: this.#signs.get(record.id) ?? null,
        firstAckAt: null,
        faultAt: null,
      })),
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
    if ("failover" in ask && ask.failover) this.#noteFailover(ask.failover);
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

  #noteFailover(record: FailoverRecord): void {
    this.#failovers.set(record.id, record);
    if (!this.#signs.has(record.id)) this.#signs.set(record.id, this.#closed.get(record.from ?? "") ?? null);
  }

  /** The first end is the sign; later ones are dials that failed. */
  #noteLink(device: string, event: { readonly type: string }): void {
    if (event.type === "connection.serving") this.#closed.delete(device);
    if (event.type !== "connection.closed" || this.#closed.has(device)) return;
    const { reason, code } = event as Extract<LinkEvent, { type: "connection.closed" }>;
    this.#closed.set(device, { at: this.#now, reason, code });
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
