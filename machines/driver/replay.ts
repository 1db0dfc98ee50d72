/**
 * The replay of a journal: the same inputs to the same charts, without clock, ports or store, and every state compared.
 *
 * It begins at a life's start or at a checkpoint; what stands before the first of them, and what follows a gap until the next, is
 * counted and said to be unverified. The first state that differs ends it.
 */
import { type AnyActorRef, type AnyStateMachine, createActor, type InspectionEvent } from "xstate";
import type { Address, Effect, Emitted } from "../protocol.ts";
import { ACTORS } from "./actors.ts";
import { type Observe, tellTaken } from "./driver.ts";
import { JOURNAL_VERSION, type JournalRecord, stateHash } from "./journal.ts";

export interface Divergence {
  /** Number of the record. */
  readonly n: number;
  readonly actor: Address;
  /** Type of the event that led there, or what the record was. */
  readonly after: string;
  readonly expected: string;
  readonly actual: string;
}
export interface ReplayResult {
  /**
   * `identical`: every state that could be compared is the journal's. `nothing`: there was no record to begin at. `refused`: of
   * another version, or no journal.
   */
  readonly outcome: "identical" | "diverged" | "nothing" | "refused";
  readonly divergence: Divergence | null;
  /** Starts of nodes in the journal. */
  readonly lives: number;
  readonly records: number;
  /** States that were compared. */
  readonly compared: number;
  /** Records that nothing could be said about. */
  readonly unverified: number;
  /** What happened, and what could not be verified and why: sentences. */
  readonly notes: readonly string[];
}

/** Told of each step that was followed and compared, in order. What can't be verified is not told. */
export interface Onlooker {
  /** A node starts: nothing that was before exists any more. */
  life(node: string, at: number): void;
  /** The chart is there, newly begun or found in a checkpoint; `effects` are those of its start. */
  stands(to: Address, kind: string, value: unknown, effects: readonly Effect[]): void;
  step(record: Extract<JournalRecord, { k: "in" }>, value: unknown, effects: readonly Effect[]): void;
  /** Each transition on the way, as far as it is wanted. */
  took?: Observe;
  /** At its final state, or dead of an error. */
  ends(to: Address, isDead: boolean): void;
  /** What follows can't be told until the next start or checkpoint. */
  loses(): void;
}

type Charts = Readonly<Record<string, unknown>>;
type Of<K extends JournalRecord["k"]> = Extract<JournalRecord, { k: K }>;
type At<R extends JournalRecord = JournalRecord> = R & { readonly to: Address };

/** `charts`: by kind; production's unless said otherwise. */
export const replayJournal = (records: Iterable<JournalRecord>, charts: Charts = ACTORS, onlooker?: Onlooker): ReplayResult => {
  const replay = new Replay(charts, onlooker);
  for (const record of records) if (!replay.take(record)) break;
  return replay.result();
};

const DEAF = { setTimeout: () => 0, clearTimeout: () => undefined };

class Replay {
  readonly #charts: Charts;
  readonly #onlooker: Onlooker | undefined;
  readonly #actors = new Map<Address, AnyActorRef>();
  readonly #notes: string[] = [];
  /** `lost`: what charts there are is not known. `restoring`: a checkpoint is being read. */
  #state: "lost" | "following" | "restoring" = "lost";
  #restored: Map<Address, AnyActorRef> = new Map();
  #awaited = 0;
  #last: number | null = null;
  #skippedSince: number | null = null;
  #divergence: Divergence | null = null;
  #refusal: string | null = null;
  #lives = 0;
  #records = 0;
  #compared = 0;
  #unverified = 0;
  /** Of the step that is being followed. */
  #effects: readonly Effect[] = [];

  constructor(charts: Charts, onlooker: Onlooker | undefined) {
    this.#charts = charts;
    this.#onlooker = onlooker;
  }

