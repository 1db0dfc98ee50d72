/** Always: no account begins more chats, or sends more while it is young, than its caps allow. */
import { type AccountId, accountOf, type Millis } from "../../machines/ports/ids.ts";
import { eventsAmong, eventsOf, type Event, type Life, type Property } from "./life.ts";

const HOUR: Millis = 3_600_000;
const DAY: Millis = 24 * HOUR;
/** What leaves is counted at the gate, what is capped at the handing over: a span by the one is so much shorter than by the other. */
const PREPARED: Millis = 60_000;
/** Slots of five minutes count as a whole. */
const COARSE: Millis = 300_000;

/**
 * First messages to people who had not written to the account, or whose message did not come to us. `atLatest`: nor had it long
 * before; who writes while a message to them is prepared counts as new, and so does somebody whom none of its messages has reached.
 */
export const openingsOf = (life: Life, atLatest = false): ReadonlyMap<AccountId, readonly Event<"gate">[]> => {
  const personOf = new Map([...life.tables.contacts.values()].map(({ number, lid, pn }) => [`c:${number}`, lid ?? pn ?? ""]));
  const contactOf = new Map(life.tables.outbox.map(({ id, contact }) => [id, personOf.get(contact) ?? contact]));
  const writers = new Map<string, string>();
  /** Since when. */
  const known = new Map<string, Millis>();
  const openings = new Map<AccountId, Event<"gate">[]>();
  const counted = new Set<string>();
  // The row, and not who was told of it: a process that dies before its store answers knows it all the same in its next life.
  const kept = new Set(life.tables.inbox.map(({ account, waId }) => `${account} ${waId}`));
  for (const event of eventsAmong(life, "wrote", "kept", "gate", "accepted")) {
    if (event.kind === "wrote") writers.set(event.waId, event.person);
    const isKnown =
      (event.kind === "wrote" && !atLatest && kept.has(`${event.account} ${event.waId}`)) || (event.kind === "kept" && atLatest);
    if (isKnown) {
      const pair = `${event.account} ${writers.get(event.waId)}`;
      if (!known.has(pair)) known.set(pair, event.at + (atLatest ? PREPARED : 0));
    }
    if (event.kind === "accepted") known.set(`${event.account} ${event.to}`, Number.NEGATIVE_INFINITY);
    if (event.kind !== "gate") continue;
    const account = accountOf(event.device);
    const pair = `${account} ${contactOf.get(event.message)}`;
    const since = known.get(pair) ?? Number.POSITIVE_INFINITY;
    if (!atLatest) known.set(pair, Number.NEGATIVE_INFINITY);
    if (since <= event.at || counted.has(`${account} ${event.message}`)) continue;
    counted.add(`${account} ${event.message}`);
    const list = openings.get(account);
    if (list) list.push(event);
    else openings.set(account, [event]);
  }
  return openings;
};

export const capsAreKept: Property = {
  name: "caps-are-kept",
  says: "an account begins no more chats in an hour or a day than it may, and sends no more messages in a day while it is young",
  *broken(life) {
    const { caps } = life.plan.fleet.settings;
    if (!caps) return;
    const openings = openingsOf(life);
    const gates = Map.groupBy(eventsOf(life, "gate"), ({ device }) => accountOf(device));
    for (const [account, { newContacts, warmUp }] of Object.entries(caps) as [AccountId, NonNullable<typeof caps>[AccountId]][]) {
      // Every device was linked as the world began.
      const stepAt = (at: Millis) => warmUp.find(({ days }) => at - life.from < days * DAY);
      const checks = [
        { of: openings, what: "began chats", within: HOUR, most: () => newContacts.perHour },
        { of: openings, what: "began chats", within: DAY, most: () => newContacts.perDay },
        { of: openings, what: "began chats", within: DAY, most: (at: Millis) => stepAt(at)?.newContactsPerDay },
        { of: gates, what: "sent messages", within: DAY, most: (at: Millis) => stepAt(at)?.messagesPerDay },
      ];
      for (const { of, what, within, most } of checks) {
        const found = firstAbove(of.get(account) ?? [], within - PREPARED, (at) => most(at) ?? null);
        if (found)
          yield {
            at: found.at,
            text: `${account} ${what} ${found.count} times within ${within} ms, and may ${found.most} times`,
          };
      }
    }
  },
};

const firstAbove = (
  events: readonly Event<"gate">[],
  within: Millis,
  mostAt: (at: Millis) => number | null,
): { at: Millis; count: number; most: number } | undefined => {
  let oldest = 0;
  for (const [place, { at }] of events.entries()) {
    while ((events[oldest] as Event<"gate">).at <= at - within) oldest++;
    const [count, most] = [place - oldest + 1, mostAt(at)];
    if (most !== null && count > most) return { at, count, most };
  }
  return undefined;
};

/**
 * Accounts that may begin no more chats at the end, or send nothing more: by what really left, the counting by slots allowed for.
 */
export const usedUp = (life: Life): ReadonlySet<AccountId> => {
  const { caps } = life.plan.fleet.settings;
  if (!caps) return new Set();
  const openings = openingsOf(life, true);
  const gates = Map.groupBy(eventsOf(life, "gate"), ({ device }) => accountOf(device));
  const since = (events: readonly Event<"gate">[] | undefined, span: Millis): number =>
    (events ?? []).filter(({ at }) => at > life.to - span - COARSE).length;
  const isFull = ([account, { newContacts, warmUp }]: [string, (typeof caps)[AccountId]]): boolean => {
    const step = warmUp.find(({ days }) => life.to - life.from < days * DAY);
    const [begun, sent] = [openings.get(account as AccountId), gates.get(account as AccountId)];
    return [
      [newContacts.perHour, since(begun, HOUR)] as const,
      [newContacts.perDay, since(begun, DAY)] as const,
      [step?.newContactsPerDay, since(begun, DAY)] as const,
      [step?.messagesPerDay, since(sent, DAY)] as const,
    ].some(([most, count]) => typeof most === "number" && count >= most);
  };
  return new Set(
    (Object.entries(caps) as [AccountId, (typeof caps)[AccountId]][]).flatMap((each) => (isFull(each) ? [each[0]] : [])),
  );
};
