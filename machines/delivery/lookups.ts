/** Proofs of messages that are no longer in memory: their rows are looked up in the store, one at a time. */
import type { Millis, WaId } from "../ports/ids.ts";
import type { Proof } from "./window-row.ts";

export class Lookups {
  readonly #limit: number;
  readonly #waiting = new Map<WaId, Proof>();
  #underWay: WaId | null = null;
  #failures = 0;
  #retryAt: Millis | null = null;

  /** More than `limit` at once: the oldest is forgotten. It is a receipt of something long done, or will be proved again. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get retryAt(): Millis | null {
    return this.#retryAt;
  }

  add(waId: WaId, proof: Proof): void {
    const known = this.#waiting.get(waId);
    this.#waiting.set(waId, known ? stronger(known, proof) : proof);
    if (this.#waiting.size <= this.#limit) return;
    for (const oldest of this.#waiting.keys()) {
      if (oldest === this.#underWay) continue;
      this.#waiting.delete(oldest);
      return;
    }
  }

  /** The row came into memory by itself: the proof that waits for it. */
  take(waId: WaId): Proof | undefined {
    if (this.#waiting.size === 0) return undefined;
    const proof = this.#waiting.get(waId);
    if (proof) this.#waiting.delete(waId);
    return proof;
  }

  /** What to look up now, if anything. */
  next(at: Millis): WaId | null {
    if (this.#underWay !== null) {
      if (this.#retryAt === null || at < this.#retryAt) return null;
      this.#retryAt = null;
      return this.#underWay;
    }
    this.#underWay = this.#waiting.keys().next().value ?? null;
    return this.#underWay;
  }

  /** The proof that the answer is for. */
  done(): { waId: WaId; proof: Proof } | null {
    const waId = this.#underWay;
    this.#underWay = null;
    this.#failures = 0;
    const proof = waId === null ? undefined : this.#waiting.get(waId);
    if (waId === null || !proof) return null;
    this.#waiting.delete(waId);
    return { waId, proof };
  }

  failed(at: Millis, backOff: (failures: number) => Millis): void {
    if (this.#underWay !== null) this.#retryAt = at + backOff(++this.#failures);
  }
}

const RANK = { none: 0, delivered: 1, read: 2 } as const;

/** The one that says more. */
export const stronger = (a: Proof, b: Proof): Proof => (RANK[b.receipt ?? "none"] > RANK[a.receipt ?? "none"] ? b : a);