  /** False when there is no use in going on. */
  take(record: JournalRecord): boolean {
    const fault = faultOf(record);
    if (fault) {
      this.#refusal = fault;
      return false;
    }
    this.#records++;
    if (record.k !== "life" && this.#last !== null && record.n !== this.#last + 1) this.#onGap(record.n);
    this.#last = record.n;
    if (record.k === "life") this.#onLife(record);
    else if (record.k === "checkpoint") this.#onCheckpoint(record);
    else if (record.k === "state") this.#onState(record);
    else if (this.#state === "following") this.#follow(record);
    else this.#skip(record);
    return this.#divergence === null && this.#refusal === null;
  }

  result(): ReplayResult {
    this.#endSkip(null);
    const outcome = this.#refusal ? "refused" : this.#divergence ? "diverged" : this.#compared > 0 ? "identical" : "nothing";
    if (outcome === "nothing")
      this.#notes.push("the journal holds neither the start of a node nor a whole checkpoint: there is no state to begin at");
    if (this.#refusal) this.#notes.push(this.#refusal);
    if (this.#divergence) this.#notes.push(sentence(this.#divergence));
    return {
      outcome,
      divergence: this.#divergence,
      lives: this.#lives,
      records: this.#records,
      compared: this.#compared,
      unverified: this.#unverified,
      notes: this.#notes,
    };
  }

  // ---- where it can begin ----

  #onLife({ node, at }: Of<"life">): void {
    this.#onlooker?.life(node, at);
    this.#endSkip(this.#last);
    this.#lives++;
    this.#clear(this.#actors);
    this.#state = "following";
  }

  /** While it follows, a checkpoint is only compared; else it is what to go on from. */
  #onCheckpoint({ n, charts }: Of<"checkpoint">): void {
    if (this.#state === "following") {
      if (charts !== this.#actors.size)
        this.#diverge(n, "orchestrator", "checkpoint", `${charts} charts`, `${this.#actors.size} charts`);
      return;
    }
    this.#clear(this.#restored);
    this.#awaited = charts;
    this.#state = "restoring";
  }

  #onState(record: Of<"state">): void {
    const { n, to, value, context } = record;
    if (this.#state === "following") {
      const actor = this.#actors.get(to);
      const actual = actor ? stateHash(actor.getSnapshot()) : "no such actor";
      return this.#compare(n, to, "checkpoint", stateHash({ value, context }), actual);
    }
    this.#skip(record);
    if (this.#state !== "restoring") return;
    const machine = this.#machineOf(record);
    if (!machine) return;
    const snapshot = machine.resolveState({ value, context } as Parameters<AnyStateMachine["resolveState"]>[0]);
    const actor = this.#actor(machine, to, { snapshot });
    actor.start();
    this.#restored.set(to, actor);
    if (this.#restored.size < this.#awaited) return;
    this.#clear(this.#actors);
    for (const [address, actor] of this.#restored) {
      this.#actors.set(address, actor);
      this.#onlooker?.stands(address, kindIn(address), valueOf(actor), []);
    }
    this.#restored = new Map();
    this.#endSkip(n);
    this.#state = "following";
  }

  #onGap(n: number): void {
    this.#notes.push(
      `records ${(this.#last as number) + 1} to ${n - 1} are missing: what follows can be verified from the next checkpoint or start on`,
    );
    this.#state = "lost";
    this.#onlooker?.loses();
  }

  #skip({ n }: JournalRecord): void {
    this.#unverified++;
    this.#skippedSince ??= n;
  }
  #endSkip(n: number | null): void {
    if (this.#skippedSince === null) return;
    this.#notes.push(
      n === null
        ? `records from ${this.#skippedSince} on could not be verified: no checkpoint and no start of a node follows`
        : `records from ${this.#skippedSince} to ${n} could not be verified: the state that they began with is not in the journal`,
    );
    this.#skippedSince = null;
  }

  // ---- following ----

