/** Always: what was accepted is not lost, keeps its order, and reaches a phone twice only where it may. */
import { isProved } from "../../machines/delivery/outbox-state.ts";
import type { ConversationId, MessageId, Millis, WaId } from "../../machines/ports/ids.ts";
import type { OutboxRow } from "../../machines/ports/store.ts";
import type { PersonId } from "../world/ledger.ts";
import { eventsAmong, eventsOf, type Life, oncePerLife, type Property, type Violation } from "./life.ts";

/** From WhatsApp's acceptance to the screen, at most. */
const DELIVERY: Millis = 5_000;

export const rowsOf = oncePerLife(
  ({ tables }): ReadonlyMap<MessageId, OutboxRow> => new Map(tables.outbox.map((row) => [row.id, row])),
);

export const nothingLost: Property = {
  name: "nothing-lost",
  says: "an accepted message is on a phone, or still on its way, or held, or failed with a reason",
  *broken(life) {
    const rows = rowsOf(life);
    const shown = new Set(eventsOf(life, "shown").map(({ message }) => message));
    for (const { id, seat, at } of life.accepted) {
      if (shown.has(id)) continue;
      const row = rows.get(id);
      if (!row) yield { at, text: `message ${id} for ${seat} was accepted, and is in no row` };
      else if (isProved(row.state) && !isFresh(life, row)) {
        yield { at, text: `message ${id} of ${seat} counts as ${row.state}, and no phone has shown it` };
      } else if (row.state === "failed" && row.reason === null)
        yield { at, text: `message ${id} of ${seat} failed without a reason` };
    }
  },
};

export const calledBackStays: Property = {
  name: "called-back-stays",
  says: "a message that was called back does not leave afterwards, and counts as failed",
  *broken(life) {
    const called = new Map(eventsOf(life, "calledBack").map(({ message, at }) => [message, at]));
    if (called.size === 0) return;
    const rows = rowsOf(life);
    for (const { at, message, device } of eventsOf(life, "written")) {
      const calledAt = called.get(message);
      if (calledAt !== undefined && at >= calledAt)
        yield { at, text: `${device} sent message ${message}, which was called back at ${calledAt - life.from} ms` };
    }
    for (const [message, at] of called) {
      const row = rows.get(message);
      if (row?.state !== "failed") yield { at, text: `message ${message} was called back, and is ${row?.state ?? "in no row"}` };
    }
  },
};

/** WhatsApp may have taken it a moment ago. */
const isFresh = ({ to }: Life, { attempts }: OutboxRow): boolean => attempts.some(({ at }) => at > to - DELIVERY - 30_000);

export const inOrder: Property = {
  name: "in-order",
  says: "messages of a conversation reach the phone in the order in which they were accepted",
  *broken(life) {
    const rows = rowsOf(life);
    const seen = new Set<MessageId>();
    const last = new Map<ConversationId, OutboxRow>();
    // Nothing waits for one that was called back, though it may be on its way since before.
    const calledBack = new Map(eventsOf(life, "calledBack").map(({ message, at }) => [message, at]));
    for (const { at, message, person } of eventsOf(life, "shown")) {
      const row = rows.get(message);
      if (!row || seen.has(message) || at >= (calledBack.get(message) ?? Infinity)) continue;
      seen.add(message);
      const before = last.get(row.conversation);
      if (before && row.seq < before.seq) {
        yield { at, text: `${person} saw message ${row.seq} of ${row.conversation} after message ${before.seq}` };
      } else last.set(row.conversation, row);
    }
  },
};

export const duplicatesAreMarked: Property = {
  name: "duplicates-are-marked",
  says: "a phone shows a message twice only if its row lists two attempts or more, one of them unanswered",
  *broken(life) {
    const rows = rowsOf(life);
    const seenBy = new Map<PersonId, Set<MessageId>>();
    for (const { at, message, person } of eventsOf(life, "shown")) {
      const seen = seenBy.get(person) ?? new Set();
      seenBy.set(person, seen);
      if (seen.has(message)) {
        const attempts = rows.get(message)?.attempts ?? [];
        if (attempts.length < 2 || !attempts.some(({ outcome }) => outcome === "unanswered")) {
          const list = attempts.map(({ device, outcome }) => `${device} ${outcome}`).join(", ");
          yield { at, text: `${person} saw message ${message} twice; its attempts: ${list}` };
        }
      }
      seen.add(message);
    }
  },
};

export const keysBeforeBytes: Property = {
  name: "keys-before-bytes",
  says: "no key of a chat is used for two messages",
  *broken(life) {
    for (const { at, device, message } of eventsOf(life, "unreadable")) {
      yield { at, text: `the phone can't read message ${message}: ${device} had used its key before` };
    }
  },
};

export const gateBeforeBytes: Property = {
  name: "gate-before-bytes",
  says: "nothing is written that has not passed the gate",
  *broken(life) {
    /** By the number of the attempt. */
    const passed = new Map<number, Set<MessageId>>();
    for (const event of eventsAmong(life, "gate", "written")) {
      const others = passed.get(event.attempt);
      if (event.kind === "gate") {
        if (others) others.add(event.message);
        else passed.set(event.attempt, new Set([event.message]));
      } else if (!others?.has(event.message)) {
        yield { at: event.at, text: `attempt ${event.attempt} of message ${event.message} was written without passing the gate` };
      }
    }
  },
};

/** Messages of people that are durable here, by their ids at WhatsApp. */
export const keptIn = oncePerLife(({ tables }): ReadonlySet<WaId> => new Set(tables.inbox.map(({ waId }) => waId)));

export const keptBeforeReceipt: Property = {
  name: "kept-before-receipt",
  says: "WhatsApp gets a receipt for a message of a person only when the message is durable here",
  *broken(life) {
    const kept = keptIn(life);
    for (const { at, device, waId } of eventsOf(life, "receipted")) {
      if (!kept.has(waId)) {
        yield { at, text: `${device} confirmed ${waId}, which is in no row of the inbox` };
      }
    }
  },
};

/** Messages that nobody has: neither shown nor waiting nor given up with a reason. For the summary. */
export const countLost = (violations: readonly Violation[]): number =>
  violations.filter(({ property }) => property === nothingLost.name).length;
