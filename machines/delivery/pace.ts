/** Pacing of accounts: token buckets. A message costs one token when it is handed to the connection, sent or not. */
import type { AccountId, Millis, SeatId } from "../ports/ids.ts";

export interface Pace {
  /** Messages per second, in the long run. */
  readonly perSecond: number;
  /** Messages that may leave at once after a quiet time; at least 1. */
  readonly burst: number;
}

/** What an account may send at once, and how fast that grows again. */
export interface Headroom {
  readonly tokens: number;
  readonly perSecond: number;
}

/** Who was told to come back, in the order of asking, and when. */
type Line = Map<SeatId, Millis>;
interface Bucket {
  tokens: number;
  at: Millis;
  readonly line: Line;
  /** Messages under preparation, by seat. */
  readonly preparing: Map<SeatId, number>;
}

/** A seat that does not come for its token by so long after its time has nothing to say any more: the next one's turn. */
const LAPSE: Millis = 500;
/** A seat that waits for what another one prepares looks again after so long: nobody tells it. */
const LOOK_AGAIN: Millis = 250;

/**
 * Buckets are empty when the queue starts, whatever happened before: a crash loop can't turn into a burst. An account that is
 * first used later has been filling since then.
 * Seats that share an account take turns: who asked first is served first, and one that has just spoken asks again behind the others.
 * Together they prepare no more than a burst: what waits for a slow answer leaves in one breath when it comes.
 */
export class Buckets {
  #paces: Readonly<Record<string, Pace>>;
  readonly #buckets = new Map<AccountId, Bucket>();
  readonly #startedAt: Millis;

  constructor(paces: Readonly<Record<string, Pace>>, startedAt: Millis) {
    this.#paces = paces;
    this.#startedAt = startedAt;
  }

  /** From now on these hold; what was counted stays. */
  adopt(paces: Readonly<Record<string, Pace>>): void {
    this.#paces = paces;
  }

  /** When the seat may hand over the account's next message: `at` if it may now. Accounts that are not named are not paced. */
  nextAt(account: AccountId, seat: SeatId, at: Millis): Millis {
    const pace = this.#paces[account];
    if (!pace) return at;
    const { tokens, line, preparing } = this.#filled(account, pace, at);
    const needed = ahead(line, seat, at) + 1;
    const isCrowded = sumOf(preparing) >= this.most(account);
    if (tokens >= needed && !isCrowded) return at;
    const next = at + Math.max(isCrowded ? LOOK_AGAIN : 1, Math.ceil(((needed - tokens) * 1000) / pace.perSecond));
    line.set(seat, next);
    return next;
  }

  /** What the account may send at `at`; null: as much as it likes. Looking changes nothing. */
  headroom(account: AccountId, at: Millis): Headroom | null {
    const pace = this.#paces[account];
    if (!pace) return null;
    const { tokens, at: filledAt } = this.#buckets.get(account) ?? { tokens: 0, at: this.#startedAt };
    return { tokens: filled(tokens, at - filledAt, pace), perSecond: pace.perSecond };
  }

  /** How many may be under preparation at once. */
  most(account: AccountId): number {
    const pace = this.#paces[account];
    return pace ? Math.max(1, pace.burst) : Number.POSITIVE_INFINITY;
  }

  /** How many messages the seat has under preparation on the account. */
  prepares(account: AccountId, seat: SeatId, count: number, at: Millis): void {
    const pace = this.#paces[account];
    if (!pace) return;
    const { preparing } = this.#filled(account, pace, at);
    if (count === 0) preparing.delete(seat);
    else preparing.set(seat, count);
  }

  /** The seat speaks for nobody, or has forgotten what it did. */
  leaves(seat: SeatId): void {
    for (const { preparing } of this.#buckets.values()) preparing.delete(seat);
  }

  take(account: AccountId, seat: SeatId, at: Millis): void {
    const pace = this.#paces[account];
    if (!pace) return;
    const bucket = this.#filled(account, pace, at);
    bucket.tokens -= 1;
    bucket.line.delete(seat);
  }

  #filled(account: AccountId, pace: Pace, at: Millis): Bucket {
    let bucket = this.#buckets.get(account);
    if (!bucket) {
      bucket = { tokens: 0, at: this.#startedAt, line: new Map(), preparing: new Map() };
      this.#buckets.set(account, bucket);
    }
    if (at > bucket.at) {
      bucket.tokens = filled(bucket.tokens, at - bucket.at, pace);
      bucket.at = at;
    }
    return bucket;
  }
}

const filled = (tokens: number, span: Millis, { perSecond, burst }: Pace): number =>
  Math.min(Math.max(1, burst), tokens + (Math.max(0, span) * perSecond) / 1000);

const sumOf = (counts: ReadonlyMap<SeatId, number>): number => {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
};

/** How many others stand before the seat, after those have left who did not come in time. */
const ahead = (line: Line, seat: SeatId, at: Millis): number => {
  let count = 0;
  for (const [other, due] of line) {
    if (other === seat) return count;
    if (due + LAPSE < at) line.delete(other);
    else count++;
  }
  return count;
};
