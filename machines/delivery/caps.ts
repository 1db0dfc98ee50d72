/**
 * What an account may send in an hour and in a day: first messages to people who do not know it (*openings*), and, while it is
 * young, messages at all. WhatsApp restricts numbers that begin too many chats, and young ones sooner than old ones.
 *
 * Laws (test/delivery/caps.test.ts): in any span of an hour or a day, however it lies, no more is handed over than what holds at
 * its end allows; what was said to be possible at a time is possible then, if nothing was handed over meanwhile; a restart
 * forgets nothing that may have left.
 *
 * Counted in slots of five minutes, as in the store; one that lies half within the span counts as a whole. So a cap may be used up
 * a few minutes longer than a sliding count would have it, and never too short.
 */
import type { AccountId, Millis } from "../ports/ids.ts";
import { TRAFFIC_KEPT, TRAFFIC_SLOT, trafficSlot, type StoreAnswer } from "../ports/store.ts";

/** null: no limit. */
export interface Caps {
  /** People who are written to for the first time. */
  readonly newContacts: { readonly perHour: number | null; readonly perDay: number | null };
  /** In order of `days`: the first that an account is too young for has passed holds. */
  readonly warmUp: readonly WarmUp[];
}
/** What holds, besides the rest, while the account was linked less than so many days ago. */
export interface WarmUp {
  readonly days: number;
  readonly messagesPerDay: number | null;
  readonly newContactsPerDay: number | null;
}
export type Traffic = Extract<StoreAnswer<"traffic.load">, { kind: "traffic" }>["accounts"][number];

const HOUR: Millis = 3_600_000;
const DAY: Millis = 24 * HOUR;

interface Slot {
  readonly slot: number;
  messages: number;
  openings: number;
}
interface Ledger {
  caps: Caps;
  /** null: nobody knows, so long ago. */
  linkedAt: Millis | null;
  /** The oldest first. */
  slots: Slot[];
}
interface Limit {
  readonly counts: "messages" | "openings";
  readonly most: number;
  readonly within: Millis;
}

export class Allowance {
  readonly #ledgers = new Map<AccountId, Ledger>();

  constructor(caps: Readonly<Record<AccountId, Caps>>, traffic: readonly Traffic[]) {
    this.adopt(caps, traffic);
  }

  /** From now on these hold; what is counted already stays so. */
  adopt(caps: Readonly<Record<AccountId, Caps>>, traffic: readonly Traffic[]): void {
    const known = new Map(traffic.map((each) => [each.account, each]));
    for (const account of this.#ledgers.keys()) if (!(account in caps)) this.#ledgers.delete(account);
    for (const [account, each] of Object.entries(caps) as [AccountId, Caps][]) {
      const counted = this.#ledgers.get(account);
      if (counted) counted.caps = each;
      if (counted) continue;
      const { linkedAt = null, slots = [] } = known.get(account) ?? {};
      this.#ledgers.set(account, { caps: each, linkedAt, slots: slots.map((slot) => ({ ...slot })) });
    }
  }

  isCounted(account: AccountId): boolean {
    return this.#ledgers.has(account);
  }

  /** Its first device has been linked. */
  linked(account: AccountId, at: Millis): void {
    const ledger = this.#ledgers.get(account);
    if (ledger) ledger.linkedAt ??= at;
  }

  /** When the account may hand over its next message: `at` if it may now. It may be later than said if others are handed over meanwhile. */
  nextAt(account: AccountId, opens: boolean, at: Millis): Millis {
    const ledger = this.#ledgers.get(account);
    if (!ledger) return at;
    const { limits, until } = limitsOf(ledger, at);
    let next = at;
    for (const limit of limits) if (opens || limit.counts === "messages") next = Math.max(next, freeAt(ledger.slots, limit, at));
    // From then on other limits hold.
    return next > at ? Math.min(next, until) : at;
  }

  count(account: AccountId, opens: boolean, at: Millis): void {
    const ledger = this.#ledgers.get(account);
    if (!ledger) return;
    const slot = slotFor(ledger, trafficSlot(at));
    slot.messages++;
    if (opens) slot.openings++;
  }

  /** It is certain that what was counted at `at` did not leave. */
  takeBack(account: AccountId, opens: boolean, at: Millis): void {
    const slot = this.#ledgers.get(account)?.slots.find((each) => each.slot === trafficSlot(at));
    if (!slot) return;
    slot.messages--;
    if (opens) slot.openings--;
  }
}

/** What holds at `at`, and until when. */
const limitsOf = ({ caps, linkedAt }: Ledger, at: Millis): { limits: readonly Limit[]; until: Millis } => {
  const { newContacts, warmUp } = caps;
  const age = linkedAt === null ? Number.POSITIVE_INFINITY : at - linkedAt;
  const stage = warmUp.find(({ days }) => age < days * DAY);
  const limits: Limit[] = [];
  const add = (counts: Limit["counts"], most: number | null | undefined, within: Millis): void => {
    if (most !== null && most !== undefined) limits.push({ counts, most, within });
  };
  add("openings", newContacts.perHour, HOUR);
  add("openings", newContacts.perDay, DAY);
  add("openings", stage?.newContactsPerDay, DAY);
  add("messages", stage?.messagesPerDay, DAY);
  return { limits, until: stage && linkedAt !== null ? linkedAt + stage.days * DAY : Number.POSITIVE_INFINITY };
};

/** When so much has passed out of the span that there is room for one more. */
const freeAt = (slots: readonly Slot[], { counts, most, within }: Limit, at: Millis): Millis => {
  if (most < 1) return Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let place = slots.length - 1; place >= 0; place--) {
    const each = slots[place] as Slot;
    const leavesAt = (each.slot + 1) * TRAFFIC_SLOT + within;
    if (leavesAt <= at) break;
    sum += each[counts];
    // With this one it is full, so this one has to go.
    if (sum >= most) return leavesAt;
  }
  return at;
};

/** A clock that was set back counts into an older slot, or makes one in its place. */
const slotFor = (ledger: Ledger, slot: number): Slot => {
  const { slots } = ledger;
  const place = slots.findLastIndex((each) => each.slot <= slot);
  const found = slots[place];
  if (found?.slot === slot) return found;
  const made = { slot, messages: 0, openings: 0 };
  slots.splice(place + 1, 0, made);
  const oldest = (slots.at(-1) as Slot).slot - TRAFFIC_KEPT;
  ledger.slots = slots.filter((each) => each.slot > oldest);
  return made;
};
