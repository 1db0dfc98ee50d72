/**
 * Random questions, in batches and with restarts between them, against a model simple enough to be believed: lists, and loops
 * over them. It shares no code with any store.
 */
import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { DeviceId, SeatId } from "../../machines/ports/ids.ts";
import type { AttemptOutcome, OutboxState, StoreAnswer } from "../../machines/ports/store.ts";
import {
  account,
  address,
  alert,
  audit,
  contact,
  conversation,
  declaration,
  device,
  draft,
  failover,
  inbound,
  leaseTerm,
  line,
  messageId,
  node,
  performance,
  seat,
  seatTerm,
  waId,
  type MakeStore,
  type Question,
  type StoreUnderTest,
} from "./store-kit.ts";

const SEATS = [seat("sales/sales-1"), seat("sales/sales-2")];
const DEVICES = [device("sales-1/a"), device("sales-1/b")];
const NODES = [node("n1"), node("n2")];
const STATES: readonly OutboxState[] = [
  "accepted",
  "dispatched",
  "unanswered",
  "acknowledged",
  "delivered",
  "read",
  "held",
  "failed",
];

const isFull = Boolean(process.env["GREENROOM_FULL"]);
const runs = { numRuns: isFull ? 1000 : 80, seed: isFull ? Date.now() : 20 };

export const storeModelProperty = (make: MakeStore): void => {
  it("answers like the model, whatever is asked, batched and restarted", { timeout: 300_000 }, async () => {
    const met = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(plans(modelled), async (plan) => {
        const model = new Model(make.traits.restartFreesLeases);
        await withStores([make], async ([store]) => {
          for (const { questions, restart } of plan) {
            const answers = await Promise.all(questions.map((question) => store.ask(question)));
            for (const [i, question] of questions.entries()) {
              const wanted = model.answer(question);
              expect({ question, answer: plain(answers[i]) }).toEqual({ question, answer: wanted });
              for (const name of casesOf(question, wanted)) met.set(name, (met.get(name) ?? 0) + 1);
            }
            if (!restart) continue;
            await store.restart();
            model.restart();
          }
        });
      }),
      runs,
    );
    // Cases that the property must have met, or it proves less than it says.
    expect(OWED.filter((name) => (met.get(name) ?? 0) < 4)).toEqual([]);
  });
};

/** What the model leaves out is compared between two stores: they were written apart. */
export const storesAgreeProperty = (one: MakeStore, other: MakeStore): void => {
  it("answer alike, whatever is asked", { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(plans(fc.oneof(modelled, unmodelled)), (plan) =>
        withStores([one, other], async ([a, b]) => {
          for (const { questions, restart } of plan) {
            const [mine, theirs] = await Promise.all(
              [a, b].map((store) => Promise.all(questions.map((question) => store.ask(question)))),
            );
            for (const [i, question] of questions.entries()) {
              expect({ question, answer: plain(mine?.[i]) }).toEqual({ question, answer: plain(theirs?.[i]) });
            }
            if (restart) await Promise.all([a.restart(), b.restart()]);
          }
        }),
      ),
      runs,
    );
  });
};

const withStores = async <const M extends readonly MakeStore[]>(
  makes: M,
  work: (stores: { [I in keyof M]: StoreUnderTest }) => Promise<void>,
): Promise<void> => {
  const stores = await Promise.all(makes.map((make) => make()));
  try {
    for (const store of stores) await store.ask({ op: "fleet.declare", fleet: declaration });
    await work(stores as { [I in keyof M]: StoreUnderTest });
  } finally {
    for (const store of stores) await store.dispose();
  }
};

/** What is said, without when and to whom; words of a failure are each store's own. */
const plain = (answer: StoreAnswer | undefined): object => {
  const { op: _op, reqId: _reqId, at: _at, ...out } = answer ?? { kind: "none", op: "", reqId: "", at: 0 };
  return out.kind === "failed" ? { kind: "failed" } : out;
};

