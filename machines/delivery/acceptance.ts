/**
 * How a message is accepted: who is it for, which seat speaks to them, and is it durable. Callbacks, not promises, because the
 * simulator runs this code on virtual time.
 *
 * A conversation stays on its seat (sticky); a new one gets the seat that `choose` names, which is told about the contact only
 * what may be known in here: country, tier, region. What was accepted is offered to the
 * seat's queue at once.
 */
import {
  conversationId,
  type ContactId,
  type ConversationId,
  type LineId,
  type MessageId,
  type Millis,
  type RequestId,
  type SeatId,
  type WaId,
} from "../ports/ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { Newcomer } from "./balance/strategy.ts";
import type { Beginning } from "./work.ts";
import type {
  ContactRow,
  MessageContent,
  OutboxDraft,
  OfferedRow,
  StoreAnswer,
  StoreFailure,
  StorePort,
} from "../ports/store.ts";

export interface AcceptRequest {
  readonly line: LineId;
  /** Either address, or both: `…@lid`, `…@s.whatsapp.net` or `…@g.us`. */
  readonly to: { readonly lid: string | null; readonly pn: string | null };
  readonly content: MessageContent;
  /** 0 to 9; left out: what the contact's tier is worth on the line, 5 for ordinary ones. */
  readonly priority?: number;
  /** Where the contact is, in the words of the line's regions: before what the country of its number says. */
  readonly region?: string;
  readonly expiresAt?: Millis;
  readonly idempotencyKey?: string;
}
export type AcceptAnswer =
  | { readonly kind: "accepted"; readonly id: MessageId; readonly waId: WaId; readonly seat: SeatId; readonly duplicate: boolean }
  /** The line's outbox is full: nothing was dropped, nothing was taken. */
  | { readonly kind: "full"; readonly open: number }
  | { readonly kind: "noSeat"; readonly line: LineId }
  | StoreFailure;

export interface AcceptanceOptions {
  readonly clock: Clock;
  readonly store: StorePort;
  /** Numbers from 0 (included) to 1 (excluded). */
  readonly draw: () => number;
  readonly nextRequest: () => RequestId;
  /** The seat for a new conversation, or the post of a servant at it; undefined when the line has none at all. */
  readonly choose: (line: LineId, newcomer: Newcomer, beginning: Beginning) => SeatId | undefined;
  /** The tier that a line's settings give an address; null: none, so that the contact's own counts. */
  readonly tierOf: (line: LineId, to: AcceptRequest["to"]) => string | null;
  /** What a message to a contact of that tier is worth in the queue, 0 to 9. */
  readonly urgency: (line: LineId, tier: string | null) => number;
  /** Hands freshly accepted rows to the seat's queue. */
  readonly offer: (seat: SeatId, rows: readonly OfferedRow[]) => void;
  /** The seat's queue has to look into the store: there may be a row that nobody offered. */
  readonly reload: (seat: SeatId) => void;
  /** Open messages a line may have, in rows. */
  readonly outboxLimit: (line: LineId) => number;
}

const BASE_36 = "0123456789abcdefghijklmnopqrstuvwxyz";
const HEX = "0123456789ABCDEF";
/** Entries kept per cache. An entry is about 300 bytes. */
const CACHE = 20_000;
/** Pause before a store that failed is asked again where a conversation is. */
const LOOK_AGAIN: Millis = 1_000;

export class Acceptance {
  readonly #options: AcceptanceOptions;
  readonly #contacts = new Map<string, ContactRow>();
  readonly #seats = new Map<ConversationId, SeatId>();
  /**
   * Of each a message may be durable, though the store said it had failed, and lie with another seat than the one it was for. Beyond
   * CACHE the oldest is forgotten: its queue finds it at the next start.
   */
  readonly #astray = new Map<ConversationId, SeatId>();
  #lookAgain: unknown;
  #isLooking = false;
  #count = 0;

  constructor(options: AcceptanceOptions) {
    this.#options = options;
  }

