/**
 * The Store port for simulated worlds: the same answers as the real stores, in memory, on the given clock, with their batch
 * boundaries as places where things go wrong.
 *
 * 1. Commands asked before the commit's due time form one batch; the journal's form one of their own, which comes after.
 * 2. At the due time `faults` is asked what becomes of the batch. Then all of it is applied, or none.
 * 3. Replies follow in the order of the questions, in that same later turn.
 * A crash before the commit forgets the batch; a crash after it keeps the batch and loses the replies. Either way nothing is
 * answered any more until `restart`.
 */
import type { Clock } from "../../machines/ports/clock.ts";
import { OPEN_STATES } from "../../machines/delivery/outbox-state.ts";
import type { DeviceId, Millis, SeatId } from "../../machines/ports/ids.ts";
import type {
  OutboxRow,
  SeatRow,
  StoreAnswer,
  StoreCommand,
  StoreFailure,
  StoreOp,
  StoreOps,
  StorePort,
} from "../../machines/ports/store.ts";
import { contactOps } from "./store/contacts.ts";
import { fleetOps } from "./store/fleet.ts";
import { carryOut, type Bench, type Handlers } from "./store/handlers.ts";
import { journalOps, keyOps, leaseOps } from "./store/keys.ts";
import { performanceOps } from "./store/performance.ts";
import { outboxOps } from "./store/outbox.ts";
import { copyTables, type Lease, State, type Tables } from "./store/state.ts";

export type BatchFate =
  /** Each command is answered `failed`. `applied`: and yet it is durable (an answer that got lost). */
  | { readonly kind: "fail"; readonly cause: StoreFailure["cause"]; readonly applied: boolean }
  | { readonly kind: "crash"; readonly when: "before" | "after" }
  /** Committed only `by` ms later; what is asked meanwhile waits behind it. */
  | { readonly kind: "late"; readonly by: Millis };

export interface MemoryStoreOptions {
  readonly clock: Clock;
  /** From the first question of a batch to its commit, in milliseconds. Default 0: the next turn. */
  readonly latency?: Millis;
  /** Has `run` called at the commit's time, in a later turn. Default: after `latency` on the clock. */
  readonly schedule?: (run: () => void) => void;
  /** What becomes of the next batch; undefined: nothing special. Asked again for a batch that was late. */
  readonly faults?: () => BatchFate | undefined;
  /** `file`: as with SQLite, a restart frees all leases. `clock`: as with a server, only time does. Default `file`. */
  readonly leases?: "file" | "clock";
  readonly countryOf?: (pn: string) => string | null;
  /** Told of each change of a seat's row, in the turn of its commit. */
  readonly onSeat?: (row: SeatRow) => void;
  /** Told of each change of a lease, in the same way. */
  readonly onLease?: (device: DeviceId, lease: Lease) => void;
}

/** Opaque: only `restore` understands it. */
export interface StoreSnapshot {
  readonly tables: Tables;
}

export interface MemoryStore extends StorePort {
  /** What is durable now. */
  snapshot(): StoreSnapshot;
  /** Makes `snapshot` the durable state, and restarts. */
  restore(snapshot: StoreSnapshot): void;
  /** Whoever asked is gone: what was queued, and the replies, are forgotten. */
  restart(): void;
  /** Nothing is answered until `restart`. */
  readonly crashed: boolean;
  /** Messages of the seat that are on their way or held. */
  unsettled(seat: SeatId): readonly OutboxRow[];
  /** Ground truth for checkers, which must not change it. */
  readonly tables: Tables;
}

interface Job {
  readonly command: StoreCommand;
  readonly reply: (answer: StoreAnswer) => void;
}
type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What nobody waits for. */
const isInBackground = (op: StoreOp): boolean => op.startsWith("journal.") || op.startsWith("performance.");

export const createMemoryStore = (options: MemoryStoreOptions): MemoryStore => new Memory(options);

class Memory implements MemoryStore {
  readonly #clock: Clock;
  readonly #schedule: (run: () => void) => void;
  readonly #faults: () => BatchFate | undefined;
  readonly #handlers: Handlers;
  readonly #frees: boolean;
  /** Leases granted since the last restart. */
  #alive = new Set<DeviceId>();
  #state = new State();
  #queued: { foreground: Job[]; journal: Job[] } = { foreground: [], journal: [] };
  #last: "foreground" | "journal" = "journal";
  #due = false;
  #crashed = false;
  /** Grows with each restart, so that what was scheduled before finds out. */
  #life = 0;
  /** Commits what is queued, in this life. */
  #turn = this.#turnOf(0);