const OWED = [
  "seat.change changed",
  "seat.change conflict",
  "outbox.accept accepted",
  "outbox.accept duplicate",
  "outbox.accept full",
  "keys.commit committed",
  "keys.commit attempt",
  "keys.commit lease",
  "keys.commit seat",
  "keys.commit message",
];
const casesOf = (question: Question, wanted: object): string[] => {
  const { kind, what, messages } = wanted as { kind?: string; what?: string; messages?: readonly { duplicate: boolean }[] };
  const names = [kind, what, messages?.some(({ duplicate }) => duplicate) ? "duplicate" : undefined];
  if (question.op === "keys.commit" && question.attempt && kind === "committed") names.push("attempt");
  return names.filter((name) => name !== undefined).map((name) => `${question.op} ${name}`);
};

// ---- what is asked ---------------------------------------------------------------------------------------------------

const anySeat = fc.constantFrom(...SEATS);
const anyDevice = fc.constantFrom(...DEVICES);
const number = fc.constantFrom(1, 1, 2, 2, 3, 4, 5);
/** Terms that are often the right ones. */
const smallTerm = fc.constantFrom(0, 0, 1, 1, 1, 1, 2, 3);

const draftArb = fc
  .record({ n: number, key: fc.option(fc.constantFrom("k", "j")), talk: fc.constantFrom(1, 2), at: anySeat })
  .map(({ n, key, talk, at }) => draft(n, { idempotencyKey: key, conversation: conversation(`sales|c:${talk}`), seat: at }));
const commitArb = fc
  .record({
    of: anyDevice,
    term: smallTerm,
    key: fc.constantFrom("x", "y"),
    value: fc.option(fc.uint8Array({ maxLength: 40 })),
    attempt: fc.option(fc.record({ n: number, number: fc.integer({ min: 1, max: 3 }), term: smallTerm, at: anySeat })),
    opens: fc.option(fc.boolean()),
    brought: fc.option(
      fc.record({ n: fc.integer({ min: 1, max: 3 }), who: fc.constantFrom(address(1), address(2), "1@lid", "2@lid") }),
    ),
  })
  .map(
    ({ of, term, key, value, attempt, opens, brought }): Question<"keys.commit"> => ({
      op: "keys.commit",
      device: of,
      leaseTerm: leaseTerm(term),
      keys: [{ type: "session", id: key, value }],
      creds: null,
      inbound: brought ? [inbound(brought.n, { device: of, chat: brought.who, sender: brought.who })] : [],
      attempt: attempt && {
        message: messageId(attempt.n),
        number: attempt.number,
        device: of,
        seat: attempt.at,
        seatTerm: seatTerm(attempt.term),
        at: 7,
        ...(opens === null ? {} : { counts: { opens } }),
      },
    }),
  );
const changeArb = fc
  .record({
    n: number,
    state: fc.constantFrom(...STATES),
    attempt: fc.option(
      fc.record({
        number: fc.integer({ min: 1, max: 3 }),
        outcome: fc.constantFrom<AttemptOutcome>("acknowledged", "unanswered", "refused", "unsent"),
        detail: fc.constant("d"),
      }),
    ),
  })
  .map(({ n, state, attempt }) => ({ id: messageId(n), state, reason: state, ...(attempt ? { attempt } : {}) }));

