/**
 * A small world around one seat's queue: a store, connections, WhatsApp and a roster, each doing the next thing only when the
 * schedule says so. It knows the ground truth, and throws at the first thing that must never happen.
 */
import type { ConnectionCommand } from "../../machines/ports/connection.ts";
import {
  accountOf,
  type AccountId,
  type ContactId,
  type ConversationId,
  type DeviceId,
  type LineId,
  type MessageId,
  type SeatId,
  type SeatTerm,
  type WaId,
} from "../../machines/ports/ids.ts";
import {
  trafficSlot,
  type AttemptRow,
  type OutboxChange,
  type OutboxRow,
  type StoreAnswer,
  type TrafficSlot,
} from "../../machines/ports/store.ts";
import type { Effect, QueueEvent, Step } from "../../machines/protocol.ts";
import { isMoreCertain, isOpen, isProved, mayBecome } from "../../machines/delivery/outbox-state.ts";
import { Allowance, type Caps } from "../../machines/delivery/caps.ts";
import { queue, type SeatQueue } from "../../machines/delivery/queue.ts";
import type { QueueInput } from "../../machines/delivery/queue-config.ts";

type Send = Extract<ConnectionCommand, { op: "send" }>;
type Ask = Extract<Effect, { op: "store" }>["ask"];
type Unstamped<T> = T extends unknown ? Omit<T, "at"> : never;

export const SEAT = "line/a" as SeatId;
const OTHER = "line/b" as SeatId;
/** Two twins and another number. */
export const DEVICES = ["a/1", "a/2", "b/1"] as DeviceId[];

/** One send that a connection was asked for. */
interface Job {
  readonly send: Send;
  readonly life: number;
  readonly at: number;
  stage: "asked" | "committed";
  /** Its link has ended: it can't leave any more, whenever that is said. */
  isOver: boolean;
}
/** A frame that passed the gate, and what WhatsApp has yet to say about it. */
interface Wish {
  readonly conversation: ConversationId;
  readonly message: MessageId;
  readonly unlessWarm: AccountId | null;
  readonly as?: "new" | "full";
  /** What the queue says: that it looks for another seat, or has let the conversation go. */
  readonly type: "reroute.request" | "conversation.yielded";
}
interface Frame {
  readonly send: Send;
  answered: boolean;
  refused: boolean;
}

/** What the queue was told about a message, and so must act upon. */
interface Truth {
  /** Decided for good, or somebody else's: later messages of the conversation may go. */
  over: boolean;
  proved: boolean;
  /** Attempts that passed the gate under which device; null once it is known that WhatsApp refused it. */
  readonly passed: Map<number, DeviceId>;
  /** The attempt under way, as far as the queue may know. */
  pending: number | null;
  readonly refusedBy: Set<AccountId>;
  /** Of the attempts whose keys were committed. */
  highest: number;
  released: boolean;
  /** The queue must reckon with it: it was offered, or taken from the store, or accepted before the queue began. */
  known: boolean;
}

export class World {
  now = 1000;
  readonly rows = new Map<MessageId, OutboxRow>();
  readonly truths = new Map<MessageId, Truth>();
  readonly log: string[] = [];
  /** Every frame that was written. */
  readonly wire: Send[] = [];
  readonly moved = new Set<ConversationId>();
  #asks: Ask[] = [];
  #jobs: Job[] = [];
  #frames: Frame[] = [];
  #reroutes: Wish[] = [];
  /** Of which the queue was told. */
  readonly #restricted = new Set<AccountId>();
  /** "conversation account": the contact knows the number. */
  readonly #warm = new Set<string>();
  readonly #input: QueueInput;
  /** Facts may come after the queue has given up waiting for them: then it may try again while an attempt is under way. */
  readonly #areFactsLate: boolean;
  #queue: SeatQueue;
  #wakeAt: number | null = null;
  #seq = 0;
  #term = 0;
  #life = 0;
  #open: DeviceId | null = null;
  /** Devices whose link is up. */
  readonly #up = new Set(DEVICES);
  resolved = 0;
  drained = 0;
  mostInMemory = 0;
  mostUnderWay = 0;
  readonly handedOver: { at: number; account: AccountId; message: MessageId }[] = [];
  /** Frames to people whom the account had not spoken to, and when they were handed over. */
  readonly openings: { at: number; account: AccountId; conversation: ConversationId }[] = [];
  readonly #spoken = new Set<string>();
  /** Conversations that went to another seat to even out what waits, and refusals of the queue to let one go. */
  evened = 0;
  kept: string[] = [];
  readonly #caps: Readonly<Record<string, Caps>>;
  /** What the store knows of it. */
  readonly #traffic = new Map<AccountId, Map<number, TrafficSlot>>();