  constructor(options: MemoryStoreOptions) {
    const { clock, latency = 0 } = options;
    this.#clock = clock;
    this.#schedule = options.schedule ?? ((run) => void clock.setTimeout(run, latency));
    this.#faults = options.faults ?? (() => undefined);
    this.#frees = (options.leases ?? "file") === "file";
    this.#handlers = createHandlers({
      state: () => this.#state,
      clock,
      mayLive: (device) => !this.#frees || this.#alive.has(device),
      countryOf: options.countryOf ?? (() => null),
      onSeat: options.onSeat ?? (() => {}),
      onLease: options.onLease ?? (() => {}),
    });
  }

  get crashed(): boolean {
    return this.#crashed;
  }
  get tables(): Tables {
    return this.#state.tables;
  }

  unsettled(seat: SeatId): readonly OutboxRow[] {
    const states = this.#state.indexes.bySeat.get(seat);
    return [...OPEN_STATES, "held" as const].flatMap((state) =>
      [...(states?.get(state) ?? [])].map((seq) => this.#state.outboxRow(seq)),
    );
  }

  ask<K extends StoreOp>(command: StoreCommand<K>, reply: (answer: StoreAnswer<K>) => void): void {
    if (this.#crashed) return;
    const { op } = command;
    const job = { command, reply } as unknown as Job;
    this.#queued[isInBackground(op) ? "journal" : "foreground"].push(job);
    this.#arm();
  }

  snapshot(): StoreSnapshot {
    return { tables: copyTables(this.#state.tables) };
  }
  restore({ tables }: StoreSnapshot): void {
    this.#state = new State(copyTables(tables));
    this.restart();
  }
  restart(): void {
    this.#turn = this.#turnOf(++this.#life);
    this.#crashed = false;
    this.#due = false;
    this.#queued = { foreground: [], journal: [] };
    this.#alive = new Set();
  }

  /** A command that the store can't make sense of is refused alone, as in the real ones. */
  #carryOut(command: StoreCommand): object {
    try {
      const out: StoreOps[StoreOp]["out"] = carryOut(this.#handlers, command);
      if (out.kind === "leases") for (const { device } of out.granted) this.#alive.add(device);
      return out;
    } catch (error) {
      return failed("io", error instanceof Error ? error.message : String(error));
    }
  }

  #arm(): void {
    if (this.#due || this.#crashed || this.#queued.foreground.length + this.#queued.journal.length === 0) return;
    this.#due = true;
    this.#schedule(this.#turn);
  }

  #turnOf(life: number): () => void {
    return () => {
      if (life === this.#life) this.#commit(this.#take());
    };
  }

  /** The journal's turn comes after each batch of the others, or when there is none. */
  #take(): readonly Job[] {
    const isJournals = this.#queued.journal.length > 0 && (this.#last === "foreground" || this.#queued.foreground.length === 0);
    const lane = isJournals ? "journal" : "foreground";
    this.#last = lane;
    const jobs = this.#queued[lane];
    this.#queued[lane] = [];
    return jobs;
  }

  #commit(jobs: readonly Job[]): void {
    const fate = this.#faults();
    if (fate?.kind === "late") {
      const life = this.#life;
      this.#clock.setTimeout(() => {
        if (life === this.#life) this.#commit(jobs);
      }, fate.by);
      return;
    }
    this.#due = false;
    if (fate?.kind === "crash") this.#crashed = true;
    const isApplied = !fate || (fate.kind === "fail" ? fate.applied : fate.when === "after");
    const outs: object[] = [];
    if (isApplied) for (const { command } of jobs) outs.push(this.#carryOut(command));
    if (this.#crashed) return;
    const life = this.#life;
    for (let i = 0; i < jobs.length; i++) {
      // A reply may crash the node, which restarts the store: then the others were never heard.
      if (life !== this.#life) return;
      const { command, reply } = jobs[i] as Job;
      // Made for this question alone, so it becomes the answer.
      const answer = (fate?.kind === "fail" ? failed(fate.cause, "simulated") : outs[i]) as Writable<StoreAnswer>;
      answer.op = command.op;
      answer.reqId = command.reqId;
      answer.at = this.#clock.now();
      reply(answer);
    }
    this.#arm();
  }
}

const createHandlers = (bench: Bench): Handlers => ({
  ...fleetOps(bench),
  ...outboxOps(bench),
  ...contactOps(bench),
  ...keyOps(bench),
  ...leaseOps(bench),
  ...journalOps(bench),
  ...performanceOps(bench),
});

const failed = (cause: StoreFailure["cause"], why: string): StoreFailure => ({
  kind: "failed",
  cause,
  message: `E_STORE_SIM ${why}`,
});
