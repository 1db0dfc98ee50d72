/**
 * The pump of one seat: takes its messages from the outbox, hands them to the holder's connection, and writes down what became
 * of them.
 *
 * Laws (test/delivery/laws.test.ts):
 * - what was accepted stays in the store until it is proved, failed with a reason, or held; nothing is decided twice;
 * - a message is handed over only when every earlier one of its conversation is proved, failed or gone to another seat;
 * - one attempt at a time per message; numbers grow (with gaps), and one that was committed is never used again;
 * - after an attempt that passed the gate, another follows only if that one is unanswered or refused to that account;
 * - what is proved is never handed over again; a 463 never again on that account;
 * - an account that is known to be restricted begins no conversation: not the seat counts, but the number that the contact knows.
 *
 * The order between conversations: by acceptance less `agingPerLevel` for each level of priority of the first message. So an
 * urgent one overtakes, and a message of priority p is overtaken only by what was accepted at most (9 - p) * agingPerLevel after
 * it: nobody starves. Messages that are not in the window yet take no part; the window fills in order of acceptance.
 *
 * Pacing counts what is handed over. An account has one bucket, whichever of its seats it speaks for; they take turns at it.
 * Caps (caps.ts) count the same, in hours and days. A new contact that an account has no room for goes to another seat, or waits
 * until there is; what is written to known ones passes by.
 *
 * The state is one mutable object: `receive` returns the same one. It draws nothing and reads no clock, so the same inputs give
 * the same effects.
 */
import { accountOf, type AccountId, type ConversationId, type DeviceId, type MessageId, type Millis } from "../ports/ids.ts";
import type { SeatId, SeatTerm, WaId } from "../ports/ids.ts";
import type { AttemptOutcome, OutboxRow } from "../ports/store.ts";
import { checkupOf, detectorOf, type Effect, type QueueEvent, type Reducer, type Step, tell } from "../protocol.ts";
import { Allowance } from "./caps.ts";
import { Lookups } from "./lookups.ts";
import { isProved } from "./outbox-state.ts";
import { stepOutbox, type OutboxEvent } from "./outbox.ts";
import { Buckets } from "./pace.ts";
import { Postponed } from "./postponed.ts";
import { QUEUE_DEFAULTS, type QueueConfig, type QueueInput } from "./queue-config.ts";
import { Recorder } from "./recorder.ts";
import { mayAnotherAccountTry, refusalReason, RESTRICTED } from "./refusals.ts";
import {
  type Conversation,
  emptyConversation,
  isUnderWay,
  lastDoubt,
  type Phase,
  type Proof,
  type Row,
  rowFrom,
} from "./window-row.ts";
import { Window } from "./window.ts";

type Sent = Extract<QueueEvent, { type: "sent" }>;
type Unsent = Extract<QueueEvent, { type: "unsent" }>;
type Refused = Extract<QueueEvent, { type: "refused" }>;
type Open = Extract<QueueEvent, { type: "queue.open" }>;

/** Who speaks for the seat, as long as the queue is open. */
interface Line {
  readonly device: DeviceId;
  readonly account: AccountId;
  readonly term: SeatTerm;
  readonly resolveFor: Millis;
  readonly resolveUntil: Millis;
  isResolved: boolean;
  isUp: boolean;
  /** When to try a lost link with one message. */
  retryAt: Millis;
}

const NEVER = Number.POSITIVE_INFINITY;
const DROPPABLE: ReadonlySet<Phase> = new Set<Phase>(["ready", "delayed", "held", "releasing", "capped"]);
const OWED: ReadonlySet<Phase> = new Set<Phase>(["ready", "delayed", "asked", "orphaned", "sent", "unanswered", "rerouting"]);

export class SeatQueue {
  readonly seat: SeatId;
  #config: QueueConfig;
  readonly #window: Window;
  readonly #recorder: Recorder;
  readonly #lookups: Lookups;
  readonly #buckets: Buckets;
  readonly #allowance: Allowance;
  readonly #postponed: Postponed;
  /** The latest that an account with a cap has spoken to. */
  readonly #known = new Map<ConversationId, AccountId>();
  /** Conversations of which something has left, the latest last. */
  readonly #spoken = new Set<ConversationId>();
  readonly #inquiring = new Set<Row>();
  #resumed: Row | null = null;
  readonly #asked = new Set<Row>();
  readonly #orphaned = new Set<Row>();
  readonly #sent = new Set<Row>();
  readonly #unanswered = new Set<Row>();
  readonly #restricted = new Set<AccountId>();
  #line: Line | null = null;
  #openings = 0;
  #drain: "no" | "wanted" | "told" = "no";
  /** Held rows are read first; nothing is sent before they are known. `limit` grows until all fit. */
  #held: { state: "wanted" | "asked" | "known"; limit: number } = { state: "wanted", limit: 1024 };
  #readFailures = 0;
  #readAt: Millis = 0;
  #lastProofAt: Millis = -1;
  #pacedUntil: Millis | null = null;
  #out: Effect[] = [];

