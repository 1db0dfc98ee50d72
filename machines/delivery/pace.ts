/** Pacing of accounts: token buckets. A message costs one token when it is handed to the connection, sent or not. */
import type { AccountId, Millis } from "../ports/ids.ts";

export interface Pace {
  /** Messages per second, in the long run. */
  readonly perSecond: number;
  /** Messages that may leave at once after a quiet time; at least 1. */
  readonly burst: number;
}

/**
 * Buckets are empty when the queue starts, whatever happened before: a crash loop can't turn into a burst. An account that is
 * first used later has been filling since then.
 */
export class Buckets {
  readonly #paces: Readonly<Record<string, Pace>>;
  readonly #buckets = new Map<AccountId, { tokens: number; at: Millis }>();
  readonly #startedAt: Millis;

  constructor(paces: Readonly<Record<string, Pace>>, startedAt: Millis) {
    this.#paces = paces;
    this.#startedAt = startedAt;
  }

  /** When the account may hand over the next message: `at` if it may now. Accounts that are not named are not paced. */
  nextAt(account: AccountId, at: Millis): Millis {
    const pace = this.#paces[account];
    if (!pace) return at;
    const { tokens } = this.#filled(account, pace, at);
    return tokens >= 1 ? at : at + Math.max(1, Math.ceil(((1 - tokens) * 1000) / pace.perSecond));
  }

  /** How many may be under preparation at once: what waits for a slow answer leaves in one breath when it comes. */
  most(account: AccountId): number {
    return this.#paces[account]?.burst ?? Number.POSITIVE_INFINITY;
  }

  take(account: AccountId, at: Millis): void {
    const pace = this.#paces[account];
    if (pace) this.#filled(account, pace, at).tokens -= 1;
  }

  #filled(account: AccountId, pace: Pace, at: Millis): { tokens: number; at: Millis } {
    let bucket = this.#buckets.get(account);
    if (!bucket) {
      bucket = { tokens: 0, at: this.#startedAt };
      this.#buckets.set(account, bucket);
    }
    if (at > bucket.at) {
      bucket.tokens = Math.min(Math.max(1, pace.burst), bucket.tokens + ((at - bucket.at) * pace.perSecond) / 1000);
      bucket.at = at;
    }
    return bucket;
  }
}