  accept(request: AcceptRequest, reply: (answer: AcceptAnswer) => void): void {
    const { line, to, region = null } = request;
    this.#contact(to, reply, ({ id, lid, pn, country, tier: own }) => {
      const conversation = conversationId(line, id);
      // Whom the line names by a number is answered by an address that is none.
      const tier = this.#options.tierOf(line, to) ?? this.#options.tierOf(line, { lid, pn }) ?? own;
      const priority = request.priority ?? this.#options.urgency(line, tier);
      const beginning = { priority, isGroup: id.startsWith("g:"), kind: request.content.kind };
      const choose = () => this.#options.choose(line, { country, tier, region }, beginning);
      this.#seat(line, conversation, choose, reply, (seat) => {
        this.#write({ ...request, priority }, id, conversation, seat, reply);
      });
    });
  }

  /** Asks no more where conversations are. */
  stop(): void {
    this.#astray.clear();
    if (this.#lookAgain !== undefined) this.#options.clock.clearTimeout(this.#lookAgain);
  }

  #contact(to: AcceptRequest["to"], fail: (answer: StoreFailure) => void, then: (contact: ContactRow) => void): void {
    const address = to.lid ?? to.pn ?? "";
    const known = this.#contacts.get(address);
    if (known) return then(known);
    this.#options.store.ask({ op: "contact.resolve", reqId: this.#options.nextRequest(), lid: to.lid, pn: to.pn }, (answer) => {
      if (answer.kind === "failed") return fail(answer);
      remember(this.#contacts, address, answer.row);
      then(answer.row);
    });
  }

  #seat(
    line: LineId,
    conversation: ConversationId,
    choose: () => SeatId | undefined,
    fail: (answer: AcceptAnswer) => void,
    then: (seat: SeatId) => void,
  ): void {
    const known = this.#seats.get(conversation);
    if (known) return then(known);
    this.#options.store.ask({ op: "conversation.get", reqId: this.#options.nextRequest(), conversation }, (answer) => {
      if (answer.kind === "failed") return fail(answer);
      // A second message to the same new contact may have chosen while this answer was on its way.
      const seat = answer.seat ?? this.#seats.get(conversation) ?? choose();
      if (!seat) return fail({ kind: "noSeat", line });
      remember(this.#seats, conversation, seat);
      then(seat);
    });
  }

  #write(
    request: AcceptRequest & { readonly priority: number },
    contact: ContactId,
    conversation: ConversationId,
    seat: SeatId,
    reply: (answer: AcceptAnswer) => void,
  ): void {
    const { clock, store, nextRequest, outboxLimit, offer, reload } = this.#options;
    const acceptedAt = clock.now();
    const draft: OutboxDraft = {
      ...this.#ids(acceptedAt),
      line: request.line,
      seat,
      conversation,
      contact,
      content: request.content,
      priority: request.priority,
      expiresAt: request.expiresAt ?? null,
      idempotencyKey: request.idempotencyKey ?? null,
      acceptedAt,
    };
    store.ask(
      { op: "outbox.accept", reqId: nextRequest(), messages: [draft], limit: outboxLimit(request.line) },
      (answer: StoreAnswer<"outbox.accept">) => {
        if (answer.kind === "full") return reply({ kind: "full", open: answer.open });
        if (answer.kind === "failed") {
          // It may be durable all the same, and then it is sent like any other: by whoever has its conversation by now.
          reload(seat);
          this.#seats.delete(conversation);
          remember(this.#astray, conversation, seat);
          this.#look();
          return reply(answer);
        }
        const row = answer.messages[0];
        if (!row) return reply({ kind: "failed", cause: "io", message: "the store answered without a row" });
        // The store's word counts: the conversation may have been given to another seat meanwhile.
        if (row.seat !== seat) remember(this.#seats, conversation, row.seat);
        // The first time its answer may have been lost.
        if (row.duplicate) reload(row.seat);
        else {
          const { seq, first } = row;
          offer(row.seat, [{ ...draft, seat: row.seat, seq, state: "accepted", reason: null, attempts: [], isFirst: first }]);
        }
        reply({ kind: "accepted", id: row.id, waId: draft.waId, seat: row.seat, duplicate: row.duplicate });
      },
    );
  }

  /** One after the other, until the store has said of all where they are. */
  #look(): void {
    const [next] = this.#astray;
    if (this.#isLooking || !next) return;
    const [conversation, seat] = next;
    const { clock, store, nextRequest, reload } = this.#options;
    this.#isLooking = true;
    store.ask({ op: "conversation.get", reqId: nextRequest(), conversation }, (answer) => {
      const goOn = (): void => {
        this.#isLooking = false;
        this.#look();
      };
      // It was forgotten, or all of them were.
      if (!this.#astray.has(conversation)) return goOn();
      if (answer.kind === "failed") {
        this.#lookAgain = clock.setTimeout(goOn, LOOK_AGAIN);
        return;
      }
      this.#astray.delete(conversation);
      if (answer.seat !== null && answer.seat !== seat) reload(answer.seat);
      goOn();
    });
  }

  /** Ours sorts by time; WhatsApp's looks like what its own clients make: "3EB0" and 18 hexadecimal digits. */
  #ids(at: Millis): { id: MessageId; waId: WaId } {
    this.#count = (this.#count + 1) % 0x100_0000;
    const time = at.toString(36).padStart(9, "0");
    const id = `m${time}${this.#count.toString(36).padStart(5, "0")}${this.#digits(BASE_36, 6)}` as MessageId;
    return { id, waId: `3EB0${this.#digits(HEX, 18)}` as WaId };
  }

  #digits(from: string, length: number): string {
    let text = "";
    while (text.length < length) text += from.charAt(Math.floor(this.#options.draw() * from.length));
    return text;
  }
}

/** A map used as a cache: the oldest entry goes first. */
const remember = <K, V>(map: Map<K, V>, key: K, value: V): void => {
  if (map.size >= CACHE) map.delete(map.keys().next().value as K);
  map.set(key, value);
};
