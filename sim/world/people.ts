/** The people on the other side, each with one phone: they write, receive, read and answer. */
import type { AccountId, Millis } from "../../machines/ports/ids.ts";
import type { WorldClock } from "./clock.ts";
import type { Ledger, PersonId } from "./ledger.ts";
import type { Outgoing } from "./parcels.ts";
import type { Random } from "./random.ts";

export interface Habits {
  /** Shown to read; null: receipts are switched off, or nobody looks. */
  readonly readAfter: ((random: Random) => Millis) | null;
  /** Probability that a message is answered, and how long that takes. */
  readonly answers: number;
  readonly answerAfter: (random: Random) => Millis;
}

export const silentHabits: Habits = { readAfter: null, answers: 0, answerAfter: () => 0 };
export const liveHabits: Habits = {
  readAfter: (random) => Math.round(random.lognormal(6_000, 1)),
  answers: 0.3,
  answerAfter: (random) => Math.round(random.lognormal(15_000, 0.8)),
};

/** What a phone can ask of WhatsApp. */
export interface Uplink {
  receipt(account: AccountId, waId: Outgoing["waId"], receipt: "delivered" | "read"): void;
  write(from: PersonId, account: AccountId, text: string): void;
}

export class Phone {
  readonly person: PersonId;
  readonly #clock: WorldClock;
  readonly #random: Random;
  readonly #ledger: Ledger;
  readonly #uplink: Uplink;
  readonly #habits: Habits;
  /** Known messages by number: the same id from another number is another message. */
  readonly #known = new Map<AccountId, Set<string>>();
  /** By device and linking: a companion that was linked anew begins new ratchets. */
  readonly #usedKeys = new Map<string, Set<number>>();
  #offUntil: Millis = 0;
  #lastAt: Millis = 0;

  constructor(person: PersonId, habits: Habits, clock: WorldClock, random: Random, ledger: Ledger, uplink: Uplink) {
    this.person = person;
    this.#habits = habits;
    this.#clock = clock;
    this.#random = random;
    this.#ledger = ledger;
    this.#uplink = uplink;
  }

  /** Switched off for so long: what comes meanwhile arrives afterwards. */
  switchOff(length: Millis): void {
    this.#offUntil = Math.max(this.#offUntil, this.#clock.now() + length);
  }

  /** WhatsApp delivers in the order in which it accepted. */
  deliver(parcel: Outgoing, linking: number, after: Millis): void {
    const at = Math.max(this.#lastAt, this.#offUntil, this.#clock.now() + after);
    this.#lastAt = at;
    this.#clock.setTimeout(() => this.#receive(parcel, linking), at - this.#clock.now());
  }

  #receive(parcel: Outgoing, linking: number): void {
    const { account, device, message, waId } = parcel;
    const record = (kind: "shown" | "hidden" | "unreadable") =>
      this.#ledger.record({ kind, person: this.person, account, device, message, waId });
    const keys = entry(this.#usedKeys, `${device}#${linking}`);
    if (keys.has(parcel.ratchet)) return record("unreadable");
    keys.add(parcel.ratchet);
    const known = entry(this.#known, account);
    const isNew = !known.has(waId);
    known.add(waId);
    record(isNew ? "shown" : "hidden");
    this.#uplink.receipt(account, waId, "delivered");
    if (isNew) this.#react(parcel);
  }

  #react({ account, waId, text }: Outgoing): void {
    const { readAfter, answers, answerAfter } = this.#habits;
    if (readAfter) this.#clock.setTimeout(() => this.#uplink.receipt(account, waId, "read"), readAfter(this.#random));
    if (answers > 0 && this.#random.chance(answers)) {
      this.#clock.setTimeout(() => this.#uplink.write(this.person, account, `re: ${text}`), answerAfter(this.#random));
    }
  }
}

const entry = <K, V>(map: Map<K, Set<V>>, key: K): Set<V> => {
  let set = map.get(key);
  if (!set) {
    set = new Set();
    map.set(key, set);
  }
  return set;
};