const modelled: fc.Arbitrary<Question> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .array(draftArb, { minLength: 1, maxLength: 3 })
      .chain((messages) => fc.integer({ min: 1, max: 5 }).map((limit): Question => ({ op: "outbox.accept", messages, limit }))),
  },
  { weight: 8, arbitrary: commitArb },
  {
    weight: 4,
    arbitrary: fc.array(changeArb, { minLength: 1, maxLength: 2 }).map((changes): Question => ({ op: "outbox.record", changes })),
  },
  {
    weight: 3,
    arbitrary: fc.record({ at: anySeat, term: smallTerm, holder: fc.option(anyDevice) }).map(
      ({ at, term, holder }): Question => ({
        op: "seat.change",
        seat: at,
        expect: seatTerm(term),
        holder,
        phase: "serving",
        failover: null,
        audit,
      }),
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({ of: anyDevice, by: fc.constantFrom(...NODES) })
      .map(({ of, by }): Question => ({ op: "lease.acquire", devices: [of], node: by, ttl: 50 })),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({
        of: anyDevice,
        by: fc.constantFrom(...NODES),
        term: smallTerm,
        op: fc.constantFrom("lease.release" as const, "lease.renew" as const),
      })
      .map(({ of, by, term, op }): Question => ({ op, leases: [{ device: of, term: leaseTerm(term) }], node: by, ttl: 50 })),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ talk: fc.constantFrom(1, 2), at: anySeat })
      .map(({ talk, at }): Question => ({ op: "conversation.assign", conversation: conversation(`sales|c:${talk}`), seat: at })),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ at: anySeat, afterSeq: fc.integer({ min: 0, max: 4 }), limit: fc.integer({ min: 1, max: 5 }) })
      .map(({ at, afterSeq, limit }): Question => ({ op: "outbox.open", seat: at, afterSeq, limit })),
  },
  { weight: 1, arbitrary: fc.constant<Question>({ op: "outbox.counts" }) },
  {
    weight: 1,
    arbitrary: fc.constant<Question>({ op: "outbox.list", seat: null, states: ["held", "failed", "read"], limit: 3 }),
  },
  { weight: 2, arbitrary: anyDevice.map((of): Question => ({ op: "keys.load", device: of, type: "session", ids: ["x", "y"] })) },
  { weight: 1, arbitrary: fc.constant<Question>({ op: "inbox.read", afterSeq: 0, limit: 9 }) },
  { weight: 1, arbitrary: fc.option(number).map((seq): Question => ({ op: "inbox.cursor", reader: "r", seq })) },
);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary);
const subject = fc.constantFrom("s1", "s2");
const unmodelled: fc.Arbitrary<Question> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({
        lid: maybe(fc.constantFrom("1@lid", "2@lid", "3:1@lid")),
        pn: maybe(fc.constantFrom(address(1), address(2), "7@g.us")),
      })
      .map(({ lid, pn }): Question => ({ op: "contact.resolve", lid, pn })),
  },
  number.map((n): Question => ({ op: "contact.get", id: contact(n) })),
  fc.constant<Question>({ op: "traffic.load", accounts: [account("sales-1"), account("sales-2")] }),
  { weight: 3, arbitrary: number.map((n): Question => ({ op: "conversation.get", conversation: conversation(`sales|c:${n}`) })) },
  fc
    .record({ key: subject, at: number, state: fc.constantFrom("open" as const, "resolved" as const), repeats: number })
    .map(({ key, at, state, repeats }): Question => ({ op: "alert.record", alert: alert(key, at, state, repeats), audit: null })),
  fc.boolean().map((openOnly): Question => ({ op: "alert.list", openOnly, limit: 3 })),
  subject.map((of): Question => ({ op: "audit.append", entries: [{ ...audit, subject: of }] })),
  maybe(subject).map((of): Question => ({ op: "audit.read", subject: of, limit: 3 })),
  fc.array(number, { maxLength: 3 }).map(
    (ats): Question => ({
      op: "events.append",
      events: ats.map((at) => ({ at, type: "t", subject: "s", data: { at } })),
    }),
  ),
  number.map((afterSeq): Question => ({ op: "events.read", afterSeq, limit: 2 })),
  fc
    .record({ seqs: fc.array(number, { minLength: 1, maxLength: 4 }), keep: number })
    .map(({ seqs, keep }): Question => ({ op: "journal.append", entries: seqs.map((seq) => ({ seq, line: `${keep}` })), keep })),
  fc.constant<Question>({ op: "journal.read", afterSeq: 1, limit: 3 }),
  fc.record({ n: number, of: fc.constantFrom("sales-1", "sales-2"), dropBefore: number }).map(
    ({ n, of, dropBefore }): Question => ({
      op: "performance.append",
      rows: [performance(n, of), performance(n + 1, of, { seat: seat("sales/sales-2") })],
      dropBefore,
    }),
  ),
  number.map((since): Question => ({ op: "performance.read", line: line("sales"), since })),
  number.map((n): Question => ({ op: "inbox.get", account: account("sales-1"), waId: waId(n) })),
  fc
    .record({ id: subject, outcome: fc.constantFrom("running" as const, "exhausted" as const) })
    .map(({ id, outcome }): Question => ({ op: "failover.record", failover: { ...failover(id), outcome }, audit })),
  fc.constant<Question>({ op: "failover.list", seat: null, limit: 3 }),
  fc.record({ at: anySeat, term: smallTerm }).map(
    ({ at, term }): Question => ({
      op: "seat.settle",
      seat: at,
      term: seatTerm(term),
      phase: "moving",
      failover: null,
      audit: null,
    }),
  ),
  number.map((until): Question => ({ op: "account.update", account: account("sales-2"), standing: "banned", until, audit })),
  fc.constant<Question>({ op: "fleet.load" }),
  anyDevice.map((of): Question => ({ op: "orders.write", orders: { pausedBy: of, cordoned: [of] } })),
  anyDevice.map((of): Question => ({ op: "keys.wipe", device: of, audit })),
  fc.oneof(
    number.map((n): Question => ({ op: "outbox.get", id: messageId(n) })),
    number.map((n): Question => ({ op: "outbox.get", waId: waId(n) })),
  ),
);
/** Half of the plans begin where a fleet is at work: from nothing, few would come as far as an attempt. */
const prelude: readonly Question[] = [
  { op: "lease.acquire", devices: DEVICES, node: NODES[0] ?? node("n1"), ttl: 50 },
  ...SEATS.map(
    (at): Question => ({
      op: "seat.change",
      seat: at,
      expect: seatTerm(0),
      holder: null,
      phase: "serving",
      failover: null,
      audit,
    }),
  ),
  { op: "outbox.accept", messages: [1, 2, 3].map((n) => draft(n)), limit: 9 },
];
const plans = (question: fc.Arbitrary<Question>) => {
  const batches = fc.array(
    fc.record({
      questions: fc.array(question, { minLength: 1, maxLength: 6, size: "max" }),
      restart: fc.constantFrom(false, false, false, false, false, true),
    }),
    { maxLength: 12, size: "max" },
  );
  return fc
    .record({ begun: fc.boolean(), batches })
    .map(({ begun, batches: rest }) => (begun ? [{ questions: prelude, restart: false }, ...rest] : rest));
};

