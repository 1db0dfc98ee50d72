/**
 * When the phones of the accounts were seen, kept in memory and written down: a sign at most once an hour and account, so that
 * phones that confirm a hundred messages a second cost no write, and at once if it ends what was written against a phone.
 */
import { neverSeen, type Phone, type PhoneSeen, seen, taken } from "../../machines/account/phone.ts";
import type { Clock } from "../../machines/ports/clock.ts";
import type { AccountId, Millis } from "../../machines/ports/ids.ts";
import type { PhoneRow, PhoneStore } from "../adapters/sqlite/phone-store.ts";

export interface PhonesOptions {
  readonly store: PhoneStore;
  readonly clock: Clock;
  readonly onFault: (error: unknown) => void;
}
interface Written extends PhoneSeen {
  readonly at: Millis;
}

const MINUTE: Millis = 60_000;
/** Between two writes of signs; and a message that is younger says nothing against a phone, which may be about to confirm it. */
const HOUR: Millis = 60 * MINUTE;
const NOTHING: Written = { ...neverSeen, at: Number.NEGATIVE_INFINITY };

export class Phones {
  readonly #options: PhonesOptions;
  readonly #phones = new Map<AccountId, Phone>();
  readonly #written = new Map<AccountId, Written>();
  #timer: unknown;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: PhonesOptions) {
    this.#options = options;
  }

  /** Before the first link. Rejects if the store can't be read. */
  async open(): Promise<void> {
    for (const { account, seenAt, unseenSince } of await this.#options.store.read()) {
      this.#phones.set(account, { seenAt, unseenSince, takenAt: unseenSince });
      this.#written.set(account, { seenAt, unseenSince, at: Number.NEGATIVE_INFINITY });
    }
  }

  begin(): void {
    this.#timer = this.#options.clock.setTimeout(() => {
      void this.#write(this.#due());
      this.begin();
    }, MINUTE);
  }

  /** What is not written yet, however young it is: the next life goes on from there. */
  async stop(): Promise<void> {
    this.#options.clock.clearTimeout(this.#timer);
    await this.#writing;
    const rows = [...this.#phones].map(([account, { seenAt, unseenSince }]) => ({ account, seenAt, unseenSince }));
    await this.#write(rows.filter((row) => !isSame(row, this.#writtenOf(row.account))));
  }

  /** WhatsApp took a message that the account sent then. */
  taken(account: AccountId, sentAt: Millis): void {
    this.#phones.set(account, taken(this.#phones.get(account) ?? neverSeen, sentAt));
  }

  /** The account's phone was on the network then. */
  seen(account: AccountId, at: Millis): void {
    this.#phones.set(account, seen(this.#phones.get(account) ?? neverSeen, at));
    // An hour later it would be too late for a life that ends before, in which the account sends no more.
    if (this.#writtenOf(account).unseenSince !== null) void this.#write(this.#due([account]));
  }

  of(account: AccountId): PhoneSeen {
    const { seenAt, unseenSince } = this.#phones.get(account) ?? neverSeen;
    const isOld = unseenSince !== null && unseenSince <= this.#options.clock.now() - HOUR;
    return { seenAt, unseenSince: isOld ? unseenSince : null };
  }

  #writtenOf(account: AccountId): Written {
    return this.#written.get(account) ?? NOTHING;
  }

  #due(accounts: Iterable<AccountId> = this.#phones.keys()): PhoneRow[] {
    const now = this.#options.clock.now();
    return [...accounts].flatMap((account) => {
      const written = this.#writtenOf(account);
      const { seenAt, unseenSince } = this.of(account);
      // What was written at a stop may be younger than what is told.
      const isKept = this.#phones.get(account)?.unseenSince === written.unseenSince;
      const isDue = !(isKept || unseenSince === written.unseenSince) || (seenAt !== written.seenAt && now >= written.at + HOUR);
      return isDue ? [{ account, seenAt, unseenSince: isKept ? written.unseenSince : unseenSince }] : [];
    });
  }

  /** One after the other. What the store does not take is due again. */
  #write(rows: readonly PhoneRow[]): Promise<void> {
    const { clock } = this.#options;
    const before = rows.map(({ account }) => [account, this.#writtenOf(account)] as const);
    for (const { account, seenAt, unseenSince } of rows) this.#written.set(account, { seenAt, unseenSince, at: clock.now() });
    if (rows.length > 0) this.#writing = this.#writing.then(() => this.#try(rows, before));
    return this.#writing;
  }

  async #try(rows: readonly PhoneRow[], before: readonly (readonly [AccountId, Written])[]): Promise<void> {
    const { store, onFault } = this.#options;
    try {
      await store.write(rows);
    } catch (error) {
      for (const [account, written] of before) this.#written.set(account, written);
      onFault(error);
    }
  }
}

const isSame = (one: PhoneSeen, other: PhoneSeen): boolean =>
  one.seenAt === other.seenAt && one.unseenSince === other.unseenSince;