  #follow(record: At<Of<"start"> | Of<"in"> | Of<"dead">>): void {
    const { n, to } = record;
    if (record.k === "dead") {
      this.#onlooker?.ends(to, true);
      this.#forget(to);
      return;
    }
    if (record.k === "start") {
      const machine = this.#machineOf(record);
      if (!machine) return;
      const actor = this.#actor(machine, to, { input: record.input });
      this.#actors.set(to, actor);
      this.#effects = [];
      actor.start();
      this.#onlooker?.stands(to, record.kind, valueOf(actor), this.#effects);
      return this.#judge(n, to, actor, "start", record.hash);
    }
    const actor = this.#actors.get(to);
    if (!actor) return this.#diverge(n, to, record.event.type, "an actor that takes it", "none: it has ended or never began");
    this.#effects = [];
    actor.send(record.event);
    this.#onlooker?.step(record, valueOf(actor), this.#effects);
    this.#judge(n, to, actor, record.event.type, record.hash);
  }

  #judge(n: number, to: Address, actor: AnyActorRef, after: string, expected: string): void {
    const snapshot = actor.getSnapshot() as { status: string };
    this.#compare(n, to, after, expected, stateHash(snapshot));
    if (snapshot.status !== "done") return;
    this.#onlooker?.ends(to, false);
    this.#forget(to);
  }

  #compare(n: number, actor: Address, after: string, expected: string, actual: string): void {
    if (expected === actual) this.#compared++;
    else this.#diverge(n, actor, after, expected, actual);
  }
  #diverge(n: number, actor: Address, after: string, expected: string, actual: string): void {
    this.#divergence ??= { n, actor, after, expected, actual };
  }

  // ---- actors ----

  #machineOf({ n, to, kind }: Of<"start"> | Of<"state">): AnyStateMachine | undefined {
    const machine = this.#charts[kind] as AnyStateMachine | undefined;
    if (!machine) this.#refusal = `record ${n}: ${to} is of kind "${kind}", which this version does not have`;
    return machine;
  }

  #actor(machine: AnyStateMachine, id: Address, options: { input: unknown } | { snapshot: unknown }): AnyActorRef {
    const took = this.#onlooker?.took;
    const inspect = took && ((event: InspectionEvent) => tellTaken(kindIn(id), event, took));
    const given = { id, clock: DEAF, ...options, ...(inspect ? { inspect } : {}) };
    const actor = createActor(machine, given as Parameters<typeof createActor>[1]);
    // An error shows as a state that differs, or as the "dead" that the journal has too.
    actor.subscribe({ error: () => undefined });
    if (this.#onlooker)
      actor.on("*", (emitted) => {
        this.#effects = [...this.#effects, ...(emitted as unknown as Emitted).effects];
      });
    return actor;
  }
  #forget(address: Address): void {
    this.#actors.get(address)?.stop();
    this.#actors.delete(address);
  }
  #clear(actors: Map<Address, AnyActorRef>): void {
    for (const actor of actors.values()) actor.stop();
    actors.clear();
  }
}

const valueOf = (actor: AnyActorRef): unknown => (actor.getSnapshot() as { value: unknown }).value;
/** Charts are named as their addresses begin. */
const kindIn = (address: Address): string => address.split(":", 1)[0] ?? address;

const KINDS: ReadonlySet<string> = new Set<JournalRecord["k"]>(["life", "start", "in", "dead", "checkpoint", "state"]);

/** What came from a file may be anything. */
const faultOf = (record: Partial<Record<string, unknown>> | null): string | undefined => {
  const n = record?.["n"];
  if (typeof n !== "number") return "this is no journal: a record has no number";
  const { k, version } = record as { k?: unknown; version?: unknown };
  if ((k === "life" || k === "checkpoint") && version !== JOURNAL_VERSION)
    return `record ${n}: the journal is of version ${String(version)}, this replay reads version ${JOURNAL_VERSION}: replay it with the release that wrote it`;
  if (typeof k !== "string" || !KINDS.has(k))
    return `record ${n}: "${String(k)}" is no kind of record that version ${JOURNAL_VERSION} knows`;
  return undefined;
};

const sentence = ({ n, actor, after, expected, actual }: Divergence): string =>
  `record ${n}: ${actor} after ${after}: expected ${expected}, got ${actual}`;
