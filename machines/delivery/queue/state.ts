/** All that a queue knows: one mutable object, which the functions beside this file change in place. */
import type { AccountId, ConversationId, DeviceId, Millis, SeatId, SeatTerm } from "../../ports/ids.ts";
import type { AttemptOutcome } from "../../ports/store.ts";
import type { Effect } from "../../protocol.ts";
import { Allowance } from "../caps.ts";
import { Lookups } from "../lookups.ts";
import { type OutboxEvent, stepOutbox } from "../outbox.ts";
import { Buckets } from "../pace.ts";
import { Postponed } from "../postponed.ts";
import { QUEUE_DEFAULTS, type QueueConfig, type QueueInput } from "../queue-config.ts";
import { Recorder } from "../recorder.ts";
import type { Row } from "../window-row.ts";
import { Window } from "../window.ts";

/** Who speaks for the seat, as long as the queue is open. */
export interface Line {
  readonly device: DeviceId;
  readonly account: AccountId;
  readonly term: SeatTerm;
  readonly resolveFor: Millis;
  readonly resolveUntil: Millis;
  isResolved: boolean;
  isUp: boolean;
  /** When to try a lost link with one message. */
  retryAt: Millis;
}

export const NEVER = Number.POSITIVE_INFINITY;

export type Outcome = { readonly number: number; readonly outcome: AttemptOutcome; readonly detail: string | null };
export const attempt = (number: number, outcome: AttemptOutcome, detail: string | null): Outcome => ({ number, outcome, detail });

export class QueueState {
  readonly seat: SeatId;
  config: QueueConfig;
  readonly window: Window;
  readonly recorder: Recorder;
  readonly lookups: Lookups;
  readonly buckets: Buckets;
  readonly allowance: Allowance;
  readonly postponed: Postponed;
  /** The latest that an account with a cap has spoken to. */
  readonly known = new Map<ConversationId, AccountId>();
  /** Conversations of which something has left, the latest last. */
  readonly spoken = new Set<ConversationId>();
  readonly inquiring = new Set<Row>();
  resumed: Row | null = null;
  readonly asked = new Set<Row>();
  readonly orphaned = new Set<Row>();
  readonly sent = new Set<Row>();
  readonly unanswered = new Set<Row>();
  readonly restricted = new Set<AccountId>();
  line: Line | null = null;
  openings = 0;
  drain: "no" | "wanted" | "told" = "no";
  /** The roster waits to hear that everything is settled. */
  settles = false;
  /** Held rows are read first; nothing is sent before they are known. `limit` grows until all fit. */
  held: { state: "wanted" | "asked" | "known"; limit: number } = { state: "wanted", limit: 1024 };
  readFailures = 0;
  readAt: Millis = 0;
  lastProofAt: Millis = -1;
  pacedUntil: Millis | null = null;
  out: Effect[] = [];

  constructor(input: QueueInput, at: Millis) {
    this.seat = input.seat;
    const { buckets, allowance, ...config } = input;
    this.config = { ...QUEUE_DEFAULTS, ...config };
    this.window = new Window(this.config);
    this.recorder = new Recorder(this.config.recordLimit, this.config.recordBatch);
    this.lookups = new Lookups(this.config.lookups);
    this.buckets = buckets ?? new Buckets(this.config.pacing, at);
    this.buckets.leaves(this.seat);
    this.allowance = allowance ?? new Allowance({}, []);
    this.postponed = new Postponed(this.config.agingPerLevel, (row) => this.window.get(row.id) === row && row.phase === "capped");
  }

  /** The chart's step, written down. */
  record(row: Row, event: OutboxEvent, reason: string | null, outcome: Outcome | null): void {
    row.state = stepOutbox(row.state, event);
    row.reason = reason;
    this.write(row, outcome);
  }

  write(row: Row, outcome: Outcome | null): void {
    const { id, state, reason } = row;
    this.recorder.add(row, outcome ? { id, state, reason, attempt: outcome } : { id, state, reason });
  }

  backOff(failures: number): Millis {
    return Math.min(this.config.backOffLimit, this.config.backOff * 2 ** Math.min(failures - 1, 20));
  }
}
