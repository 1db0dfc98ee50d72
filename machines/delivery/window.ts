/**
 * The part of a seat's open messages that is in memory: bounded, in order per conversation, nothing twice.
 *
 * Most rows are never more than a number here. The *cursor* goes through the store once, in order of acceptance; what finds no
 * place yet is left there:
 * - the window is full: the cursor stays before the row;
 * - its conversation has its share, or is shut behind a row that blocks it for long: the row is *parked*, the cursor goes on, so
 *   that other conversations flow; `parkedFrom` remembers the first one left behind, and a second read fetches from there once
 *   the conversation is hungry again.
 * A row is taken only if no earlier row of its conversation was left behind. Rows in memory, settled ones included, are known by
 * id, so reading a stretch twice is harmless; settled ones are forgotten only when the store knows their outcome and no read is
 * under way that may have seen them before.
 *
 * An urgent row doesn't wait for the cursor: if its turn comes before that of the least urgent row that was seen, and nothing of its
 * conversation is before it, in the store or here, it is taken as it is accepted, into a reserve beside the limit. The cursor finds
 * it known, or settled. What comes behind it is left to the cursor. While the cursor stands still, so does what a row is measured
 * against: sooner or later nothing more is urgent enough, the reserve empties, and the cursor goes on. So nobody starves in the store.
 *
 * Bound: `limit` rows and a quarter as a reserve, the blocked first rows of shut conversations, and `remember` settled ones.
 */
import type { ConversationId, MessageId, Millis, WaId } from "../ports/ids.ts";
import type { OfferedRow, OutboxRow } from "../ports/store.ts";
import { Heap } from "./heap.ts";
import { type Conversation, emptyConversation, isUnderWay, type Phase, rankOf, type Row, rowFrom } from "./window-row.ts";

export interface WindowLimits {
  /** Rows in memory that are not settled and do not block a shut conversation. */
  readonly window: number;
  /** Rows of one conversation in memory. */
  readonly perConversation: number;
  /** Rows a read asks for. */
  readonly page: number;
  /** Settled rows kept for late receipts. */
  readonly remember: number;
  /** A row of priority p leaves before one of priority p - 1 that was accepted up to this much earlier. */
  readonly agingPerLevel: Millis;
}

interface Reading {
  readonly afterSeq: number;
  /** The conversation it is for; null for the main pass. */
  readonly hungry: Conversation | null;
  /** The cursor was set back meanwhile: what is read counts, how far it went does not. */
  isOutdated: boolean;
  /** Something was offered meanwhile, and left for the next read. */
  hasMissed: boolean;
  /** Its rows are not to be taken: they may be the later ones of conversations that have just come or gone. */
  isVoid: boolean;
}