  constructor(
    input: QueueInput,
    { areFactsLate = false, caps = {} }: { readonly areFactsLate?: boolean; readonly caps?: Readonly<Record<string, Caps>> } = {},
  ) {
    this.#input = input;
    this.#caps = caps;
    this.#areFactsLate = areFactsLate;
    this.#queue = undefined as unknown as SeatQueue;
    this.#start();
  }

  get view(): SeatQueue["view"] {
    return this.#queue.view;
  }
  get pendingAsks(): readonly Ask[] {
    return this.#asks;
  }
  get holder(): DeviceId | null {
    return this.#open;
  }
  get jobs(): readonly Job[] {
    return this.#jobs;
  }
  state(id: string): OutboxRow {
    return this.rows.get(id as MessageId) as OutboxRow;
  }

  // ---- what a schedule may do ----

  accept(conversation: number, priority = 5, lasts: number | null = null, offer = true): OutboxRow {
    const seq = ++this.#seq;
    const row: OutboxRow = {
      id: `m${seq}` as MessageId,
      waId: `w${seq}` as WaId,
      line: "line" as LineId,
      seat: this.moved.has(name(conversation)) ? OTHER : SEAT,
      conversation: name(conversation),
      contact: `c:${conversation}` as ContactId,
      content: { kind: "text", text: "" },
      priority,
      expiresAt: lasts === null ? null : this.now + lasts,
      idempotencyKey: null,
      acceptedAt: this.now,
      seq,
      state: "accepted",
      reason: null,
      attempts: [],
    };
    const isFirst = ![...this.rows.values()].some((each) => each.conversation === row.conversation && isUnsettled(each));
    this.rows.set(row.id, row);
    this.truths.set(row.id, {
      over: false,
      proved: false,
      passed: new Map(),
      pending: null,
      refusedBy: new Set(),
      highest: 0,
      released: false,
      known: offer,
    });
    if (row.seat === SEAT && offer) this.tell({ type: "queue.offer", rows: [{ ...row, isFirst }] });
    return row;
  }

