import { describe, expect, it } from "vitest";
import { Acceptance, type AcceptAnswer, type AcceptanceOptions, type AcceptRequest } from "../../machines/delivery/acceptance.ts";
import { accountId, conversationId, lineId, type RequestId, seatId } from "../../machines/ports/ids.ts";
import type { OutboxDraft } from "../../machines/ports/store.ts";

const LINE = lineId("sales");
const [SEAT, OTHER] = ["m1", "m2"].map((name) => seatId(LINE, accountId(name))) as [
  ReturnType<typeof seatId>,
  ReturnType<typeof seatId>,
];
const REQUEST: AcceptRequest = { line: LINE, to: { lid: "1@lid", pn: null }, content: { kind: "text", text: "hello" } };
const FAILED = { kind: "failed", cause: "io", message: "disk" } as const;

describe("a message that is accepted", () => {
  it("goes to the seat that is chosen, and is offered to its queue once it is durable", () => {
    const desk = new Desk();
    desk.accept();
    expect(desk.asked).toMatchObject([{ op: "contact.resolve", reqId: "r1", lid: "1@lid", pn: null }]);
    desk.answer({ row: { id: "c1", country: "de", tier: "gold" } });
    expect(desk.asked).toMatchObject([
      { op: "conversation.get", reqId: "r2", conversation: conversationId(LINE, "c1" as never) },
    ]);
    desk.answer({ seat: null });
    expect(desk.chosen).toEqual([
      [LINE, { country: "de", tier: "gold", region: null }, { priority: 7, isGroup: false, kind: "text" }],
    ]);
    expect(desk.asked).toMatchObject([{ op: "outbox.accept", reqId: "r3", limit: 100 }]);
    const draft = desk.draft;
    expect(draft).toMatchObject({
      line: LINE,
      seat: SEAT,
      contact: "c1",
      content: REQUEST.content,
      priority: 7,
      expiresAt: null,
      idempotencyKey: null,
      acceptedAt: 5000,
    });
    expect([desk.offered, desk.answers]).toEqual([[], []]);
    desk.answer({ messages: [{ id: draft.id, seat: SEAT, seq: 9, duplicate: false, first: true }] });
    expect(desk.offered).toEqual([[SEAT, [{ ...draft, seq: 9, state: "accepted", reason: null, attempts: [], isFirst: true }]]]);
    expect(desk.answers).toEqual([{ kind: "accepted", id: draft.id, waId: draft.waId, seat: SEAT, duplicate: false }]);
    expect(desk.reloaded).toEqual([]);
  });

  it("keeps what the request says: priority, expiry, key and region, and the line's tier before the contact's own", () => {
    const desk = new Desk({ tierOf: () => "silver" });
    desk.accept({ region: "north", expiresAt: 9000, idempotencyKey: "k" });
    desk.answer({ row: { id: "g:1", country: "de", tier: "gold" } });
    desk.answer({ seat: null });
    expect(desk.chosen).toEqual([
      [LINE, { country: "de", tier: "silver", region: "north" }, { priority: 7, isGroup: true, kind: "text" }],
    ]);
    expect(desk.urgencies).toEqual(["silver"]);
    expect(desk.draft).toMatchObject({ expiresAt: 9000, idempotencyKey: "k", priority: 7 });
    const urgent = new Desk();
    urgent.accept({ priority: 0 });
    urgent.answer({ row: { id: "c1", country: null, tier: null } });
    urgent.answer({ seat: OTHER });
    expect(urgent.draft).toMatchObject({ priority: 0, seat: OTHER });
    expect([urgent.urgencies, urgent.chosen]).toEqual([[], []]);
  });

  it("has the tier that the line gives its contact, by whichever address it is written to", () => {
    const contact = { id: "c1", lid: "1@lid", pn: "49@s.whatsapp.net", country: "de", tier: null };
    for (const [to, vip] of [
      [{ lid: "1@lid", pn: null }, "49@s.whatsapp.net"],
      [{ lid: null, pn: "49@s.whatsapp.net" }, "1@lid"],
    ] as const) {
      const desk = new Desk({ tierOf: (_, { lid, pn }) => (lid === vip || pn === vip ? "vip" : null) });
      desk.accept({ to });
      desk.answer({ row: contact });
      desk.answer({ seat: null });
      desk.accept({ to });
      expect(desk.urgencies).toEqual(["vip", "vip"]);
      expect(desk.chosen).toMatchObject([[LINE, { tier: "vip" }, {}]]);
    }
  });

  it("asks for neither contact nor conversation again, by either address", () => {
    for (const to of [REQUEST.to, { lid: null, pn: "49@s.whatsapp.net" }]) {
      const desk = new Desk();
      desk.accept({ to });
      desk.throughout();
      desk.accept({ to });
      expect(desk.asked.map(({ op }) => op)).toEqual(["outbox.accept"]);
      expect(desk.draft.seat).toBe(SEAT);
      desk.accept({ to: { lid: "2@lid", pn: null } });
      expect(desk.asked.map(({ op }) => op)).toEqual(["outbox.accept", "contact.resolve"]);
    }
  });

  it("keeps two first messages to one contact together, though both asked before a seat was chosen", () => {
    const desk = new Desk();
    desk.accept();
    desk.accept();
    for (let time = 0; time < 2; time++) desk.answer({ row: { id: "c1", country: null, tier: null } });
    desk.seat = SEAT;
    desk.answer({ seat: null });
    desk.seat = OTHER;
    desk.answer({ seat: null });
    expect(desk.drafts.map(({ seat }) => seat)).toEqual([SEAT, SEAT]);
    expect(desk.chosen).toHaveLength(1);
  });

  it("follows the store: where the conversation is by now, and to which message a key belongs", () => {
    const desk = new Desk();
    desk.accept();
    desk.answer({ row: { id: "c1", country: null, tier: null } });
    desk.answer({ seat: null });
    desk.answer({ messages: [{ id: "known", seat: OTHER, seq: 3, duplicate: true }] });
    expect([desk.offered, desk.reloaded]).toEqual([[], [OTHER]]);
    expect(desk.answers).toMatchObject([{ kind: "accepted", id: "known", seat: OTHER, duplicate: true }]);
    desk.accept();
    expect(desk.draft.seat).toBe(OTHER);
    desk.answer({ messages: [{ id: desk.draft.id, seat: SEAT, seq: 4, duplicate: false }] });
    expect(desk.offered).toMatchObject([[SEAT, [{ seat: SEAT, seq: 4 }]]]);
  });

  it("has ids that sort by time, differ within a millisecond, and look like WhatsApp's own", () => {
    const desk = new Desk();
    const ids = [5000, 5000, 5001, 2_000_000_000_000].map((now) => {
      desk.now = now;
      desk.accept();
      desk.throughout();
      return desk.last;
    });
    for (const { id, waId } of ids) {
      expect(id).toMatch(/^m[0-9a-z]{20}$/);
      expect(waId).toMatch(/^3EB0[0-9A-F]{18}$/);
    }
    const names = ids.map(({ id }) => id);
    expect(names).toEqual(names.toSorted());
    expect(new Set([...names, ...ids.map(({ waId }) => waId)]).size).toBe(8);
    expect(names[0]?.slice(1, 15)).toBe(`${(5000).toString(36).padStart(9, "0")}00001`);
    const highest = new Desk({ draw: () => 0.999_999 });
    highest.accept();
    highest.throughout();
    expect([highest.last.id.slice(-6), highest.last.waId]).toEqual(["zzzzzz", `3EB0${"F".repeat(18)}`]);
  });
});