// ---- what is answered ------------------------------------------------------------------------------------------------

interface ModelAttempt {
  number: number;
  device: DeviceId;
  seatTerm: number;
  at: number;
  outcome: AttemptOutcome;
  detail: string | null;
}
type ModelRow = Omit<ReturnType<typeof draft>, "seat"> & {
  seat: SeatId;
  seq: number;
  state: OutboxState;
  reason: string | null;
  attempts: ModelAttempt[];
};

const OPEN = ["accepted", "dispatched", "unanswered"];
const PROVED = ["acknowledged", "delivered", "read"];
const CERTAIN: readonly AttemptOutcome[][] = [["pending"], ["unanswered"], ["unsent", "refused"], ["acknowledged"]];
const certainty = (outcome: AttemptOutcome): number => CERTAIN.findIndex((group) => group.includes(outcome));

class Model {
  rows: ModelRow[] = [];
  talks = new Map<string, SeatId>();
  seats = SEATS.map((id) => ({
    id,
    line: line("sales"),
    account: account(id.slice(6)),
    holder: null as DeviceId | null,
    term: 0,
    phase: "vacant",
  }));
  leases: { device: DeviceId; term: number; node: string | null; isAlive: boolean }[] = [];
  keys: { of: DeviceId; id: string; value: Uint8Array }[] = [];
  inbox: (ReturnType<typeof inbound> & { seq: number })[] = [];
  cursor = 0;
  readonly #restartFrees: boolean;

