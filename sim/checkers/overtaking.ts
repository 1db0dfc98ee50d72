/** Always: the urgent overtake, and nobody is overtaken for ever. */
import { QUEUE_DEFAULTS } from "../../machines/delivery/queue-config.ts";
import type { ConversationId, Millis, SeatId } from "../../machines/ports/ids.ts";
import type { OutboxRow } from "../../machines/ports/store.ts";
import { type Event, eventsAmong, eventsOf, type Life, type Property, troubles } from "./life.ts";
import { rowsOf } from "./messages.ts";

/** Handed over in order, two messages may be prepared for so different a time: the longer is that of a query which WhatsApp leaves unanswered. */
const PREPARED: Millis = 15_000;
/** So long after all that was broken, nothing waits for its own sake. */
const CALM: Millis = 2 * PREPARED;
/** More than a seat has in memory at once: what is not there can't take part. */
const MOST: number = QUEUE_DEFAULTS.window / 2;

/** When a message's turn comes: levels of urgency are worth a wait each (machines/delivery/queue.ts). */
const rankOf = ({ acceptedAt, priority }: OutboxRow): Millis => acceptedAt - priority * QUEUE_DEFAULTS.agingPerLevel;

export const nobodyStarves: Property = {
  name: "nobody-starves",
  says: "while nothing is broken, a message that could leave is overtaken only by what is more urgent, and only for as long as that is worth",
  *broken(life) {
    const { caps } = life.plan.fleet.settings;
    // A cap, or a restriction, holds back who is new and lets others pass.
    if (caps || eventsOf(life, "standing").length > 0) return;
    const hasWaited = ({ acceptedAt, attempts: [first] }: OutboxRow): boolean => (first?.at ?? life.to) > acceptedAt + PREPARED;
    if (!life.tables.outbox.some(hasWaited)) return;
    const spans = troubles(life);
    const isCalm = (at: Millis): boolean => !spans.some(({ from, until }) => from <= at && until > at - CALM);
    const rows = rowsOf(life);
    const left = new Map(eventsOf(life, "gate").map(({ message, at }) => [message, at]));
    const waiting = new Waiting(life.tables, rows);
    for (const event of eventsAmong(life, "gate", "ackTold", "proofTold")) {
      waiting.see(event);
      if (event.kind !== "gate" || event.attempt > 1) continue;
      const row = rows.get(event.message);
      const first = row && waiting.first(event.seat, event.at - PREPARED);
      if (!first || rankOf(first) + PREPARED >= rankOf(row)) continue;
      // What is tried again in a moment, or was given back as a seat moved, leaves right behind.
      const goesOnWaiting = (left.get(first.id) ?? life.to) > event.at + PREPARED;
      if (goesOnWaiting && isCalm(event.at)) {
        const ago = event.at - first.acceptedAt;
        yield {
          at: event.at,
          text: `${row.id} (priority ${row.priority}) left ${event.seat} before ${first.id} (priority ${first.priority}), which has waited for ${ago} ms`,
        };
        return;
      }
    }
  },
};

/** The first message of each conversation that has not left yet. */
class Waiting {
  readonly #rows: readonly OutboxRow[];
  readonly #heads = new Map<SeatId, Map<ConversationId, { readonly row: OutboxRow; readonly since: Millis }>>();
  readonly #next = new Map<ConversationId, OutboxRow[]>();
  readonly #byId: ReadonlyMap<string, OutboxRow>;
  readonly #byWaId: ReadonlyMap<string, OutboxRow>;
  /** Conversations that went elsewhere, or that something of their own holds up. */
  readonly #apart: ReadonlySet<unknown>;
  /** By a clock that is off, a message may leave before it was accepted. */
  readonly #gone = new Set<string>();
  #place = 0;

  constructor(tables: Life["tables"], byId: ReadonlyMap<string, OutboxRow>) {
    this.#rows = tables.outbox;
    this.#byId = byId;
    this.#byWaId = new Map(tables.outbox.map((row) => [row.waId, row]));
    this.#apart = new Set<unknown>([
      ...tables.audit.map(({ evidence }) => evidence["conversation"]),
      ...tables.outbox.flatMap(({ state, conversation }) => (state === "held" || state === "failed" ? [conversation] : [])),
    ]);
  }

  see(event: Event<"gate" | "ackTold" | "proofTold">): void {
    for (let row = this.#rows[this.#place]; row && row.acceptedAt <= event.at; row = this.#rows[++this.#place]) this.#come(row);
    if (event.kind === "gate") this.#leave(event);
    else {
      const row = this.#byWaId.get(event.waId);
      if (row) this.#over(row, event.at);
    }
  }

  /** Whose turn is the first of those that could leave since then. */
  first(seat: SeatId, since: Millis): OutboxRow | undefined {
    const heads = this.#heads.get(seat);
    if (!heads || heads.size > MOST) return undefined;
    let first: OutboxRow | undefined;
    for (const head of heads.values()) {
      if (head.since <= since && (!first || rankOf(head.row) < rankOf(first))) first = head.row;
    }
    return first;
  }

  #come(row: OutboxRow): void {
    if (this.#apart.has(row.conversation) || this.#gone.has(row.id)) return;
    const before = this.#next.get(row.conversation);
    if (before) return void before.push(row);
    this.#next.set(row.conversation, [row]);
    this.#head(row, row.acceptedAt);
  }
  #head(row: OutboxRow, since: Millis): void {
    const heads = this.#heads.get(row.seat) ?? new Map<ConversationId, { row: OutboxRow; since: Millis }>();
    this.#heads.set(row.seat, heads);
    heads.set(row.conversation, { row, since });
  }
  #leave({ message, seat }: Event<"gate">): void {
    const row = this.#byId.get(message);
    this.#gone.add(message);
    if (row && this.#heads.get(seat)?.get(row.conversation)?.row === row) this.#heads.get(seat)?.delete(row.conversation);
  }
  #over(row: OutboxRow, at: Millis): void {
    const rows = this.#next.get(row.conversation);
    if (rows?.[0] !== row) return;
    rows.shift();
    const [next] = rows;
    if (next) this.#head(next, at);
    else this.#next.delete(row.conversation);
  }
}