describe("a message that is not accepted", () => {
  it("is answered with what the store said, wherever it failed; what may be durable is looked for", () => {
    for (const before of [0, 1, 2]) {
      const desk = new Desk();
      desk.accept();
      const steps = [{ row: { id: "c1", country: null, tier: null } }, { seat: null }];
      for (const step of steps.slice(0, before)) desk.answer(step);
      desk.answer(FAILED);
      expect(desk.answers).toEqual([FAILED]);
      expect(desk.asked.map(({ op }) => op)).toEqual(before === 2 ? ["conversation.get"] : []);
      expect(desk.reloaded).toEqual(before === 2 ? [SEAT] : []);
      expect(desk.offered).toEqual([]);
    }
  });

  it("is looked for where its conversation is by now, and so is the next one", () => {
    const desk = failed();
    expect(desk.reloaded).toEqual([SEAT]);
    desk.answer({ seat: OTHER });
    expect([desk.reloaded, desk.asked]).toEqual([[SEAT, OTHER], []]);
    desk.accept();
    desk.answer({ seat: OTHER });
    expect(desk.draft.seat).toBe(OTHER);
    for (const seat of [SEAT, null]) {
      const known = failed();
      known.answer({ seat });
      expect([known.reloaded, known.asked]).toEqual([[SEAT], []]);
    }
  });

  it("is looked for until the store says where that is, one conversation at a time, and no longer than it is open", () => {
    const desk = failed();
    desk.accept({ to: { lid: "2@lid", pn: null } });
    for (const step of [FAILED, { row: { id: "c2", country: null, tier: null } }, { seat: SEAT }, FAILED]) desk.answer(step);
    expect([desk.asked, desk.timers.map(({ after }) => after)]).toEqual([[], [1_000]]);
    desk.fire();
    desk.answer({ seat: OTHER });
    expect(desk.asked).toMatchObject([{ op: "conversation.get", conversation: conversationId(LINE, "c2" as never) }]);
    desk.answer(FAILED);
    desk.stop();
    expect(desk.timers).toEqual([]);
    expect(desk.reloaded).toEqual([SEAT, SEAT, OTHER]);
    for (const late of [FAILED, { seat: OTHER }]) {
      const stopped = failed();
      stopped.stop();
      stopped.answer(late);
      expect([stopped.timers, stopped.reloaded, stopped.asked]).toEqual([[], [SEAT], []]);
    }
  });

  it("is looked for though so many are that the one under way has been forgotten", () => {
    const desk = failed();
    for (let no = 1; no <= 20_000; no++) {
      desk.accept({ to: { lid: `${no + 1}@lid`, pn: null } });
      // The question that is under way stays the oldest one, and waits.
      desk.answerLast({ row: { id: `c${no + 1}`, country: null, tier: null } });
      desk.answerLast({ seat: SEAT });
      desk.answerLast(FAILED);
    }
    desk.answer({ seat: OTHER });
    expect(desk.asked).toMatchObject([{ op: "conversation.get", conversation: conversationId(LINE, "c2" as never) }]);
  });

  it("is answered that the line is full, or has no seat, or that the store is broken", () => {
    const full = new Desk();
    full.accept();
    full.answer({ row: { id: "c1", country: null, tier: null } });
    full.answer({ seat: null });
    full.answer({ kind: "full", open: 100 });
    expect([full.answers, full.reloaded]).toEqual([[{ kind: "full", open: 100 }], []]);
    const empty = new Desk();
    empty.seat = undefined;
    empty.accept();
    empty.answer({ row: { id: "c1", country: null, tier: null } });
    empty.answer({ seat: null });
    expect([empty.answers, empty.asked]).toEqual([[{ kind: "noSeat", line: LINE }], []]);
    const broken = new Desk();
    broken.accept();
    broken.answer({ row: { id: "c1", country: null, tier: null } });
    broken.answer({ seat: null });
    broken.answer({ messages: [] });
    expect(broken.answers).toMatchObject([{ kind: "failed", cause: "io" }]);
  });
});

