/** What became of a seat's attempts since the node was started, and how long the last answers took. */
import type { Millis } from "../../ports/ids.ts";

/** Answers whose times are kept. */
const KEPT = 256;

export interface Figures {
  readonly handedOver: number;
  readonly answered: number;
  readonly failed: number;
  /** Of the last answers; null: there is none yet. */
  readonly p50: Millis | null;
  readonly p99: Millis | null;
}

export class Tally {
  #handedOver = 0;
  #answered = 0;
  #failed = 0;
  readonly #times: Millis[] = [];

  handOver(): void {
    this.#handedOver++;
  }
  answer(took: Millis): void {
    this.#times[this.#answered % KEPT] = took;
    this.#answered++;
  }
  fail(): void {
    this.#failed++;
  }

  get figures(): Figures {
    const sorted = this.#times.toSorted((one, other) => one - other);
    const quantile = (share: number): Millis | null => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
    return {
      handedOver: this.#handedOver,
      answered: this.#answered,
      failed: this.#failed,
      p50: quantile(0.5),
      p99: quantile(0.99),
    };
  }
}