  constructor(input: QueueInput, at: Millis) {
    this.seat = input.seat;
    const { buckets, allowance, ...config } = input;
    this.#config = { ...QUEUE_DEFAULTS, ...config };
    this.#window = new Window(this.#config);
    this.#recorder = new Recorder(this.#config.recordLimit, this.#config.recordBatch);
    this.#lookups = new Lookups(this.#config.lookups);
    this.#buckets = buckets ?? new Buckets(this.#config.pacing, at);
    this.#buckets.leaves(this.seat);
    this.#allowance = allowance ?? new Allowance({}, []);
    this.#postponed = new Postponed(
      this.#config.agingPerLevel,
      (row) => this.#window.get(row.id) === row && row.phase === "capped",
    );
  }

  /** For status and tests. */
  get view(): { holder: DeviceId | null; isUp: boolean; inMemory: number; underWay: number; unanswered: number; capped: number } {
    return {
      capped: this.#postponed.size,
      holder: this.#line?.device ?? null,
      isUp: this.#line?.isUp ?? false,
      inMemory: this.#window.count,
      underWay: this.#asked.size + this.#sent.size + this.#orphaned.size,
      unanswered: this.#unanswered.size,
    };
  }

  /**
   * What waits, by conversation, as far as it is in memory. `isBusy`: something is under way, unanswered or held. `hasBegun`: the
   * contact knows a number of the line, as far as the queue knows.
   */
  backlog(): { conversation: ConversationId; waiting: number; isBusy: boolean; hasBegun: boolean }[] {
    return [...this.#window.conversations].flatMap((conversation) => {
      const { id, rows } = conversation;
      const waiting = rows.filter(({ phase }) => phase === "ready" || phase === "delayed");
      const isBusy = waiting.length < rows.length || rows.some(({ doubts }) => doubts.length > 0);
      return waiting.length > 0
        ? [{ conversation: id, waiting: waiting.length, isBusy, hasBegun: this.#hasBegun(conversation) }]
        : [];
    });
  }

  /**
   * When the oldest message was accepted that could have had WhatsApp's word by now, as far as it is in memory: what is paced, capped
   * or held, or waits behind such a one, owes nobody an answer. Null: none.
   */
  owesSince(): Millis | null {
    const isPaced = this.#pacedUntil !== null;
    let oldest: Millis | null = null;
    for (const { rows } of this.#window.conversations) {
      const [first] = rows;
      if (!first || !OWED.has(first.phase) || (isPaced && first.phase === "ready")) continue;
      if (oldest === null || first.acceptedAt < oldest) oldest = first.acceptedAt;
    }
    return oldest;
  }

  /** Where a message stands, if it is in memory. */
  phaseOf(message: MessageId): Phase | undefined {
    return this.#window.get(message)?.phase;
  }

  step(event: QueueEvent): void {
    const { at } = event;
    this.#out = [];
    this.#take(event);
    this.#onDue(at);
    this.#resolve(at);
    this.#pump(at);
    this.#sayDrained();
    this.#askStore(at);
  }

  begin(at: Millis): void {
    this.#out = [];
    this.#askStore(at);
  }

  get effects(): readonly Effect[] {
    return this.#out;
  }

  #take(event: QueueEvent): void {
    const { at } = event;
    switch (event.type) {
      case "queue.open":
        return this.#open(event);
      case "queue.close":
        return this.#close(at);
      case "queue.drain":
        this.#drain = "wanted";
        return;
      case "queue.offer":
        for (const { conversation } of event.rows) this.#askAnew(conversation, at);
        return this.#arrived(this.#window.offer(event.rows, at), at);
      case "queue.reload":
        if (event.conversation) this.#window.come(event.conversation);
        if (event.isAnew) this.#forgetAsked(at);
        if (event.isAll) this.#window.distrust();
        this.#window.rewind(event.from);
        if (event.from === undefined) this.#held = { ...this.#held, state: "wanted" };
        return;
      case "queue.policy":
        this.#config = { ...this.#config, whenNumberChanges: event.whenNumberChanges };
        return;
      case "queue.clear":
        for (const { id } of this.#window.conversations) this.#depart(id);
        this.#window.distrust();
        this.#window.rewind();
        this.#held = { ...this.#held, state: "wanted" };
        return;
      case "conversation.coming":
        return this.#window.awaits(event.conversation);
      case "conversation.yield":
        return this.#yield(event.conversation, at);
      case "sent":
        return this.#onSent(event);
      case "unsent":
        return this.#onUnsent(event);
      case "proved":
        return this.#onProved(event.waId, event, at);
      case "refused":
        return this.#onRefused(event);
      case "link.lost":
        return this.#onLinkLost(event.device, at);
      case "rerouted":
        // The message may be settled and forgotten by now; its conversation has moved all the same.
        return this.#depart(event.conversation);
      case "notRerouted":
        return this.#onNotRerouted(event.message, event.why, at);
      case "account.restricted":
        if (event.restricted) this.#restricted.add(event.account);
        else this.#restricted.delete(event.account);
        return;
      case "held.release":
        return this.#release(event.message, at);
      case "held.fail": {
        const row = this.#window.get(event.message);
        if (row?.phase === "held") this.#fail(row, "failed by an operator", at);
        return;
      }
      case "message.cancelled":
        return this.#onCancelled(event.message, at);
      case "wake":
        return;
      case "store.recorded":
        for (const row of this.#recorder.done()) if (row.phase === "releasing") this.#window.move(row, "ready", at);
        return;
      case "store.rows":
        return event.answer.op === "outbox.list"
          ? this.#onHeld(event.answer.rows, event.answer.more, at)
          : this.#onPage(event.answer.rows, event.answer.more, at);
      case "store.row":
        return this.#onLookedUp(event.answer.row, at);
      case "store.failed":
        return this.#onStoreFailed(event.answer.op, at);
    }
  }

  // ---- who speaks ----

  #open(event: Open): void {
    const { device, account, term, resolveFor, at } = event;
    if (this.#line && this.#line.device !== device) this.#giveUpAll(this.#line.device, at);
    this.#buckets.leaves(this.seat);
    this.#openings++;
    this.#drain = "no";
    this.#line = {
      device,
      account,
      term,
      resolveFor,
      resolveUntil: at + resolveFor,
      isResolved: false,
      isUp: true,
      retryAt: NEVER,
    };
    for (const row of this.#unanswered) this.#window.wake(row, at + resolveFor);
    // Whom the one before did not know, this one may.
    for (const row of this.#postponed.all()) this.#window.move(row, "ready", at);
  }

  #close(at: Millis): void {
    if (this.#line) this.#giveUpAll(this.#line.device, at);
    this.#line = null;
    this.#buckets.leaves(this.seat);
    for (const row of this.#unanswered) this.#window.wake(row, NEVER);
  }

  #onLinkLost(device: DeviceId, at: Millis): void {
    this.#giveUpAll(device, at);
    if (this.#line?.device === device) this.#lineDown(this.#line, at);
  }

  #lineDown(line: Line, at: Millis): void {
    line.isUp = false;
    line.retryAt = at + this.#config.linkRetry;
    for (const row of this.#unanswered) this.#window.wake(row, NEVER);
  }

  /** A message passed the gate on a link that was believed lost. */
  #lineUp(line: Line, at: Millis): void {
    line.isUp = true;
    line.retryAt = NEVER;
    for (const row of this.#unanswered) this.#window.wake(row, at + line.resolveFor);
  }

  /** Nothing more will be heard on the device's link about what is under way, except whether it was sent. */
  #giveUpAll(device: DeviceId, at: Millis): void {
    for (const row of this.#sent) if (row.device === device) this.#giveUp(row, at);
    for (const row of this.#asked) if (row.device === device) this.#orphan(row, at);
  }

  #orphan(row: Row, at: Millis): void {
    this.#asked.delete(row);
    this.#window.move(row, "orphaned", at);
    this.#orphaned.add(row);
  }

  /** The attempt is unanswered. */
  #giveUp(row: Row, at: Millis): void {
    const wasSent = this.#sent.delete(row);
    if (wasSent && row.device) this.#out.push(tell(detectorOf(row.device), { type: "attempt.dropped", message: row.id }));
    this.#asked.delete(row);
    this.#orphaned.delete(row);
    if (row.device) row.doubts.push({ account: accountOf(row.device), number: row.attempt });
    row.approved = false;
    this.#record(row, { type: "attempt.lost" }, null, attempt(row.attempt, "unanswered", null));
    if (row.isLeaving) return this.#window.leave(row);
    this.#unanswered.add(row);
    const line = this.#line;
    this.#window.move(row, "unanswered", at, line?.isUp ? at + line.resolveFor : NEVER);
  }

  // ---- what comes in ----

  #onHeld(rows: readonly OutboxRow[], more: boolean, at: Millis): void {
    this.#readFailures = 0;
    if (more) {
      this.#held = { state: "wanted", limit: this.#held.limit * 2 };
      return;
    }
    this.#held.state = "known";
    this.#arrived(this.#window.adopt(rows, at), at);
  }

  #onPage(rows: readonly OutboxRow[], more: boolean, at: Millis): void {
    this.#readFailures = 0;
    this.#arrived(this.#window.page(rows, more, at), at);
  }

  #arrived(rows: readonly Row[], at: Millis): void {
    for (const row of rows) {
      if (row.phase === "unanswered") {
        this.#unanswered.add(row);
        if (this.#line?.isUp) this.#window.wake(row, Math.max(at, this.#line.resolveUntil));
        this.#writeDoubts(row);
      }
      const proof = this.#lookups.take(row.waId);
      if (proof) this.#prove(row, proof, at);
    }
  }

  #onStoreFailed(op: string, at: Millis): void {
    const backOff = (failures: number): Millis => this.#backOff(failures);
    if (op === "outbox.record") return this.#recorder.failed(at, backOff);
    if (op === "outbox.get") return this.#lookups.failed(at, backOff);
    if (op === "outbox.list") this.#held.state = "wanted";
    else this.#window.unread();
    this.#readAt = at + this.#backOff(++this.#readFailures);
  }

  #backOff(failures: number): Millis {
    return Math.min(this.#config.backOffLimit, this.#config.backOff * 2 ** Math.min(failures - 1, 20));
  }

  // ---- facts about attempts ----

  #onSent({ message, attempt: number, at }: Sent): void {
    const row = this.#window.get(message);
    if (!row || row.attempt !== number || !isPreparing(row)) return;
    row.tries = 0;
    if (row.proof) {
      // The one before may stay unanswered: that is why the phone may see two.
      this.#write(row, attempt(number, "acknowledged", row.proof.by));
      return this.#finish(row, at);
    }
    const line = this.#line;
    // Facts come in order: what is sent after the link was lost went out on the next one.
    if (line?.device !== row.device) return this.#giveUp(row, at);
    this.#asked.delete(row);
    this.#orphaned.delete(row);
    this.#sent.add(row);
    this.#spoke(row.conversation.id);
    this.#window.move(row, "sent", at);
    if (row.device) this.#out.push(tell(detectorOf(row.device), { type: "attempt.sent", message }));
    if (line && !line.isUp && row.opening === this.#openings) this.#lineUp(line, at);
  }

  #onUnsent({ message, attempt: number, why, detail, at }: Unsent): void {
    const row = this.#window.get(message);
    if (!row || row.attempt !== number) return;
    this.#takeBack(row);
    const outcome = attempt(number, "unsent", why);
    if (isUnderWay(row)) {
      this.#asked.delete(row);
      this.#orphaned.delete(row);
      this.#sent.delete(row);
      if (row.proof) {
        this.#write(row, outcome);
        this.#write(row, attempt(lastDoubt(row), "acknowledged", row.proof.by));
        return this.#finish(row, at);
      }
      this.#record(row, { type: "attempt.unsent", doubtful: row.doubts.length > 0 && !row.approved }, null, outcome);
    } else if (row.phase === "unanswered" && lastDoubt(row) === number) {
      // It had been waited for too long.
      this.#unanswered.delete(row);
      row.doubts.pop();
      if (row.doubts.length === 0) this.#record(row, { type: "attempt.unsent", doubtful: false }, null, outcome);
      else this.#write(row, outcome);
    } else return;
    this.#afterUnsent(row, why, detail, at);
  }

  #afterUnsent(row: Row, why: Unsent["why"], detail: string, at: Millis): void {
    if (row.isCancelled) return this.#window.settle(row, at);
    if (row.isLeaving) return this.#window.leave(row);
    const line = this.#line;
    const isCurrent = line !== null && row.opening === this.#openings && row.device === line.device;
    if (line && isCurrent && !line.isUp) line.retryAt = at + this.#config.linkRetry;
    switch (why) {
      case "stale":
        if (isCurrent && row.staleIn === this.#openings) {
          // Twice under one opening, so it is not the seat that was lost: the row is no longer ours, or not open. The store knows.
          this.#depart(row.conversation.id);
          return this.#window.leave(row);
        }
        row.staleIn = row.opening;
        if (line && isCurrent) this.#lineDown(line, at);
        return this.#window.move(row, "ready", at);
      case "closed":
        if (line && isCurrent) this.#lineDown(line, at);
        return this.#window.move(row, "ready", at);
      case "unpreparable":
        return this.#fail(row, `unpreparable: ${detail}`, at);
      case "store":
      case "lookup":
        row.tries++;
        if (why === "lookup" && row.tries >= this.#config.lookupLimit) {
          return this.#hold(row, `WhatsApp did not answer what is needed to encrypt (${row.tries} times): ${detail}`, at);
        }
        return this.#window.move(row, "delayed", at, at + this.#backOff(row.tries));
    }
  }

  #onProved(waId: WaId, { by, receipt }: Proof, at: Millis): void {
    const row = this.#window.byWaId(waId);
    if (row) this.#prove(row, { by, receipt }, at);
    else this.#lookups.add(waId, { by, receipt });
  }

  #onLookedUp(stored: OutboxRow | null, at: Millis): void {
    const lookup = this.#lookups.done();
    if (!lookup) return;
    let row = this.#window.byWaId(lookup.waId);
    if (!row) {
      if (!stored || stored.waId !== lookup.waId) return;
      row = rowFrom(stored, emptyConversation(stored.conversation), at);
      row.phase = "settled";
      row.content = null;
      this.#window.remember(row);
      this.#writeDoubts(row);
    }
    this.#prove(row, lookup.proof, at);
  }

  /** WhatsApp has the message, whichever attempt it was. */
  #prove(row: Row, proof: Proof, at: Millis): void {
    const wasSent = this.#sent.delete(row);
    if (wasSent) {
      this.#lastProofAt = at;
      if (row.device) {
        // A receipt may be about an earlier attempt, on another number.
        if (proof.by === "ack" || row.doubts.length === 0) this.#learn(row.conversation, accountOf(row.device));
        const event = { type: "attempt.answered", message: row.id, byAck: proof.by === "ack" } as const;
        this.#out.push(tell(detectorOf(row.device), event));
      }
    }
    const before = row.state;
    row.state = stepOutbox(before, { type: "attempt.proved", doubtful: row.doubts.length > 0 });
    if (proof.receipt) {
      row.state = stepOutbox(row.state, { type: proof.receipt === "read" ? "message.read" : "message.delivered" });
    }
    if (row.state !== before) {
      row.reason = null;
      const number = wasSent ? row.attempt : lastDoubt(row);
      const isKnown = number > 0 && !isProved(before) && !isPreparing(row);
      this.#write(row, isKnown ? attempt(number, "acknowledged", proof.by) : null);
    }
    if (row.phase === "settled") return;
    if (isPreparing(row)) {
      // What is being prepared can't be called back: its conversation waits until that is over.
      row.proof ??= proof;
      return;
    }
    this.#unanswered.delete(row);
    this.#inquiring.delete(row);
    this.#window.settle(row, at);
  }

  /** The attempt that was being prepared when proof of an earlier one came is over. */
  #finish(row: Row, at: Millis): void {
    this.#asked.delete(row);
    this.#orphaned.delete(row);
    this.#window.settle(row, at);
  }

  #onRefused({ device, waId, code, at }: Refused): void {
    const row = this.#window.byWaId(waId);
    if (!row || row.phase === "settled") return;
    const account = accountOf(device);
    const isAnswer = row.device === device && this.#sent.delete(row);
    const doubt = isAnswer ? undefined : takeDoubt(row, account);
    if (!isAnswer && !doubt) return;
    const outcome = attempt(doubt?.number ?? row.attempt, "refused", String(code));
    const isAboutAccount = mayAnotherAccountTry(code);
    if (isAboutAccount) {
      row.refusedBy.push(account);
      this.#out.push(tell(checkupOf(account), { type: "check.request" }));
    }
    if (isAnswer) {
      this.#lastProofAt = at;
      this.#out.push(tell(`detector:${device}`, { type: "attempt.answered", message: row.id, byAck: true }));
    } else if (isUnderWay(row)) {
      // About an earlier attempt; the one under way gets its own answer.
      return row.phase === "sent" ? this.#write(row, outcome) : undefined;
    }
    if (!isAboutAccount) return this.#fail(row, refusalReason(code), at, outcome);
    const isDoubtful = row.doubts.length > 0;
    if (!isAnswer && isDoubtful) return this.#write(row, outcome);
    this.#record(row, { type: "attempt.refused", doubtful: isDoubtful }, refusalReason(code), outcome);
    if (row.isLeaving) return this.#window.leave(row);
    if (row.phase === "rerouting" || row.phase === "releasing") return;
    this.#unanswered.delete(row);
    // What was held is handed over only once the store knows that it no longer is. The pump asks for another seat if it must.
    this.#window.move(row, row.phase === "held" ? "releasing" : "ready", at);
  }

  // ---- what becomes of a message ----

  /** `unlessWarm`: the account is restricted, but may write where it has written before. Otherwise it was refused. */
  #reroute(row: Row, account: AccountId, { unlessWarm }: { readonly unlessWarm: boolean }, at: Millis): void {
    row.askedFor = account;
    row.askedAs = null;
    this.#window.move(row, "rerouting", at);
    const { id: conversation } = row.conversation;
    this.#out.push(
      tell("roster", {
        type: "reroute.request",
        seat: this.seat,
        conversation,
        message: row.id,
        unlessWarm: unlessWarm ? account : null,
      }),
    );
  }

  /** What was asked for one account says nothing about another that speaks by now: then it is asked again. */
  #onNotRerouted(message: MessageId, why: Extract<QueueEvent, { type: "notRerouted" }>["why"], at: Millis): void {
    const row = this.#window.get(message);
    if (row?.phase !== "rerouting") return;
    this.#inquiring.delete(row);
    if (row.conversation.yielded === row) this.#window.stays(row, at);
    const line = this.#line;
    const isFinal = why === "nobody" && line !== null && row.askedFor === line.account && row.askedAs === null;
    if (why === "warm" && row.askedFor !== null) this.#learn(row.conversation, row.askedFor);
    else if (why === "known") row.conversation.hasBegun = true;
    else if ((row.askedAs === "new" || row.askedAs === "full") && why !== "store" && row.askedFor !== null)
      row.conversation.cold = { on: row.askedFor, at };
    if (row.askedAs === "full" && why === "nobody") row.cappedOn = row.askedFor;
    if (why === "store") this.#window.move(row, "delayed", at, at + this.#backOff(++row.tries));
    else if (isFinal && row.refusedBy.includes(line.account)) this.#fail(row, refusalReason(463), at);
    else if (isFinal && this.#mayNotBegin(row, line)) this.#fail(row, RESTRICTED, at);
    else this.#window.move(row, "ready", at);
  }

  /** The account is restricted, and the contact has not heard from it, or nobody knows. */
  #mayNotBegin(row: Row, { account }: Line): boolean {
    return this.#restricted.has(account) && row.conversation.warmOn !== account;
  }

  /** Whoever was asked knows of it no more. */
  #forgetAsked(at: Millis): void {
    this.#window.comeAll();
    this.#inquiring.clear();
    for (const { rows } of this.#window.conversations) {
      for (const row of rows) if (row.phase === "rerouting") this.#window.stays(row, at);
    }
  }

  // ---- sharing out again ----

  /**
   * The conversation stands still from here on until the roster says what became of it, however long that takes: whatever left in
   * the meantime would come from another number than what follows.
   */
  #yield(conversation: ConversationId, at: Millis): void {
    const row = this.#window.firstOf(conversation);
    const why = this.#whyKept(row);
    if (!row || why) {
      this.#out.push(tell("roster", { type: "conversation.kept", conversation, why: why ?? "nothing of it waits here" }));
      return;
    }
    row.askedFor = this.#line?.account ?? null;
    row.askedAs = "rebalance";
    this.#window.yields(row, at);
    const { id: message, seq } = row;
    this.#out.push(tell("roster", { type: "conversation.yielded", seat: this.seat, conversation, message, seq }));
  }

  #whyKept(row: Row | undefined): string | null {
    if (row === undefined) return "nothing of it waits here";
    const { conversation } = row;
    if (this.#held.state !== "known" || conversation.slot < 0) return "it is not its turn, or not known whether it is";
    if (conversation.rows.some(({ doubts, phase }) => doubts.length > 0 || phase !== "ready"))
      return "something of it is under way";
    if (conversation.rows.some(({ refusedBy }) => refusedBy.length > 0)) return "WhatsApp has refused it to a number of the line";
    if (this.#recorder.concerns(conversation.id)) return "something of it is being written down";
    if (isGroup(row)) return "it is a group, and the other number may be no member";
    return this.#hasBegun(conversation) ? "its contact knows a number of the line" : null;
  }

  #hasBegun({ id, hasBegun, warmOn, openedOn }: Conversation): boolean {
    return hasBegun || warmOn !== null || openedOn !== null || this.#spoken.has(id);
  }

  /** Something of it has left: whether or not that is ever proved. */
  #spoke(conversation: ConversationId): void {
    this.#spoken.add(conversation);
    if (this.#spoken.size > this.#config.known) this.#spoken.delete(this.#spoken.values().next().value as ConversationId);
  }

  // ---- caps ----

  /** The contact is new to an account with a cap, as far as is known. */
  #isOpening(row: Row, account: AccountId): boolean {
    const { warmOn, openedOn, id } = row.conversation;
    const isKnown = warmOn === account || openedOn === account || this.#known.get(id) === account;
    return this.#allowance.isCounted(account) && !isKnown && !isGroup(row);
  }

  /** It was asked a moment ago. The contact may have written since. */
  #isKnownCold({ conversation: { cold } }: Row, account: AccountId, at: Millis): boolean {
    return cold?.on === account && at - cold.at < this.#config.coldFor;
  }

  #learn(conversation: Conversation, account: AccountId): void {
    conversation.warmOn = account;
    if (!this.#allowance.isCounted(account)) return;
    this.#known.delete(conversation.id);
    this.#known.set(conversation.id, account);
    if (this.#known.size > this.#config.known) this.#known.delete(this.#known.keys().next().value as ConversationId);
  }

  /** Only the store knows whom the account has spoken to. False: enough is asked already. */
  #inquire(row: Row, account: AccountId, at: Millis): boolean {
    if (this.#inquiring.size >= this.#config.inquiries) return false;
    const as = this.#allowance.nextAt(account, true, at) > at ? "full" : "new";
    row.askedFor = account;
    row.askedAs = as;
    this.#inquiring.add(row);
    this.#window.move(row, "rerouting", at);
    const { id: conversation } = row.conversation;
    this.#out.push(
      tell("roster", { type: "reroute.request", seat: this.seat, conversation, message: row.id, unlessWarm: account, as }),
    );
    return true;
  }

  /** Something new for a conversation that waits for room: perhaps because the contact has written. */
  #askAnew(id: ConversationId, at: Millis): void {
    const row = this.#postponed.size > 0 ? this.#window.firstOf(id) : undefined;
    if (row?.phase !== "capped") return;
    row.conversation.cold = null;
    row.cappedOn = null;
    this.#window.move(row, "ready", at);
  }

  /** The first of those that wait, as soon as there is room for it. */
  #resume(account: AccountId, at: Millis): void {
    if (this.#postponed.size === 0 || this.#resumed?.phase === "ready") return;
    if (this.#allowance.nextAt(account, true, at) > at) return;
    this.#resumed = this.#postponed.next() ?? null;
    if (this.#resumed) this.#window.move(this.#resumed, "ready", at);
  }

  #takeBack(row: Row): void {
    if (!row.counted) return;
    const { account, opens, at } = row.counted;
    row.counted = null;
    this.#allowance.takeBack(account, opens, at);
    if (opens && row.conversation.openedOn === account) row.conversation.openedOn = null;
  }

  #depart(conversation: ConversationId): void {
    for (const row of this.#inquiring) if (row.conversation.id === conversation) this.#inquiring.delete(row);
    for (const row of this.#unanswered) if (row.conversation.id === conversation) this.#unanswered.delete(row);
    this.#window.depart(conversation);
  }

  /** The store knows, and lets no attempt of it begin. What can't be dropped at once ends when it comes to its turn. */
  #onCancelled(message: MessageId, at: Millis): void {
    const row = this.#window.get(message);
    if (!row || row.phase === "settled") return;
    row.isCancelled = true;
    row.state = stepOutbox(row.state, { type: "fail" });
    if (DROPPABLE.has(row.phase)) this.#window.settle(row, at);
  }

  #release(message: MessageId, at: Millis): void {
    const row = this.#window.get(message);
    if (row?.phase !== "held") return;
    row.approved = true;
    row.tries = 0;
    row.mute = 0;
    this.#record(row, { type: "release" }, null, null);
    this.#window.move(row, "releasing", at);
  }

  #hold(row: Row, reason: string, at: Millis): void {
    this.#record(row, { type: "hold" }, reason, null);
    this.#unanswered.delete(row);
    this.#window.move(row, "held", at);
  }

  #fail(row: Row, reason: string, at: Millis, outcome: Outcome | null = null): void {
    this.#inquiring.delete(row);
    this.#record(row, { type: "fail" }, reason, outcome);
    this.#unanswered.delete(row);
    this.#window.settle(row, at);
  }

  /** Its time of resolving is over. */
  #decide(row: Row, at: Millis): void {
    this.#unanswered.delete(row);
    if (isExpired(row, at)) this.#fail(row, "expired while unanswered", at);
    else if (this.#mustHold(row)) this.#hold(row, "unanswered on another number", at);
    else this.#window.move(row, "ready", at);
  }

  #mustHold(row: Row): boolean {
    if (row.doubts.length === 0 || row.approved || this.#config.whenNumberChanges === "resend") return false;
    const account = this.#line?.account;
    return row.doubts.some((doubt) => doubt.account !== account);
  }

  /** The chart's step, written down. */
  #record(row: Row, event: OutboxEvent, reason: string | null, outcome: Outcome | null): void {
    row.state = stepOutbox(row.state, event);
    row.reason = reason;
    this.#write(row, outcome);
  }

  /** The store may believe that somebody still waits for these attempts. */
  #writeDoubts(row: Row): void {
    for (const { number } of row.doubts) this.#write(row, attempt(number, "unanswered", null));
  }

  #write(row: Row, outcome: Outcome | null): void {
    const { id, state, reason } = row;
    this.#recorder.add(row, outcome ? { id, state, reason, attempt: outcome } : { id, state, reason });
  }

  // ---- what time brings ----

  #onDue(at: Millis): void {
    const { ackFor, askedFor, orphanedFor, muteLimit } = this.#config;
    for (const row of this.#sent) {
      const isMute = at - row.since >= ackFor && (this.#lastProofAt > row.since || at - row.since >= 3 * ackFor);
      if (!isMute) break;
      row.mute++;
      this.#giveUp(row, at);
      if (row.phase !== "unanswered") continue;
      if (row.mute >= muteLimit) this.#hold(row, `${row.mute} attempts got no answer on links that answered others`, at);
      else this.#decide(row, at);
    }
    for (const row of this.#asked) {
      if (at - row.since < askedFor) break;
      const line = this.#line;
      if (line && row.device === line.device && row.opening === this.#openings) {
        this.#out.push(tell(`connection:${line.device}`, { type: "redial.request" }));
        if (line.isUp) this.#lineDown(line, at);
      }
      this.#orphan(row, at);
    }
    for (const row of this.#orphaned) {
      if (at - row.since < orphanedFor) break;
      if (row.proof) this.#finish(row, at);
      else this.#giveUp(row, at);
    }
    for (const row of this.#inquiring) {
      if (at - row.since < askedFor) break;
      this.#inquiring.delete(row);
      this.#window.move(row, "ready", at);
    }
    // Last, because what was just given up may have expired long ago.
    for (let row = this.#window.due.peek(); row && row.dueAt <= at; row = this.#window.due.peek()) {
      if (row.phase === "unanswered" && this.#line?.isUp) this.#decide(row, at);
      else if (isExpired(row, at)) this.#fail(row, EXPIRED[row.phase] ?? "expired", at);
      else if (row.phase === "delayed") this.#window.move(row, "ready", at);
      else this.#window.wake(row, NEVER);
    }
  }

  #resolve(at: Millis): void {
    const line = this.#line;
    if (!line || line.isResolved) return;
    const isKnown = this.#held.state === "known" && this.#window.hasRead;
    if (at < line.resolveUntil && !(isKnown && this.#unanswered.size === 0)) return;
    line.isResolved = true;
    this.#out.push(tell(`sender:${this.seat}`, { type: "queue.resolved" }));
  }

  #sayDrained(): void {
    if (this.#drain !== "wanted" || this.#asked.size + this.#sent.size + this.#orphaned.size > 0) return;
    this.#drain = "told";
    this.#out.push(tell(`sender:${this.seat}`, { type: "queue.drained" }));
  }

  // ---- the pump ----

  #pump(at: Millis): void {
    this.#pacedUntil = null;
    const line = this.#line;
    if (line) this.#buckets.prepares(line.account, this.seat, this.#asked.size, at);
    if (!line || this.#drain !== "no" || this.#held.state !== "known" || this.#recorder.isFull) return;
    if (!line.isUp && (at < line.retryAt || this.#asked.size > 0)) return;
    const allowed = line.isUp ? this.#config.perDevice : 1;
    if (!line.isUp) {
      for (const row of this.#unanswered) {
        if (this.#window.ready.size > 0) break;
        this.#decide(row, at);
      }
    }
    const { account } = line;
    const mostAsked = this.#buckets.most(account);
    while (this.#asked.size + this.#sent.size < allowed && this.#asked.size < mostAsked) {
      this.#resume(account, at);
      const row = this.#window.ready.peek()?.rows[0];
      if (!row) return;
      if (row.isCancelled) this.#window.settle(row, at);
      else if (isExpired(row, at)) this.#fail(row, row.state === "unanswered" ? "expired while unanswered" : "expired", at);
      else if (this.#mustHold(row)) this.#hold(row, "unanswered on another number", at);
      else if (row.refusedBy.includes(line.account)) this.#reroute(row, line.account, { unlessWarm: false }, at);
      else if (this.#mayNotBegin(row, line)) this.#reroute(row, line.account, { unlessWarm: true }, at);
      else {
        const nextAt = this.#allowance.nextAt(account, false, at);
        const pacedUntil = nextAt > at ? nextAt : this.#buckets.nextAt(account, this.seat, at);
        if (pacedUntil > at) {
          this.#pacedUntil = pacedUntil;
          return;
        }
        const opens = this.#isOpening(row, account);
        const isFull = opens && this.#allowance.nextAt(account, true, at) > at;
        if (isFull && row.cappedOn === account) {
          this.#postpone(row, at);
          continue;
        }
        if (opens && (isFull || !this.#isKnownCold(row, account, at))) {
          if (!this.#inquire(row, account, at)) return;
          continue;
        }
        this.#buckets.take(account, this.seat, at);
        this.#send(row, line, opens, at);
      }
    }
  }

  #postpone(row: Row, at: Millis): void {
    this.#window.move(row, "capped", at);
    this.#postponed.add(row);
  }

  #send(row: Row, line: Line, opens: boolean, at: Millis): void {
    const { device, term, account } = line;
    const { id: message, waId, contact, content } = row;
    if (!content) throw new Error(`${message} is settled and was about to be sent again`);
    row.attempt++;
    row.device = device;
    row.term = term;
    row.opening = this.#openings;
    row.state = stepOutbox(row.state, { type: "attempt.begun" });
    this.#window.move(row, "asked", at);
    this.#asked.add(row);
    this.#buckets.prepares(line.account, this.seat, this.#asked.size, at);
    const isCounted = this.#allowance.isCounted(account);
    row.counted = isCounted ? { account, opens, at } : null;
    this.#allowance.count(account, opens, at);
    if (opens) row.conversation.openedOn = account;
    const { attempt: number } = row;
    const counts = isCounted ? { counts: { opens } } : {};
    this.#out.push({
      op: "connection",
      command: { op: "send", device, seat: this.seat, term, message, waId, contact, content, attempt: number, ...counts },
    });
  }

  // ---- the store ----

  #askStore(at: Millis): void {
    const changes = this.#recorder.next(at);
    if (changes) this.#out.push({ op: "store", ask: { op: "outbox.record", changes } });
    const waId = this.#lookups.next(at);
    if (waId !== null) this.#out.push({ op: "store", ask: { op: "outbox.get", waId } });
    if (at < this.#readAt) return;
    if (this.#held.state === "wanted") {
      this.#held.state = "asked";
      this.#out.push({
        op: "store",
        ask: { op: "outbox.list", seat: this.seat, states: ["held"], limit: this.#held.limit },
      });
    }
    if (this.#held.state !== "known") return;
    const read = this.#window.nextRead();
    if (read) this.#out.push({ op: "store", ask: { op: "outbox.open", seat: this.seat, ...read } });
  }

  /** When something happens by itself. */
  wakeAt(at: Millis): Millis | null {
    const { ackFor, askedFor, orphanedFor } = this.#config;
    let wake = this.#window.due.peek()?.dueAt ?? NEVER;
    const sent = first(this.#sent);
    if (sent) wake = Math.min(wake, sent.since + (at - sent.since < ackFor ? ackFor : 3 * ackFor));
    const asked = first(this.#asked);
    if (asked) wake = Math.min(wake, asked.since + askedFor);
    const orphaned = first(this.#orphaned);
    if (orphaned) wake = Math.min(wake, orphaned.since + orphanedFor);
    const inquiry = first(this.#inquiring);
    if (inquiry) wake = Math.min(wake, inquiry.since + askedFor);
    if (this.#line && !this.#line.isResolved) wake = Math.min(wake, this.#line.resolveUntil);
    if (this.#line && !this.#line.isUp && this.#line.retryAt > at) wake = Math.min(wake, this.#line.retryAt);
    if (this.#pacedUntil !== null) wake = Math.min(wake, this.#pacedUntil);
    if (this.#line?.isUp && this.#drain === "no" && this.#postponed.size > 0) {
      const nextAt = this.#allowance.nextAt(this.#line.account, true, at);
      // Something else keeps it, or there is room and no turn.
      if (nextAt > at) wake = Math.min(wake, nextAt);
    }
    if (this.#readAt > at) wake = Math.min(wake, this.#readAt);
    wake = Math.min(wake, this.#recorder.retryAt ?? NEVER, this.#lookups.retryAt ?? NEVER);
    return wake === NEVER ? null : wake;
  }
}

type Outcome = { readonly number: number; readonly outcome: AttemptOutcome; readonly detail: string | null };
const attempt = (number: number, outcome: AttemptOutcome, detail: string | null): Outcome => ({ number, outcome, detail });

const EXPIRED: Readonly<Partial<Record<Row["phase"], string>>> = {
  held: "expired while held",
  unanswered: "expired while unanswered",
  capped: "expired: the account might begin no more conversations in that time",
};

/** The latest attempt of that account of which nobody knows whether it arrived, which no longer is one. */
const takeDoubt = (row: Row, account: AccountId): Row["doubts"][number] | undefined => {
  const place = row.doubts.findLastIndex((doubt) => doubt.account === account);
  return place < 0 ? undefined : row.doubts.splice(place, 1)[0];
};

/** Whoever writes to a group is in it already. */
const isGroup = ({ contact }: Row): boolean => contact.startsWith("g:");

const isPreparing = (row: Row): boolean => row.phase === "asked" || row.phase === "orphaned";

const isExpired = (row: Row, at: Millis): boolean => row.expiresAt !== null && row.expiresAt <= at;

const first = (rows: ReadonlySet<Row>): Row | undefined => rows.values().next().value;

const stepped = (state: SeatQueue, at: Millis): Step<SeatQueue> => ({ state, effects: state.effects, wakeAt: state.wakeAt(at) });

export const queue: Reducer<SeatQueue, QueueEvent, QueueInput> = {
  start(input, at) {
    const state = new SeatQueue(input, at);
    state.begin(at);
    return stepped(state, at);
  },
  receive(state, event) {
    state.step(event);
    return stepped(state, event.at);
  },
};
