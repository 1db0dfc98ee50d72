/** Looks at what the seats owe, each second, writes down when they were down, and answers for a period. */
import type { Millis, SeatId } from "../../machines/ports/ids.ts";
import type { SlaStore } from "../adapters/sqlite/sla-store.ts";
import { type Blame, DowntimeMeter, type Downtime } from "../sla/meter.ts";
import { type SlaReport, slaReport } from "../sla/report.ts";
import type { Span } from "../sla/spans.ts";

export interface SlaDeskOptions {
  readonly store: SlaStore;
  readonly now: () => Millis;
  /** When the oldest message that each seat owes was accepted; null if it owes none. */
  readonly oldest: () => ReadonlyMap<SeatId, Millis | null>;
  /** State of the orchestrator. */
  readonly mode: () => string;
  readonly onFault: (error: unknown) => void;
}

const EVERY: Millis = 1000;
/** What could not be written waits here; a store that fails for days must not fill the memory. */
const MAX_UNWRITTEN = 10_000;

export class SlaDesk {
  readonly #options: SlaDeskOptions;
  readonly #meter = new DowntimeMeter();
  #timer: NodeJS.Timeout | undefined;
  #begun: ReadonlySet<SeatId> = new Set();
  #unwritten: Downtime[] = [];
  #isWriting = false;

  constructor(options: SlaDeskOptions) {
    this.#options = options;
  }

  begin(): void {
    this.#timer = setInterval(() => this.look(), EVERY);
    this.#timer.unref();
  }

  look(): void {
    const { now, oldest, mode } = this.#options;
    const seats = oldest();
    // The roster is being started, perhaps again: that says nothing about the seats.
    if (seats.size === 0) return;
    this.#unwritten.push(...this.#meter.look(now(), seats, blameOf(mode())));
    if (this.#unwritten.length > MAX_UNWRITTEN) this.#unwritten = this.#unwritten.slice(-MAX_UNWRITTEN);
    const isOther = seats.size !== this.#begun.size || [...seats.keys()].some((seat) => !this.#begun.has(seat));
    if ((isOther || this.#unwritten.length > 0) && !this.#isWriting) void this.#write(isOther ? [...seats.keys()] : null);
  }

  /** `target`: 0 to 1. */
  async report(period: Span, target: number): Promise<SlaReport> {
    const { store, now } = this.#options;
    const { seats, downtimes } = await store.read(period.from, period.to);
    return slaReport(period, now(), target, seats, [...downtimes, ...this.#unwritten, ...this.#meter.underWay(now())]);
  }

  /** What is not over is written as far as it went: the next start goes on from the message itself. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#unwritten.push(...this.#meter.underWay(this.#options.now()));
    await this.#write(null);
  }

  /** `seats`: all that there are, if they are others than before. */
  async #write(seats: readonly SeatId[] | null): Promise<void> {
    const { store, now, onFault } = this.#options;
    const downtimes = this.#unwritten;
    this.#unwritten = [];
    this.#isWriting = true;
    try {
      if (seats) {
        await store.begin(seats, now());
        this.#begun = new Set(seats);
      }
      if (downtimes.length > 0) await store.record(downtimes);
    } catch (error) {
      this.#unwritten = [...downtimes, ...this.#unwritten];
      onFault(error);
    } finally {
      this.#isWriting = false;
    }
  }
}

const blameOf = (mode: string): Blame => (mode === "outage" ? "outage" : mode === "paused" ? "maintenance" : "seat");
