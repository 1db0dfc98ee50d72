/**
 * What becomes of attempts, counted by seat and account for the minute at hand: from what a connection is told, and what it tells.
 * Bounded: an attempt of which nothing more is heard counts as failed after half a minute.
 */
import { type AccountId, accountOf, type MessageId, type Millis, type SeatId, type WaId } from "../../machines/ports/ids.ts";
import type { ConnectionCommand, ConnectionFact } from "../../machines/ports/connection.ts";

export interface Counts {
  readonly seat: SeatId;
  readonly account: AccountId;
  readonly sent: number;
  readonly acked: number;
  readonly failed: number;
  readonly p50: Millis | null;
  readonly p99: Millis | null;
}
interface Attempt {
  readonly seat: SeatId;
  readonly account: AccountId;
  readonly waId: WaId;
  readonly message: MessageId;
  sentAt: Millis | null;
}
interface Tally {
  readonly seat: SeatId;
  readonly account: AccountId;
  sent: number;
  acked: number;
  failed: number;
  readonly times: Millis[];
}

/** No answer comes any more. */
const ANSWER_WITHIN: Millis = 30_000;
/** Attempts that are followed; more are not under way on any fleet. */
const FOLLOWED = 50_000;
/** Times kept a minute. */
const KEPT = 5000;

export class Series {
  readonly #byWaId = new Map<WaId, Attempt>();
  readonly #byMessage = new Map<MessageId, Attempt>();
  #tallies = new Map<string, Tally>();
  readonly #onTaken: (account: AccountId, sentAt: Millis) => void;

  /** `onTaken`: WhatsApp took a message that left at `sentAt`. Once an attempt; not of what is sent again for who could not read it. */
  constructor(onTaken: (account: AccountId, sentAt: Millis) => void = () => undefined) {
    this.#onTaken = onTaken;
  }

  onCommand(command: ConnectionCommand): void {
    if (command.op !== "send") return;
    const { seat, device, waId, message } = command;
    const before = this.#byMessage.get(message);
    if (before) this.#end(before, before.sentAt === null ? "unsent" : "failed");
    if (this.#byWaId.size >= FOLLOWED) this.#forget();
    const attempt: Attempt = { seat, account: accountOf(device), waId, message, sentAt: null };
    this.#byWaId.set(waId, attempt);
    this.#byMessage.set(message, attempt);
  }

  onFact(fact: ConnectionFact): void {
    switch (fact.kind) {
      case "sent": {
        const attempt = this.#byMessage.get(fact.message);
        if (!attempt || attempt.sentAt !== null) return;
        attempt.sentAt = fact.at;
        this.#tally(attempt).sent++;
        return;
      }
      case "unsent": {
        const attempt = this.#byMessage.get(fact.message);
        if (attempt) this.#end(attempt, "unsent");
        return;
      }
      case "acked":
      case "copied":
      case "receipt":
      case "refused": {
        const attempt = this.#byWaId.get(fact.waId);
        if (!attempt || attempt.sentAt === null) return;
        if (fact.kind === "refused") return this.#end(attempt, "failed");
        this.#onTaken(attempt.account, attempt.sentAt);
        return this.#end(attempt, "acked", fact.at - attempt.sentAt);
      }
      default:
    }
  }

  /** What was counted so far; with `isEnd` the next count begins. */
  counts(at: Millis, isEnd: boolean): Counts[] {
    for (const attempt of this.#byWaId.values()) {
      if (attempt.sentAt !== null && attempt.sentAt < at - ANSWER_WITHIN) this.#end(attempt, "failed");
    }
    const counts = [...this.#tallies.values()]
      .filter(({ sent, acked, failed }) => sent + acked + failed > 0)
      .map(({ times, ...tally }) => ({ ...tally, ...quantiles(times) }));
    if (isEnd) this.#tallies = new Map();
    return counts;
  }

  #end(attempt: Attempt, how: "acked" | "failed" | "unsent", took = 0): void {
    this.#byWaId.delete(attempt.waId);
    this.#byMessage.delete(attempt.message);
    if (how === "unsent") return;
    const tally = this.#tally(attempt);
    if (how === "acked") tally.times[tally.acked % KEPT] = took;
    tally[how]++;
  }

  #forget(): void {
    const [oldest] = this.#byWaId.values();
    if (oldest) this.#end(oldest, "unsent");
  }

  /** Of the minute at hand: an attempt may end in a later one than it began. */
  #tally({ seat, account }: Attempt): Tally {
    const name = `${seat} ${account}`;
    const known = this.#tallies.get(name) ?? { seat, account, sent: 0, acked: 0, failed: 0, times: [] };
    this.#tallies.set(name, known);
    return known;
  }
}

const quantiles = (times: readonly Millis[]): { p50: Millis | null; p99: Millis | null } => {
  const sorted = times.toSorted((one, other) => one - other);
  const quantile = (share: number): Millis | null => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
  return { p50: quantile(0.5), p99: quantile(0.99) };
};