  constructor(restartFrees: boolean) {
    this.#restartFrees = restartFrees;
  }

  restart(): void {
    if (this.#restartFrees) for (const lease of this.leases) lease.isAlive = false;
  }

  answer(q: Question): object {
    switch (q.op) {
      case "seat.change": {
        const row = this.seats.find(({ id }) => id === q.seat);
        if (!row || row.term !== q.expect) return { kind: "conflict", row: { ...row } };
        Object.assign(row, { holder: q.holder, phase: q.phase, term: row.term + 1 });
        return { kind: "changed", row: { ...row } };
      }
      case "outbox.accept":
        return this.#accept(q);
      case "outbox.record":
        for (const change of q.changes) this.#record(change);
        return { kind: "recorded" };
      case "outbox.open":
        return page(
          this.rows.filter((row) => row.seat === q.seat && OPEN.includes(row.state) && row.seq > q.afterSeq),
          q.limit,
        );
      case "outbox.list":
        return page(
          this.rows.filter((row) => q.states.includes(row.state)),
          q.limit,
        );
      case "outbox.counts":
        return {
          kind: "counts",
          seats: SEATS.flatMap((at) =>
            STATES.flatMap((state) => {
              const rows = this.rows.filter((row) => row.seat === at && row.state === state);
              return rows[0] ? [{ seat: at, state, count: rows.length, oldest: rows[0].acceptedAt }] : [];
            }),
          ),
        };
      case "conversation.assign": {
        this.talks.set(q.conversation, q.seat);
        const moved = this.rows.filter(
          (row) => row.conversation === q.conversation && row.seat !== q.seat && [...OPEN, "held"].includes(row.state),
        );
        for (const row of moved) row.seat = q.seat;
        return { kind: "assigned", moved: moved.length };
      }
      case "lease.acquire":
        return this.#acquire(q);
      case "lease.renew":
        return { kind: "renewed", lost: q.leases.filter((lease) => !this.#holds(lease, q.node)).map((lease) => lease.device) };
      case "lease.release":
        for (const lease of q.leases) {
          const held = this.#holds(lease, q.node);
          if (held) held.node = null;
        }
        return { kind: "released" };
      case "keys.commit":
        return this.#commit(q);
      case "keys.load":
        return {
          kind: "keys",
          values: q.ids.map((id) => this.keys.find((key) => key.of === q.device && key.id === id)?.value ?? null),
        };
      case "inbox.read":
        return { kind: "rows", rows: this.inbox.slice(q.afterSeq, q.afterSeq + q.limit) };
      case "inbox.cursor":
        this.cursor = Math.max(this.cursor, q.seq ?? 0);
        return { kind: "cursor", seq: this.cursor };
      default:
        throw new Error(`the model knows nothing of ${q.op}`);
    }
  }

  #known(d: ReturnType<typeof draft>): ModelRow | undefined {
    return (
      this.rows.find((row) => row.id === d.id) ??
      this.rows.find((row) => d.idempotencyKey !== null && row.idempotencyKey === d.idempotencyKey)
    );
  }
  #accept({ messages, limit }: Question<"outbox.accept">): object {
    const open = this.rows.filter((row) => OPEN.includes(row.state)).length;
    const rowsBefore = structuredClone(this.rows);
    const talksBefore = new Map(this.talks);
    const out = [];
    for (const d of messages) {
      const first = this.#known(d);
      const isAlone = !this.rows.some((row) => row.conversation === d.conversation && [...OPEN, "held"].includes(row.state));
      if (!first) {
        const at = this.talks.get(d.conversation) ?? d.seat;
        this.talks.set(d.conversation, at);
        this.rows.push({ ...d, seat: at, seq: this.rows.length + 1, state: "accepted", reason: null, attempts: [] });
      }
      const row = first ?? this.rows.at(-1);
      out.push({
        id: row?.id,
        seq: row?.seq,
        duplicate: first !== undefined,
        seat: row?.seat,
        first: first === undefined && isAlone,
      });
    }
    if (this.rows.length > rowsBefore.length && open + this.rows.length - rowsBefore.length > limit) {
      this.rows = rowsBefore;
      this.talks = talksBefore;
      return { kind: "full", open };
    }
    return { kind: "accepted", messages: out };
  }

  #record({ id, state, reason, attempt }: Question<"outbox.record">["changes"][number]): void {
    const row = this.rows.find((known) => known.id === id);
    if (!row) return;
    const tried = attempt && row.attempts.find((known) => known.number === attempt.number);
    if (attempt && tried && certainty(attempt.outcome) > certainty(tried.outcome)) {
      Object.assign(tried, { outcome: attempt.outcome, detail: attempt.detail });
    }
    const may =
      row.state === state ||
      OPEN.includes(row.state) ||
      (row.state === "held" && ["accepted", "failed", ...PROVED].includes(state)) ||
      (PROVED.includes(row.state) && PROVED.indexOf(state) > PROVED.indexOf(row.state));
    if (may) Object.assign(row, { state, reason });
  }

