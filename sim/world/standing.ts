/**
 * How WhatsApp judges an account. New chats are counted over 24 hours: too many and the account is restricted, which closes it
 * to new chats and leaves known ones alone (the reachout timelock, 463). Who goes on trying is banned. Thresholds are folklore
 * (WHATSAPP.md §5.2), the shape is not.
 */
import type { Finding } from "../../machines/ports/connection.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import type { Standing } from "../../machines/ports/store.ts";
import type { PersonId } from "./ledger.ts";
import type { Tuning } from "./tuning.ts";

const DAY: Millis = 24 * 3_600_000;
/** Of every device: what people take is made up for at once. */
const PRE_KEYS = 812;

export class Reputation {
  standing: Standing = "good";
  until: Millis | null = null;
  banCode: 402 | 406 = 406;
  phoneGone = false;
  /** Is the account told when its standing changes? If its restriction was not announced its end isn't either. */
  announced = true;
  readonly #tuning: Tuning;
  /** Chats that exist: somebody wrote in them, or a message was accepted. */
  readonly #chats = new Set<PersonId>();
  #opened: Millis[] = [];
  #refusals = 0;

  constructor(tuning: Tuning) {
    this.#tuning = tuning;
  }

  isCold(person: PersonId): boolean {
    return !this.#chats.has(person);
  }

  warm(person: PersonId): void {
    this.#chats.add(person);
  }

  /** A message to this person has come. What to do with it; on `restrict` it was refused too. */
  judge(person: PersonId, now: Millis): "take" | "refuse" | "restrict" | "ban" {
    if (!this.isCold(person)) return "take";
    if (this.standing === "restricted") return ++this.#refusals >= this.#tuning.refusalsToBan ? "ban" : "refuse";
    this.#forget(now);
    if (this.#opened.length >= this.#tuning.coldPerDay) return "restrict";
    this.#opened.push(now);
    this.#chats.add(person);
    return "take";
  }

  set(standing: Standing, until: Millis | null): void {
    this.standing = standing;
    this.until = until;
    if (standing !== "restricted") this.#refusals = 0;
  }

  /** What a deep check is told. How many new chats the account may start is counted whether or not it may start any now. */
  finding(now: Millis): Finding {
    return { ...this.judged(now), cap: this.#left(now), preKeys: PRE_KEYS };
  }

  /** That no new chats are left matters only where nothing worse holds. */
  judged(now: Millis): { readonly standing: Standing; readonly until: Millis | null } {
    const isCapped = this.standing === "good" && this.#left(now) === 0;
    return isCapped
      ? { standing: "capped", until: (this.#opened[0] ?? now) + DAY }
      : { standing: this.standing, until: this.until };
  }

  /** As if it had begun all others just now. */
  leave(left: number, now: Millis): void {
    this.#opened = Array.from({ length: Math.max(0, this.#tuning.coldPerDay - left) }, () => now);
  }

  #left(now: Millis): number {
    this.#forget(now);
    return Math.max(0, this.#tuning.coldPerDay - this.#opened.length);
  }

  #forget(now: Millis): void {
    const first = this.#opened[0];
    if (first !== undefined && first <= now - DAY) this.#opened = this.#opened.filter((at) => at > now - DAY);
  }
}
