/**
 * From an inbox row to what a handler gets: one message, whatever device and account it came through, with the line and the seat
 * that it belongs to.
 *
 * A conversation belongs to the seat that it has, whoever holds that seat. A new one belongs to the seat of the account that was
 * written to, so that the answer comes from the number that the person knows: a servant's to its post, if it works there, or else to
 * the seat that it follows.
 */
import { type AccountId, type ContactId, conversationId, type LineId, type SeatId, seatId } from "../../machines/ports/ids.ts";
import {
  bareAddress,
  type ContactRow,
  type InboundRow,
  isSameMessage,
  type LineRow,
  type StoreOp,
  type StoreOps,
} from "../../machines/ports/store.ts";
import type { InboundContent } from "../adapters/baileys/inbound-content.ts";
import type { InboundMessage } from "./messages.ts";
import type { Answered } from "./views.ts";

export interface InboundOptions {
  readonly lines: readonly Pick<LineRow, "id" | "masters" | "servants">[];
  /** Rejects when the store does not answer. */
  readonly ask: <K extends StoreOp>(op: K, input: StoreOps[K]["in"]) => Promise<Answered<K>>;
  /** Addresses of the fleet's accounts. Rejects when the store does not answer. */
  readonly ours: () => Promise<ReadonlySet<string>>;
  /** Where a servant of the line belongs; undefined: nobody knows at present. */
  readonly placeOf: (line: LineId, servant: AccountId) => SeatId | undefined;
  /** Whose account speaks for a seat at present. */
  readonly speaker: (seat: SeatId) => AccountId | undefined;
  /** The seat has messages that its queue was not told of. */
  readonly reload: (seat: SeatId) => void;
  readonly contentOf: (proto: Uint8Array) => InboundContent;
}

type Lines = InboundOptions["lines"];
interface Place {
  readonly line: Lines[number];
  readonly seat: SeatId;
}

export class Inbound {
  readonly #options: InboundOptions;
  /** By contact, one after the other: two readers, or two messages of a new contact, must not choose two seats. */
  readonly #last = new Map<ContactId, Promise<unknown>>();

  constructor(options: InboundOptions) {
    this.#options = options;
  }

  /**
   * null: written by the fleet itself, to an account that serves no line, or seen by another account of the line before. (Where two
   * accounts are in one group, each receives what the other writes: a bot would answer itself for ever.)
   */
  toMessage(row: InboundRow): Promise<InboundMessage | null> {
    return this.#ofLine(row, (contact, lines) => this.#told(row, contact, lines));
  }

  /** From now on the conversation has its seat, as if somebody had read the message. */
  async place(row: InboundRow): Promise<void> {
    await this.#ofLine(row, (contact, lines) => this.#placeOf(row.account, contact.id, lines));
  }

  async #ofLine<T>(row: InboundRow, work: (contact: ContactRow, lines: Lines) => Promise<T>): Promise<T | null> {
    if (row.fromMe) return null;
    const lines = this.#linesOf(row.account);
    if (lines.length === 0 || (await this.#options.ours()).has(bareAddress(row.sender))) return null;
    const address = row.chat.endsWith("@lid") ? { lid: row.chat, pn: null } : { lid: null, pn: row.chat };
    const { row: contact } = await this.#options.ask("contact.resolve", address);
    return this.#inTurn(contact.id, () => work(contact, lines));
  }

  async #inTurn<T>(contact: ContactId, work: () => Promise<T>): Promise<T> {
    const next = (this.#last.get(contact) ?? Promise.resolve()).then(work);
    const settled = next.catch(() => undefined);
    this.#last.set(contact, settled);
    try {
      return await next;
    } finally {
      if (this.#last.get(contact) === settled) this.#last.delete(contact);
    }
  }

  async #told(row: InboundRow, contact: ContactRow, lines: Lines): Promise<InboundMessage | null> {
    const place = await this.#placeOf(row.account, contact.id, lines);
    if (await this.#isCopy(row, place.line)) return null;
    const { seat } = place;
    const line = place.line.id;
    const { seq, waId: id, account, chat, sender: from, sentAt, receivedAt, proto } = row;
    return {
      seq,
      id,
      line,
      seat,
      conversation: conversationId(line, contact.id),
      contact: contact.id,
      country: contact.country,
      account,
      chat,
      from,
      isGroup: chat.endsWith("@g.us"),
      sentAt,
      receivedAt,
      ...this.#options.contentOf(proto),
      proto,
    };
  }

  /** In the order of the fleet file; those for which the account only works, if it speaks for none. */
  #linesOf(account: AccountId): Lines {
    const { lines } = this.#options;
    const own = lines.filter(({ masters }) => masters.includes(account));
    return own.length > 0 ? own : lines.filter(({ servants }) => servants.includes(account));
  }

  /** An account may speak on several lines, and the message does not say which one is meant: the one that speaks to the person. */
  async #placeOf(account: AccountId, contact: ContactId, lines: Lines): Promise<Place> {
    const known: Place[] = [];
    for (const line of lines) {
      const { seat } = await this.#options.ask("conversation.get", { conversation: conversationId(line.id, contact) });
      if (seat !== null) known.push({ line, seat });
    }
    const place = known.find(({ line, seat }) => seat === seatId(line.id, account) || this.#options.speaker(seat) === account);
    return place ?? known[0] ?? this.#begin(account, contact, lines[0] as Lines[number]);
  }

  async #begin(account: AccountId, contact: ContactId, line: Lines[number]): Promise<Place> {
    const { id, masters } = line;
    const own = masters.includes(account) ? seatId(id, account) : this.#options.placeOf(id, account);
    const seat = own ?? seatId(id, masters[0] as AccountId);
    const { moved } = await this.#options.ask("conversation.assign", { conversation: conversationId(id, contact), seat });
    // Somebody wrote to the person between the question and the answer.
    if (moved > 0) this.#options.reload(seat);
    return { line, seat };
  }

  /** Two accounts of one line in one group each have a row of what is written there: the first one counts. */
  async #isCopy(row: InboundRow, { masters, servants }: Lines[number]): Promise<boolean> {
    if (!row.chat.endsWith("@g.us")) return false;
    for (const account of [...masters, ...servants]) {
      if (account === row.account) continue;
      const { row: other } = await this.#options.ask("inbox.get", { account, waId: row.waId });
      if (other && other.seq < row.seq && isSameMessage(other, row)) return true;
    }
    return false;
  }
}