  /** Moves the seat to a device under a new term, or opens it again under the same one. */
  open(device: DeviceId, resolveFor = 1000, again = false): void {
    const isSame = this.#open === device && again;
    if (!isSame) {
      if (this.#open) this.close();
      this.#term++;
    }
    this.#open = device;
    this.#up.add(device);
    this.tell({ type: "queue.open", device, account: accountOf(device), term: this.#term as SeatTerm, resolveFor });
  }

  close(): void {
    const was = this.#open;
    this.#open = null;
    if (was) this.#lost(was);
    this.tell({ type: "queue.close" });
  }

  /** Frames that were written may or may not have arrived; nothing more is heard on that link. */
  linkLost(): void {
    const device = this.#open;
    if (!device) return;
    this.#up.delete(device);
    if (this.#areFactsLate) this.#endJobs(device);
    this.#lost(device);
    for (const frame of this.#frames) if (frame.send.device === device) frame.answered = true;
    this.tell({ type: "link.lost", device });
  }

  linkBack(device: DeviceId): void {
    this.#up.add(device);
  }

  drain(): void {
    this.tell({ type: "queue.drain" });
  }

  /** The process dies: what was asked and not yet done is gone. What was committed stays. */
  crash(): void {
    this.#life++;
    this.#asks = [];
    this.#jobs = [];
    this.#reroutes = [];
    this.#open = null;
    for (const frame of this.#frames) frame.answered = true;
    for (const truth of this.truths.values()) truth.pending = null;
    for (const row of this.rows.values()) {
      const truth = this.truth(row.id);
      // What the dead queue knew and had not written down, the new one can't know.
      truth.proved = isProved(row.state);
      truth.over = !isOpen(row.state) && row.state !== "held";
      truth.known = true;
      truth.released =
        row.state === "accepted" &&
        row.attempts.some(({ outcome }) => outcome === "unanswered") &&
        row.attempts.every(({ outcome }) => outcome !== "pending");
      truth.refusedBy.clear();
      truth.highest = 0;
      for (const attempt of row.attempts) {
        truth.highest = Math.max(truth.highest, attempt.number);
        if (attempt.outcome === "refused") truth.refusedBy.add(accountOf(attempt.device));
      }
    }
    this.#start();
    for (const account of this.#restricted) this.tell({ type: "account.restricted", account, restricted: true });
  }

  /** The store does the oldest thing it was asked. */
  store(fate: "ok" | "failed" | "lost"): void {
    const ask = this.#asks.shift();
    if (!ask) return;
    const answer = { op: ask.op, reqId: "", at: this.now } as object;
    const out = fate === "failed" ? null : this.#carryOut(ask);
    const said = fate === "ok" && out ? out : { kind: "failed", cause: fate === "lost" ? "lost" : "io", message: "" };
    this.tell({ type: `store.${said.kind}`, answer: { ...answer, ...said } } as unknown as QueueEvent);
  }

  /** A connection goes on with one of its jobs: commits the keys, then writes the frame. Or says why not. */
  connection(pick: number, fate: "go" | "closed" | "store" | "lookup" | "unpreparable"): void {
    const job = choose(this.#jobs, pick);
    if (!job) return;
    const { send } = job;
    const isUp = this.#up.has(send.device);
    if (!isUp || job.isOver || (fate === "closed" && job.stage === "asked")) return this.#unsent(job, "closed");
    if (fate === "store" || fate === "lookup" || fate === "unpreparable") {
      if (job.stage === "asked") return this.#unsent(job, fate);
    }
    if (send.device !== this.#open || send.term !== this.#term) return this.#unsent(job, "stale");
    if (job.stage === "asked") {
      if (!this.#commit(send)) return this.#unsent(job, "stale");
      this.truth(send.message).highest = send.attempt;
      job.stage = "committed";
      return;
    }
    this.#jobs = this.#jobs.filter((each) => each !== job);
    this.wire.push(send);
    this.#speak(job);
    this.#frames.push({ send, answered: false, refused: false });
    this.truth(send.message).passed.set(send.attempt, send.device);
    if (this.truth(send.message).pending === send.attempt && !this.#isHeard(send)) this.truth(send.message).pending = null;
    this.tell({ type: "sent", device: send.device, message: send.message, attempt: send.attempt });
  }

  /** WhatsApp says something about a frame, or nothing ever (the frame, or its ack, is lost). */
  whatsapp(pick: number, says: "ack" | "copy" | "delivered" | "read" | "nothing" | 463 | 479): void {
    const open = this.#frames.filter(({ answered }) => !answered);
    const isLate = says === "copy" || says === "delivered" || says === "read";
    const frame = choose(isLate ? this.#frames.filter(({ refused }) => !refused) : open, pick);
    if (!frame) return;
    const { waId, message, device, attempt } = frame.send;
    frame.answered = true;
    if (says === "nothing") return;
    const truth = this.truth(message);
    const phase = this.#queue.phaseOf(message);
    const isAsked = phase === undefined || phase === "asked" || phase === "orphaned";
    if (typeof says === "number") {
      frame.refused = true;
      truth.passed.delete(attempt);
      // An attempt that is under way on another device gets an answer of its own.
      const isElsewhere = truth.pending !== null && (truth.passed.get(truth.pending) ?? device) !== device;
      if (truth.pending === attempt) truth.pending = null;
      if (says === 463) truth.refusedBy.add(accountOf(device));
      else if (!truth.proved && !isAsked && !isElsewhere) truth.over = true;
      return this.tell({ type: "refused", device, waId, code: says });
    }
    truth.proved = true;
    truth.over = true;
    truth.pending = null;
    this.#warm.add(`${this.state(message).conversation} ${accountOf(device)}`);
    if (says === "ack" || says === "copy") return this.tell({ type: "proved", waId, by: says, receipt: null });
    this.tell({ type: "proved", waId, by: "receipt", receipt: says });
  }

  restrict(account: AccountId, restricted: boolean): void {
    if (restricted) this.#restricted.add(account);
    else this.#restricted.delete(account);
    this.tell({ type: "account.restricted", account, restricted });
  }

  /** The contact writes to the account. */
  warm(conversation: number, account: AccountId): void {
    this.#warm.add(`${name(conversation)} ${account}`);
  }

  /** The roster answers the oldest wish for another seat. */
  reroute(finds: "seat" | "nobody" | "store"): void {
    const wish = this.#reroutes.shift();
    if (!wish) return;
    const { conversation, message, unlessWarm, as } = wish;
    if (finds === "store") return this.tell({ type: "notRerouted", message, why: "store" });
    if (wish.type === "conversation.yielded") return this.#decide(wish, finds);
    if (unlessWarm && this.#warm.has(`${conversation} ${unlessWarm}`))
      return this.tell({ type: "notRerouted", message, why: "warm" });
    if (as === "new") return this.tell({ type: "notRerouted", message, why: "cold" });
    const isKnown = ["a", "b"].some((account) => this.#warm.has(`${conversation} ${account}`));
    if (as === "full" && (finds === "nobody" || isKnown)) return this.tell({ type: "notRerouted", message, why: "nobody" });
    const holder = this.#open && accountOf(this.#open);
    if (finds === "seat") return this.#assign(wish);
    const isBarred = holder !== null && unlessWarm === holder && this.#restricted.has(holder);
    if (isBarred || (holder && this.truth(message).refusedBy.has(holder))) this.truth(message).over = true;
    this.tell({ type: "notRerouted", message, why: "nobody" });
  }

  /** The roster wishes that it goes to another seat. */
  yield(conversation: number): void {
    this.tell({ type: "conversation.yield", conversation: name(conversation) });
  }

  #decide(wish: Wish, finds: "seat" | "nobody"): void {
    const { conversation, message } = wish;
    const isKnown = ["a", "b"].some((account) => this.#warm.has(`${conversation} ${account}`));
    if (isKnown || finds === "nobody") return this.tell({ type: "notRerouted", message, why: isKnown ? "known" : "nobody" });
    const spoken = [...this.rows.values()].filter(
      (row) => row.conversation === conversation && this.truth(row.id).passed.size > 0,
    );
    // A new life of the queue does not know what came of what was given up.
    const unsure = this.#life > 0 ? spoken.filter(({ state }) => state !== "failed") : spoken;
    if (unsure.length > 0) throw new Error(`${conversation} goes to another number, and has heard from this one`);
    this.evened++;
    this.#assign(wish);
  }

  #assign({ conversation, message }: Wish): void {
    this.moved.add(conversation);
    for (const row of this.rows.values()) {
      if (row.conversation !== conversation || (!isOpen(row.state) && row.state !== "held")) continue;
      this.#put({ ...row, seat: OTHER });
      this.truth(row.id).over = true;
    }
    this.tell({ type: "rerouted", conversation, message, to: OTHER });
  }

  operator(pick: number, word: "release" | "fail"): void {
    const row = choose(
      [...this.rows.values()].filter(({ state, seat }) => state === "held" && seat === SEAT),
      pick,
    );
    if (!row) return;
    const truth = this.truth(row.id);
    if (this.#queue.phaseOf(row.id) === "held") {
      if (word === "release") truth.released = true;
      else truth.over = true;
    }
    this.tell(word === "release" ? { type: "held.release", message: row.id } : { type: "held.fail", message: row.id });
  }

  reload(): void {
    this.tell({ type: "queue.reload" });
  }

  advance(by: number): void {
    const until = this.now + by;
    while (this.#wakeAt !== null && this.#wakeAt <= until) {
      const woke = this.#wakeAt;
      this.now = Math.max(this.now, woke);
      this.tell({ type: "wake" });
      if (this.#wakeAt !== null && this.#wakeAt <= this.now && this.#wakeAt <= woke) throw new Error("woken in vain");
    }
    this.now = until;
  }

  // ---- the world from now on is kind: everything must come to an end ----

  heal(device: DeviceId, rounds = 2000): void {
    for (const frame of this.#frames) if (frame.send.device !== device || device !== this.#open) frame.answered = true;
    this.open(device);
    for (let round = 0; round < rounds; round++) {
      if (this.#goOn()) continue;
      if (this.#wakeAt !== null) this.advance(Math.max(1, this.#wakeAt - this.now));
      else if (this.#asks.length === 0) return;
    }
    throw new Error(`no end: ${this.unfinished().length} unfinished`);
  }

  /** All that can be done without waiting. */
  settle(finds: "seat" | "nobody" = "nobody"): void {
    while (this.#goOn(finds));
  }

  #goOn(finds: "seat" | "nobody" = "nobody"): boolean {
    while (this.#asks.length > 0) this.store("ok");
    if (this.#jobs.length > 0) this.connection(0, "go");
    else if (this.#reroutes.length > 0) this.reroute(finds);
    else if (this.#frames.some(({ answered }) => !answered)) this.whatsapp(0, "ack");
    else return this.#asks.length > 0;
    return true;
  }

  /** Open rows that nobody's word is awaited for: what is held blocks its conversation. */
  unfinished(): readonly OutboxRow[] {
    const ours = [...this.rows.values()].filter(({ seat }) => seat === SEAT);
    const isBlocked = (row: OutboxRow): boolean =>
      ours.some(({ conversation, seq, state }) => conversation === row.conversation && seq < row.seq && state === "held");
    return ours.filter((row) => isOpen(row.state) && !isBlocked(row));
  }

  // ---- inside ----

  truth(id: MessageId): Truth {
    const truth = this.truths.get(id);
    if (!truth) throw new Error(`${id} was never accepted`);
    return truth;
  }

  tell(event: Unstamped<QueueEvent> | QueueEvent): void {
    const stamped = { ...event, at: this.now } as QueueEvent;
    this.log.push(JSON.stringify(stamped));
    this.#took(queue.receive(this.#queue, stamped));
  }

  #start(): void {
    const traffic = (Object.keys(this.#caps) as AccountId[]).map((account) => ({
      account,
      linkedAt: 0,
      slots: [...(this.#traffic.get(account)?.values() ?? [])],
    }));
    this.#took(queue.start({ ...this.#input, allowance: new Allowance(this.#caps, traffic) }, this.now));
  }

  #speak({ send, at }: Job): void {
    const { conversation } = this.state(send.message);
    const account = accountOf(send.device);
    const pair = `${conversation} ${account}`;
    if (!this.#warm.has(pair) && !this.#spoken.has(pair)) this.openings.push({ at, account, conversation });
    this.#spoken.add(pair);
  }

  #took(step: Step<SeatQueue>): void {
    this.#queue = step.state;
    this.#wakeAt = step.wakeAt;
    for (const [id, truth] of this.truths) truth.known ||= step.state.phaseOf(id) !== undefined;
    this.mostInMemory = Math.max(this.mostInMemory, step.state.view.inMemory);
    this.mostUnderWay = Math.max(this.mostUnderWay, step.state.view.underWay);
    for (const effect of step.effects ?? []) {
      this.log.push(JSON.stringify(effect));
      if (effect.op === "store") this.#asks.push(effect.ask);
      else if (effect.op === "connection" && effect.command.op === "send") this.#sends(effect.command);
      else if (effect.op === "tell") this.#tells(effect.to, effect.event);
    }
  }

  #tells(to: string, event: { type: string }): void {
    if (event.type === "queue.resolved") this.resolved++;
    if (event.type === "queue.drained") this.drained++;
    if (event.type === "redial.request") {
      // The device may hold other seats: its link ends only if it reports nothing.
      if (!this.#areFactsLate) throw new Error(`a link that reports what it does is dialled anew: ${to}`);
      this.#endJobs(to.slice("connection:".length));
    }
    if (event.type === "conversation.kept") this.kept.push((event as unknown as { why: string }).why);
    else if (to === "roster") this.#reroutes.push(event as unknown as Wish);
  }

  #endJobs(device: string): void {
    for (const job of this.#jobs) if (job.send.device === device) job.isOver = true;
  }

  #lost(device: DeviceId): void {
    for (const truth of this.truths.values()) {
      if (truth.pending !== null && truth.passed.get(truth.pending) === device) truth.pending = null;
    }
  }

  /** Whether an answer to the frame would still be awaited. */
  #isHeard(send: Send): boolean {
    return send.device === this.#open && this.#up.has(send.device);
  }

  #unsent(job: Job, why: "stale" | "closed" | "store" | "lookup" | "unpreparable"): void {
    this.#jobs = this.#jobs.filter((each) => each !== job);
    const { device, message, attempt } = job.send;
    const truth = this.truth(message);
    if (truth.pending === attempt) truth.pending = null;
    if (why === "unpreparable") truth.over = true;
    this.tell({ type: "unsent", device, message, attempt, why, detail: "" });
  }

  // ---- the laws, at the moment a message is handed over ----

  #sends(send: Send): void {
    const { message, attempt, device } = send;
    const row = this.state(message);
    const truth = this.truth(message);
    const account = accountOf(device);
    const broken = (law: string): never => {
      throw new Error(`${law}: ${message} attempt ${attempt} on ${device}`);
    };
    if (device !== this.#open || send.term !== this.#term) broken("handed to a device that does not hold the seat");
    if (row.seat !== SEAT) broken("another seat's message handed over");
    if (truth.proved) broken("a proved message handed over");
    if (truth.over) broken("a decided message handed over");
    if (row.expiresAt !== null && row.expiresAt <= this.now) broken("an expired message handed over");
    if (truth.pending !== null && !this.#areFactsLate) broken("a second attempt while one is under way");
    if (attempt <= truth.highest) broken("the number of a committed attempt used again");
    if (truth.refusedBy.has(account)) broken("a 463 tried again on the same account");
    if (this.#restricted.has(account) && !this.#warm.has(`${row.conversation} ${account}`))
      broken("a restricted account begins a conversation");
    for (const earlier of this.rows.values()) {
      if (earlier.conversation !== row.conversation || earlier.seq >= row.seq || earlier.seat !== SEAT) continue;
      const { over, known, refusedBy } = this.truth(earlier.id);
      const isExpired = earlier.expiresAt !== null && earlier.expiresAt <= this.now;
      // Two numbers may not write to them, and this is one of them: it is given up.
      const isRefused = refusedBy.size > 1 && refusedBy.has(account);
      if (known && !over && !isExpired && !isRefused) broken(`overtakes ${earlier.id} (${earlier.state}) of its conversation`);
    }
    const isElsewhere = [...truth.passed.values()].some((each) => accountOf(each) !== account);
    if (isElsewhere && (this.#input.whenNumberChanges ?? "hold") === "hold" && !truth.released) {
      broken("perhaps a duplicate from another number");
    }
    truth.pending = attempt;
    this.handedOver.push({ at: this.now, account, message });
    this.#jobs.push({ send, life: this.#life, at: this.now, stage: "asked", isOver: false });
  }

  // ---- the store ----

  #put(row: OutboxRow): void {
    this.rows.set(row.id, row);
  }

  #carryOut(ask: Ask): Pick<StoreAnswer, "kind"> {
    const all = [...this.rows.values()].filter(({ seat }) => seat === SEAT);
    switch (ask.op) {
      case "outbox.record":
        for (const change of ask.changes) this.#change(change);
        return { kind: "recorded" };
      case "outbox.open": {
        const rows = all.filter(({ state, seq }) => isOpen(state) && seq > ask.afterSeq);
        return { kind: "rows", rows: rows.slice(0, ask.limit), more: rows.length > ask.limit } as Pick<StoreAnswer, "kind">;
      }
      case "outbox.list": {
        const rows = all.filter(({ state }) => ask.states.includes(state));
        return { kind: "rows", rows: rows.slice(0, ask.limit), more: rows.length > ask.limit } as Pick<StoreAnswer, "kind">;
      }
      case "outbox.get": {
        const row = [...this.rows.values()].find(({ waId }) => "waId" in ask && waId === ask.waId) ?? null;
        return { kind: "row", row } as Pick<StoreAnswer, "kind">;
      }
      default:
        throw new Error(`a queue does not ask for ${ask.op}`);
    }
  }

  #change({ id, state, reason, attempt }: OutboxChange): void {
    const row = this.state(id);
    const attempts = row.attempts.map((each) =>
      attempt?.number === each.number && isMoreCertain(each.outcome, attempt.outcome)
        ? { ...each, outcome: attempt.outcome, detail: attempt.detail }
        : each,
    );
    this.#put(mayBecome(row.state, state) ? { ...row, state, reason, attempts } : { ...row, attempts });
  }

  /** keys.commit with the attempt: the row must still be open and the seat's. */
  #commit(send: Send): boolean {
    const row = this.state(send.message);
    if (!isOpen(row.state) || row.seat !== SEAT) return false;
    if (send.counts) this.#count(accountOf(send.device), send.counts.opens);
    const attempt: AttemptRow = {
      number: send.attempt,
      device: send.device,
      seatTerm: send.term,
      at: this.now,
      outcome: "pending",
      detail: null,
    };
    this.#put({
      ...row,
      state: "dispatched",
      attempts: [...row.attempts.filter(({ number }) => number !== send.attempt), attempt],
    });
    return true;
  }

  #count(account: AccountId, opens: boolean): void {
    const slots = this.#traffic.get(account) ?? new Map<number, TrafficSlot>();
    const slot = trafficSlot(this.now);
    const { messages, openings } = slots.get(slot) ?? { messages: 0, openings: 0 };
    slots.set(slot, { slot, messages: messages + 1, openings: openings + Number(opens) });
    this.#traffic.set(account, slots);
  }
}

const isUnsettled = ({ state }: OutboxRow): boolean => isOpen(state) || state === "held";
const name = (conversation: number): ConversationId => `line|c:${conversation}` as ConversationId;

const choose = <T>(list: readonly T[], pick: number): T | undefined => list[pick % Math.max(1, list.length)];