  #acquire({ devices, node: by }: Question<"lease.acquire">): object {
    const granted = [];
    const held = [];
    for (const of of devices) {
      let lease = this.leases.find((known) => known.device === of);
      if (lease?.node && lease.node !== by && lease.isAlive) {
        held.push({ device: of, by: lease.node });
        continue;
      }
      if (!lease) {
        lease = { device: of, term: 0, node: null, isAlive: true };
        this.leases.push(lease);
      }
      Object.assign(lease, { term: lease.term + 1, node: by, isAlive: true });
      granted.push({ device: of, term: lease.term });
    }
    return { kind: "leases", granted, held };
  }
  #holds({ device: of, term }: { device: DeviceId; term: number }, by: string) {
    return this.leases.find((lease) => lease.device === of && lease.term === term && lease.node === by);
  }

  #commit({ device: of, leaseTerm: term, keys, inbound: brought, attempt }: Question<"keys.commit">): object {
    if (!this.leases.some((lease) => lease.device === of && lease.node !== null && lease.term === term))
      return { kind: "stale", what: "lease" };
    if (attempt) {
      if (!this.seats.some((row) => row.id === attempt.seat && row.term === attempt.seatTerm))
        return { kind: "stale", what: "seat" };
      const row = this.rows.find(
        (known) => known.id === attempt.message && known.seat === attempt.seat && OPEN.includes(known.state),
      );
      const same = row?.attempts.find((known) => known.number === attempt.number);
      if (!row || (same && same.outcome !== "pending" && same.outcome !== "unsent")) return { kind: "stale", what: "message" };
      row.attempts = row.attempts.filter((known) => known !== same);
      row.attempts.push({
        number: attempt.number,
        device: of,
        seatTerm: attempt.seatTerm,
        at: attempt.at,
        outcome: "pending",
        detail: null,
      });
      row.attempts.sort((a, b) => a.number - b.number);
      Object.assign(row, { state: "dispatched", reason: null });
    }
    for (const { id, value } of keys) {
      this.keys = this.keys.filter((key) => key.of !== of || key.id !== id);
      if (value) this.keys.push({ of, id, value });
    }
    const fresh = [];
    for (const d of brought) {
      const isLid = (sender: string) => sender.endsWith("@lid");
      const twin = this.inbox.some(
        (row) => row.waId === d.waId && (row.sender === d.sender || isLid(row.sender) !== isLid(d.sender)),
      );
      if (twin) continue;
      const row = { ...d, seq: this.inbox.length + 1 };
      this.inbox.push(row);
      fresh.push(row);
    }
    return { kind: "committed", inbound: fresh };
  }
}

const page = (rows: readonly ModelRow[], limit: number): object => ({
  kind: "rows",
  rows: structuredClone(rows.slice(0, limit)),
  more: rows.length > limit,
});