export class Window {
  readonly #limits: WindowLimits;
  readonly #conversations = new Map<ConversationId, Conversation>();
  readonly #rows = new Map<MessageId, Row>();
  readonly #byWaId = new Map<WaId, Row>();
  #settled: Row[] = [];
  #forgotten = 0;
  #count = 0;
  #cursor = 0;
  #more = true;
  /** The rank of the least urgent row that was seen. */
  #edge = Number.NEGATIVE_INFINITY;
  readonly #hungry = new Set<Conversation>();
  #mainNext = true;
  #reading: Reading | null = null;
  #hasRead = false;
  #departed = new Set<ConversationId>();
  readonly #coming = new Set<ConversationId>();
  /** Adopted rows that the cursor has not reached: earlier ones of their conversations may be unread. */
  readonly #ahead = new Set<Row>();
  /** Conversations whose parked rows the page at hand has begun to bring. */
  #fetched: Conversation[] = [];
  /** Conversations whose first row is ready, the most urgent first. */
  readonly ready = new Heap<Conversation>((a, b) => a.rank < b.rank || (a.rank === b.rank && a.rankSeq < b.rankSeq));
  /** Rows to look at again at a known time. */
  readonly due = new Heap<Row>((a, b) => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.seq < b.seq));

  constructor(limits: WindowLimits) {
    this.#limits = limits;
  }

  /** Rows that count against the limit. */
  get count(): number {
    return this.#count;
  }

  /** The store was read at least once. */
  get hasRead(): boolean {
    return this.#hasRead;
  }

  get(id: MessageId): Row | undefined {
    return this.#rows.get(id);
  }

  /** The row that the conversation waits for. */
  firstOf(id: ConversationId): Row | undefined {
    return this.#conversations.get(id)?.rows[0];
  }

  byWaId(waId: WaId): Row | undefined {
    return this.#byWaId.get(waId);
  }

  // ---- coming in ----

  /** Its rows are left alone until it has `come`: the later ones may be read here before the earlier ones are. */
  awaits(id: ConversationId): void {
    this.#coming.add(id);
  }
  come(id: ConversationId): void {
    this.#coming.delete(id);
    // A read that is under way may have begun behind its first rows.
    if (this.#reading) this.#departed.add(id);
  }
  /** All that was on its way has come. */
  comeAll(): void {
    for (const id of this.#coming) this.come(id);
  }

  /** Rows just accepted, in order of seq: taken at once if nothing older is unread, or if urgent. Returns those that are new here. */
  offer(rows: readonly OfferedRow[], at: Millis): Row[] {
    const taken: Row[] = [];
    for (const stored of rows) {
      if (this.#coming.has(stored.conversation)) continue;
      if (stored.seq <= this.#cursor) {
        // Committed after a later one, or offered twice: the store knows.
        if (!this.#rows.has(stored.id)) this.#setBack(stored.seq - 1);
        continue;
      }
      if (this.#reading) this.#reading.hasMissed = true;
      if (this.#more || this.#reading?.hungry === null) {
        if (this.#isUrgent(stored)) taken.push(this.#add(stored, at));
        continue;
      }
      const row = this.#take(stored, Number.POSITIVE_INFINITY, at);
      if (row === "full") {
        this.#more = true;
        if (this.#isUrgent(stored)) taken.push(this.#add(stored, at));
        continue;
      }
      this.#cursor = stored.seq;
      if (row) taken.push(row);
    }
    return taken;
  }

  /** Whether the row may be taken before the cursor comes. A level more has a ninth more of the reserve: the less urgent never fill it. */
  #isUrgent(stored: OfferedRow): boolean {
    const { window, agingPerLevel } = this.#limits;
    const reserve = ((window >> 2) * stored.priority) / MOST_URGENT;
    return (
      stored.isFirst === true &&
      rankOf(stored, agingPerLevel) < this.#edge &&
      this.#count < window + reserve &&
      !this.#conversations.has(stored.conversation)
    );
  }

  /** Held rows are not among the open ones, so they come by a list of their own, before anything else is read. */
  adopt(rows: readonly OutboxRow[], at: Millis): Row[] {
    const taken: Row[] = [];
    for (const stored of rows) {
      if (this.#rows.has(stored.id) || this.#isElsewhere(stored.conversation)) continue;
      const row = rowFrom(stored, this.#conversation(stored.conversation), at);
      if (this.#more && stored.seq > this.#cursor) this.#ahead.add(row);
      this.#insert(row, at);
      taken.push(row);
    }
    return taken;
  }

  /** A settled row that was looked up for the sake of a late fact. */
  remember(row: Row): void {
    this.#rows.set(row.id, row);
    this.#byWaId.set(row.waId, row);
    this.#settled.push(row);
  }

  /** There may be rows before the cursor, from this seq on, that were never here. */
  rewind(from = 1): void {
    this.#setBack(from - 1);
  }

  #setBack(cursor: number): void {
    this.#cursor = Math.min(this.#cursor, cursor);
    this.#more = true;
    if (this.#reading) this.#reading.isOutdated = true;
  }

  /** What a read under way brings is left to the next one. */
  distrust(): void {
    if (this.#reading) this.#reading.isVoid = true;
  }

  /** Conversations with rows in memory. */
  get conversations(): Iterable<Conversation> {
    return this.#conversations.values();
  }

  /** The next stretch to read, if there is room for it. The caller asks the store, and gives the answer to `page` or `unread`. */
  nextRead(): { afterSeq: number; limit: number } | null {
    if (this.#reading || (!this.#more && this.#hungry.size === 0)) return null;
    const { window, page } = this.#limits;
    if (window - this.#count < Math.max(1, Math.min(page, window >> 2))) return null;
    const first = this.#hungry.values().next().value ?? null;
    const parkedAfter = (first?.parkedFrom ?? 1) - 1;
    // Ahead of a cursor that was set back there are rows whose earlier ones only the main pass will see.
    const isMain = first === null || (this.#more && (this.#mainNext || parkedAfter > this.#cursor));
    const hungry = isMain ? null : first;
    this.#mainNext = hungry !== null;
    const afterSeq = hungry ? parkedAfter : this.#cursor;
    this.#reading = { afterSeq, hungry, isOutdated: false, hasMissed: false, isVoid: false };
    return { afterSeq, limit: page };
  }

  /** The answer to `nextRead`. Returns the rows that are new here. */
  page(rows: readonly OutboxRow[], more: boolean, at: Millis): Row[] {
    const reading = this.#reading;
    if (!reading) return [];
    this.#reading = null;
    if (reading.isVoid) {
      this.#departed.clear();
      return [];
    }
    this.#hasRead = true;
    const taken: Row[] = [];
    let readTo = reading.afterSeq;
    let isFull = false;
    for (const stored of rows) {
      if (!this.#isElsewhere(stored.conversation)) {
        const row = this.#take(stored, reading.afterSeq, at);
        if (row === "full") {
          isFull = true;
          break;
        }
        if (row) taken.push(row);
      }
      readTo = stored.seq;
    }
    this.#departed.clear();
    const isEnd = !isFull && !more;
    if (!isEnd && readTo < this.#cursor) {
      // There may be more of them between here and the cursor.
      for (const conversation of this.#fetched) this.#leave(conversation, readTo + 1);
    }
    this.#fetched = [];
    if (reading.hungry) this.#fed(reading.hungry, readTo, isEnd);
    else if (!reading.isOutdated) {
      this.#more = !isEnd || reading.hasMissed;
      this.#cursor = readTo;
      this.#catchUp(isEnd);
    }
    this.#forget();
    return taken;
  }

  #isElsewhere(id: ConversationId): boolean {
    return this.#departed.has(id) || this.#coming.has(id);
  }

  /** The cursor has moved on, or has come to the end. */
  #catchUp(isEnd: boolean): void {
    for (const row of this.#ahead) {
      if (row.seq > this.#cursor && !isEnd) continue;
      this.#ahead.delete(row);
      this.#review(row.conversation);
    }
  }

  /** The read failed. */
  unread(): void {
    this.#reading = null;
    this.#departed.clear();
  }

  /** The row at the place where it belongs, null if it is known or has to stay in the store, "full" if the window is. */
  #take(stored: OutboxRow, scannedFrom: number, at: Millis): Row | null | "full" {
    this.#edge = Math.max(this.#edge, rankOf(stored, this.#limits.agingPerLevel));
    if (this.#rows.has(stored.id)) return null;
    const conversation = this.#conversation(stored.conversation);
    const { parkedFrom, rows } = conversation;
    const isBehindParked = parkedFrom !== null && parkedFrom <= Math.min(scannedFrom, stored.seq);
    // An earlier one than those in memory turned up: they go back.
    if (rows.some((row) => row.seq > stored.seq)) this.#park(conversation, stored.seq);
    const isFirst = rows[0] === undefined || stored.seq < rows[0].seq;
    const isFilled = conversation.isShut || rows.length >= this.#limits.perConversation;
    if (isBehindParked || (isFilled && !isFirst)) {
      this.#leave(conversation, stored.seq);
      return null;
    }
    if (this.#count >= this.#limits.window) {
      // The cursor stays before it, unless it has been there already, or later ones are here.
      if (rows.length > 0 || stored.seq <= this.#cursor) this.#leave(conversation, stored.seq);
      else this.#drop(conversation);
      return "full";
    }
    if (parkedFrom !== null && parkedFrom <= stored.seq) {
      conversation.parkedFrom = null;
      this.#hungry.delete(conversation);
      this.#fetched.push(conversation);
    }
    return this.#add(stored, at);
  }

  #add(stored: OutboxRow, at: Millis): Row {
    const row = rowFrom(stored, this.#conversation(stored.conversation), at);
    this.#insert(row, at);
    return row;
  }

  /** From `seq` on there are rows of the conversation that are not in memory. */
  #leave(conversation: Conversation, seq: number): void {
    conversation.parkedFrom = Math.min(conversation.parkedFrom ?? seq, seq);
    this.#review(conversation);
  }

  /** After a read for a hungry conversation: if nothing of it was there, it is looked for further on, or nowhere. */
  #fed(conversation: Conversation, readTo: number, isEnd: boolean): void {
    if (!this.#hungry.has(conversation) || conversation.parkedFrom === null) return;
    if (!isEnd && readTo < this.#cursor) {
      conversation.parkedFrom = Math.max(conversation.parkedFrom, readTo + 1);
    } else {
      conversation.parkedFrom = null;
      this.#hungry.delete(conversation);
    }
    this.#review(conversation);
  }

  #conversation(id: ConversationId): Conversation {
    let conversation = this.#conversations.get(id);
    if (!conversation) {
      conversation = emptyConversation(id);
      this.#conversations.set(id, conversation);
    }
    return conversation;
  }

  #insert(row: Row, at: Millis): void {
    const { rows } = row.conversation;
    let place = rows.length;
    // Nothing goes before a row that is under way.
    while (place > 0 && (rows[place - 1] as Row).seq > row.seq && !isUnderWay(rows[place - 1] as Row)) place--;
    rows.splice(place, 0, row);
    this.#rows.set(row.id, row);
    this.#byWaId.set(row.waId, row);
    if (isCounted(row)) this.#count++;
    if (place === 0 && rows.length > 1) this.ready.remove(row.conversation);
    this.move(row, row.phase, at);
  }

  // ---- changing place ----

  /** Gives a row another phase, and its conversation what follows from it. */
  move(row: Row, phase: Phase, at: Millis, wakeAt: Millis = Number.POSITIVE_INFINITY): void {
    if (isCounted(row)) this.#count--;
    row.phase = phase;
    row.since = at;
    if (isCounted(row)) this.#count++;
    this.wake(row, wakeAt);
    const { conversation } = row;
    if (conversation.rows[0] !== row) return;
    const second = conversation.rows[1];
    // An earlier one turned up while this was under way.
    if (!isUnderWay(row) && second && second.seq < row.seq) conversation.rows.sort((a, b) => a.seq - b.seq);
    this.#review(conversation);
  }

  /** Nothing of the row's conversation goes on, not even an earlier one that turns up, until it is known to `stay`. */
  yields(row: Row, at: Millis): void {
    row.conversation.yielded = row;
    this.move(row, "rerouting", at);
  }
  stays(row: Row, at: Millis): void {
    row.conversation.yielded = null;
    this.move(row, "ready", at);
    this.#review(row.conversation);
  }

  /** Sets when to look at the row again. */
  wake(row: Row, wakeAt: Millis): void {
    row.wakeAt = wakeAt;
    this.due.remove(row);
    row.dueAt = dueAt(row);
    if (row.dueAt !== Number.POSITIVE_INFINITY) this.due.push(row);
  }

  /** Nothing is left to do for the row: its conversation goes on. */
  settle(row: Row, at: Millis): void {
    this.#remove(row);
    row.phase = "settled";
    row.since = at;
    row.content = null;
    this.remember(row);
    this.#forget();
  }

  /** The conversation belongs to another seat now. What is under way stays until its fact comes, and then has to `leave`. */
  depart(id: ConversationId): void {
    if (this.#reading) this.#departed.add(id);
    const conversation = this.#conversations.get(id);
    if (!conversation) return;
    conversation.parkedFrom = null;
    this.#hungry.delete(conversation);
    for (const row of conversation.rows.filter((each) => !isUnderWay(each))) this.#remove(row);
    for (const row of conversation.rows) row.isLeaving = true;
  }

  /** Forgets a row that another seat has now. The conversation may have come back meanwhile: the store knows. */
  leave(row: Row): void {
    this.#remove(row);
    this.rewind();
  }

  /** Forgets the oldest settled rows that no read under way can bring back. */
  #forget(): void {
    if (this.#reading) return;
    while (this.#settled.length - this.#forgotten > this.#limits.remember) {
      const row = this.#settled[this.#forgotten] as Row;
      if (row.unrecorded > 0) break;
      this.#forgotten++;
      if (this.#rows.get(row.id) !== row) continue;
      this.#rows.delete(row.id);
      this.#byWaId.delete(row.waId);
    }
    if (this.#forgotten > this.#limits.remember) {
      this.#settled = this.#settled.slice(this.#forgotten);
      this.#forgotten = 0;
    }
  }

  #remove(row: Row): void {
    const { conversation } = row;
    const place = conversation.rows.indexOf(row);
    if (place < 0) return;
    conversation.rows.splice(place, 1);
    this.#rows.delete(row.id);
    this.#byWaId.delete(row.waId);
    this.#ahead.delete(row);
    this.due.remove(row);
    if (isCounted(row)) this.#count--;
    if (place === 0) this.ready.remove(conversation);
    this.#review(conversation);
  }

  /** What the first row of the conversation allows now. */
  #review(conversation: Conversation): void {
    const first = conversation.rows[0];
    const { parkedFrom } = conversation;
    const isFirst = first !== undefined && (parkedFrom === null || first.seq < parkedFrom);
    const mayGoOn = isFirst && !this.#ahead.has(first) && conversation.yielded === null;
    if (first?.phase !== "ready" || !mayGoOn) this.ready.remove(conversation);
    else if (conversation.slot < 0) {
      conversation.rank = rankOf(first, this.#limits.agingPerLevel);
      conversation.rankSeq = first.seq;
      this.ready.push(conversation);
    }
    const isShut = first !== undefined && isBlocking(first);
    if (isShut && !conversation.isShut) this.#park(conversation, first.seq);
    conversation.isShut = isShut;
    const isFilled = isFirst && conversation.rows.length > this.#limits.perConversation >> 2;
    if (conversation.parkedFrom === null) this.#drop(conversation);
    else if ((isShut && isFirst) || isFilled) this.#hungry.delete(conversation);
    else this.#hungry.add(conversation);
  }

  /** Leaves the rows after `seq` in the store, but for those that are more here than there. */
  #park(conversation: Conversation, seq: number): void {
    for (let place = conversation.rows.length - 1; place >= 0; place--) {
      const row = conversation.rows[place] as Row;
      if (row.seq <= seq || row.phase !== "ready" || row.unrecorded > 0) continue;
      if (place === 0) this.ready.remove(conversation);
      conversation.rows.splice(place, 1);
      this.#rows.delete(row.id);
      this.#byWaId.delete(row.waId);
      this.#ahead.delete(row);
      this.due.remove(row);
      this.#count--;
      conversation.parkedFrom = Math.min(conversation.parkedFrom ?? row.seq, row.seq);
    }
  }

  #drop(conversation: Conversation): void {
    if (conversation.rows.length === 0 && conversation.parkedFrom === null) this.#conversations.delete(conversation.id);
  }
}

/** The highest priority. */
const MOST_URGENT = 9;

/** Rows that block a shut conversation are kept beside the limit: they may wait for days, and must not stop the others. */
const isCounted = (row: Row): boolean =>
  row.phase !== "held" &&
  row.phase !== "releasing" &&
  row.phase !== "rerouting" &&
  row.phase !== "capped" &&
  row.phase !== "settled";

/** Preparations that fail this often in a row make the conversation leave the others their room. */
const PATIENCE = 2;

const isBlocking = (row: Row): boolean =>
  row.phase === "held" ||
  row.phase === "releasing" ||
  row.phase === "rerouting" ||
  row.phase === "capped" ||
  (row.phase === "delayed" && row.tries >= PATIENCE);

const dueAt = (row: Row): Millis => {
  switch (row.phase) {
    case "ready":
    case "held":
    case "releasing":
    case "capped":
      return row.expiresAt ?? Number.POSITIVE_INFINITY;
    case "rerouting":
      // Its conversation may be another seat's by now: nothing of it goes on before the answer.
      return row.askedAs === null ? (row.expiresAt ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
    case "delayed":
      return Math.min(row.wakeAt, row.expiresAt ?? Number.POSITIVE_INFINITY);
    case "unanswered":
      // Proof may come while it is resolved: then it is not failed for being late.
      return row.wakeAt === Number.POSITIVE_INFINITY ? (row.expiresAt ?? Number.POSITIVE_INFINITY) : row.wakeAt;
    default:
      return Number.POSITIVE_INFINITY;
  }
};