// ---- helpers ----

type Ask = { readonly op: string; readonly reqId: string; readonly messages?: readonly OutboxDraft[] };

/** Its message may be durable, and the store said that it is not. */
const failed = (): Desk => {
  const desk = new Desk();
  desk.accept();
  for (const step of [{ row: { id: "c1", country: null, tier: null } }, { seat: null }, FAILED]) desk.answer(step);
  return desk;
};

/** A store that answers when it is told to, in the order of the questions, and a note of everything that was said. */
class Desk {
  now = 5000;
  seat: typeof SEAT | undefined = SEAT;
  readonly chosen: unknown[] = [];
  readonly urgencies: unknown[] = [];
  readonly offered: unknown[] = [];
  readonly reloaded: unknown[] = [];
  readonly answers: AcceptAnswer[] = [];
  readonly timers: { readonly fire: () => void; readonly after: number }[] = [];
  readonly drafts: OutboxDraft[] = [];
  readonly #open: { ask: Ask; reply: (answer: never) => void }[] = [];
  readonly #acceptance: Acceptance;
  #draws = 0;
  #requests = 0;

  constructor(over: Partial<AcceptanceOptions> = {}) {
    const ask = (command: Ask, reply: (answer: never) => void): void => {
      this.#open.push({ ask: command, reply });
      this.drafts.push(...(command.messages ?? []));
    };
    this.#acceptance = new Acceptance({
      clock: {
        now: () => this.now,
        setTimeout: (fire, after) => this.timers[this.timers.push({ fire, after }) - 1],
        clearTimeout: (timer) => void this.timers.splice(this.timers.indexOf(timer as (typeof this.timers)[number]), 1),
      },
      store: { ask },
      draw: () => (this.#draws++ % 7) / 7,
      nextRequest: () => `r${++this.#requests}` as RequestId,
      choose: (line, newcomer, beginning) => {
        this.chosen.push([line, newcomer, beginning]);
        return this.seat;
      },
      tierOf: () => null,
      urgency: (_line, tier) => {
        this.urgencies.push(tier);
        return 7;
      },
      offer: (seat, rows) => void this.offered.push([seat, rows]),
      reload: (seat) => void this.reloaded.push(seat),
      outboxLimit: () => 100,
      ...over,
    });
  }
  accept(over: Partial<AcceptRequest> = {}): void {
    this.#acceptance.accept({ ...REQUEST, ...over }, (answer) => void this.answers.push(answer));
  }
  fire(): void {
    this.timers.shift()?.fire();
  }
  stop(): void {
    this.#acceptance.stop();
  }
  get asked(): readonly Ask[] {
    return this.#open.map(({ ask }) => ask);
  }
  get draft(): OutboxDraft {
    return this.drafts.at(-1) as OutboxDraft;
  }
  get last(): Extract<AcceptAnswer, { kind: "accepted" }> {
    return this.answers.at(-1) as Extract<AcceptAnswer, { kind: "accepted" }>;
  }
  answer(answer: object): void {
    this.#open.shift()?.reply({ kind: "ok", ...answer } as never);
  }
  /** The newest question. */
  answerLast(answer: object): void {
    this.#open.pop()?.reply({ kind: "ok", ...answer } as never);
  }
  /** Everything is answered as it is when all goes well. */
  throughout(): void {
    while (this.#open.length > 0) {
      const op = this.#open[0]?.ask.op;
      if (op === "contact.resolve") this.answer({ row: { id: "c1", country: null, tier: null } });
      else if (op === "conversation.get") this.answer({ seat: null });
      else this.answer({ messages: [{ id: this.draft.id, seat: this.draft.seat, seq: 1, duplicate: false }] });
    }
  }
}
