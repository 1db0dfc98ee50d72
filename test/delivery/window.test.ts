/** The part of a seat's messages that is in memory: what gets in, what is left in the store, and what comes back from there. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Window, type WindowLimits } from "../../machines/delivery/window.ts";
import type { Row } from "../../machines/delivery/window-row.ts";
import type { ConversationId } from "../../machines/ports/ids.ts";
import type { OutboxRow } from "../../machines/ports/store.ts";
import { id, row as plain } from "./pump.ts";

const LIMITS: WindowLimits = { window: 8, perConversation: 4, page: 4, remember: 3, agingPerLevel: 1000 };
const chat = (name: string): ConversationId => `sales:${name}` as ConversationId;
/** Row `seq` of the chat that is named. */
const of = (name: string, seq: number, more: Partial<OutboxRow> = {}): OutboxRow => ({
  ...plain(seq),
  conversation: chat(name),
  contact: name as never,
  ...more,
});
const held = { state: "held", reason: "unanswered" } as const;

/** A window over a store of which the test says what is in it. */
class Stage {
  readonly window: Window;
  readonly #limits: WindowLimits;
  stored: OutboxRow[];
  constructor(stored: readonly OutboxRow[], limits: Partial<WindowLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
    this.window = new Window(this.#limits);
    this.stored = [...stored];
  }

  /** One read from beginning to end: what came, or null if none is wanted. */
  read(meanwhile: () => void = () => undefined): string[] | null {
    const wanted = this.window.nextRead();
    if (wanted === null) return null;
    // As of when it was asked for.
    const open = this.stored.filter(({ seq }) => seq > wanted.afterSeq).toSorted((a, b) => a.seq - b.seq);
    meanwhile();
    const rows = open.slice(0, wanted.limit);
    return this.window.page(rows, open.length > wanted.limit, 0).map((row) => row.id);
  }
  readAll(): string[] {
    const all: string[] = [];
    for (let page = this.read(); page !== null; page = this.read()) all.push(...page);
    return all;
  }
  row(seq: number): Row {
    const row = this.window.get(id(seq));
    if (!row) throw new Error(`m${seq} is not in memory`);
    return row;
  }
  settle(seq: number): void {
    this.stored = this.stored.filter((each) => each.seq !== seq);
    this.window.settle(this.row(seq), 0);
  }
  get inMemory(): number[] {
    return this.stored.map(({ seq }) => seq).filter((seq) => this.window.get(id(seq)) !== undefined);
  }
  /** The messages that may be handed over, in their order; the window is as before. */
  get ready(): string[] {
    const { ready } = this.window;
    const first = [];
    for (let next = ready.peek(); next; next = ready.peek()) {
      first.push(next);
      ready.remove(next);
    }
    for (const each of first) ready.push(each);
    return first.map(({ rows }) => rows[0]?.id ?? "nothing");
  }
}
const chats = (count: number): OutboxRow[] => Array.from({ length: count }, (_, index) => of(`c${index + 1}`, index + 1));

describe("what is read", () => {
  it("is everything, a page at a time, and then nothing more", () => {
    const stage = new Stage(chats(6));
    expect(stage.window.hasRead).toBe(false);
    expect(stage.read()).toEqual(["m1", "m2", "m3", "m4"]);
    expect(stage.window.hasRead).toBe(true);
    expect(stage.read()).toEqual(["m5", "m6"]);
    expect(stage.read()).toBeNull();
  });

  it("is asked for once at a time, and again when a read fails", () => {
    const { window } = new Stage([]);
    expect(window.nextRead()).toEqual({ afterSeq: 0, limit: 4 });
    expect(window.nextRead()).toBeNull();
    window.unread();
    expect(window.hasRead).toBe(false);
    expect(window.nextRead()).toEqual({ afterSeq: 0, limit: 4 });
  });

  it("waits for room for a quarter of the window, or a page if that is less", () => {
    const stage = new Stage(chats(20));
    expect(stage.readAll()).toHaveLength(8);
    stage.settle(1);
    expect(stage.read()).toBeNull();
    stage.settle(2);
    expect(stage.read()).toEqual(["m9", "m10"]);
    const small = new Stage(chats(20), { page: 1 });
    expect(small.readAll()).toHaveLength(8);
    small.settle(1);
    expect(small.read()).toEqual(["m9"]);
  });

  it("ends before the row for which there is no room, and goes on there", () => {
    const stage = new Stage(chats(20), { page: 16 });
    expect(stage.readAll()).toHaveLength(8);
    expect(stage.window.count).toBe(8);
    for (const seq of [1, 2, 3]) stage.settle(seq);
    expect(stage.read()).toEqual(["m9", "m10", "m11"]);
  });

  it("leaves alone what the store gave back under distrust, and reads it again", () => {
    const stage = new Stage(chats(3));
    expect(stage.read(() => stage.window.distrust())).toEqual([]);
    expect(stage.window.hasRead).toBe(false);
    expect(stage.readAll()).toEqual(["m1", "m2", "m3"]);
  });

  it("brings nothing twice when it begins anew", () => {
    const stage = new Stage(chats(3));
    stage.readAll();
    stage.stored.push(of("c9", 9));
    stage.window.rewind();
    expect(stage.readAll()).toEqual(["m9"]);
    stage.window.rewind(3);
    expect(stage.window.nextRead()).toEqual({ afterSeq: 2, limit: 4 });
  });

  it("goes on from where it is told to, when that happens while a page is on its way", () => {
    const stage = new Stage(chats(6));
    expect(stage.read()).toHaveLength(4);
    expect(stage.read(() => stage.window.rewind(2))).toEqual(["m5", "m6"]);
    expect(stage.window.nextRead()?.afterSeq).toBe(1);
  });

  it("answers to nobody who did not ask", () => {
    const { window } = new Stage([]);
    expect(window.page([of("a", 1)], false, 0)).toEqual([]);
    expect(window.get(id(1))).toBeUndefined();
  });
});

describe("what was just accepted", () => {
  it("is taken at once where nothing older is unread, once", () => {
    const stage = new Stage([]);
    expect(stage.readAll()).toEqual([]);
    expect(stage.window.offer([of("a", 1), of("b", 2)], 0).map((row) => row.id)).toEqual(["m1", "m2"]);
    expect(stage.window.offer([of("a", 1), of("b", 2)], 0)).toEqual([]);
    expect(stage.window.nextRead()).toBeNull();
  });

  it("waits for its turn where something older is unread", () => {
    const stage = new Stage(chats(6));
    stage.read();
    stage.stored.push(of("z", 7));
    expect(stage.window.offer([of("z", 7)], 0)).toEqual([]);
    expect(stage.readAll()).toEqual(["m5", "m6", "m7"]);
  });

  it("is read by the next read where one is under way", () => {
    const stage = new Stage(chats(2));
    const late = of("z", 3);
    expect(
      stage.read(() => {
        expect(stage.window.offer([late], 0)).toEqual([]);
        stage.stored.push(late);
      }),
    ).toEqual(["m1", "m2"]);
    expect(stage.readAll()).toEqual(["m3"]);
  });

  it("is read from the store where there is no room for it", () => {
    const stage = new Stage(chats(8));
    stage.readAll();
    const late = of("z", 9);
    stage.stored.push(late);
    expect(stage.window.offer([late], 0)).toEqual([]);
    expect(stage.window.count).toBe(8);
    for (const seq of [1, 2]) stage.settle(seq);
    expect(stage.readAll()).toEqual(["m9"]);
  });

  it("and was committed after a later one: it is fetched, and goes first", () => {
    const stage = new Stage([]);
    stage.readAll();
    stage.window.offer([of("a", 5)], 0);
    const earlier = of("a", 4);
    stage.stored = [earlier, of("a", 5)];
    expect(stage.window.offer([earlier], 0)).toEqual([]);
    stage.readAll();
    expect(stage.ready).toEqual(["m4"]);
    expect(stage.row(4).conversation.rows.map(({ seq }) => seq)).toEqual([4, 5]);
  });
});

describe("an urgent one that was just accepted", () => {
  const offered = (name: string, seq: number, more: Partial<OutboxRow> = {}): OutboxRow & { readonly isFirst: boolean } => ({
    ...of(name, seq, { priority: 9, ...more }),
    isFirst: true,
  });
  /** A window that is full, with more in the store. */
  const full = (...more: readonly OutboxRow[]): Stage => {
    const stage = new Stage([...chats(20), ...more]);
    expect(stage.readAll()).toHaveLength(8);
    return stage;
  };

  it("is taken though the window is full, and goes first, if nothing of its conversation is before it", () => {
    const vip = offered("vip", 21);
    const stage = full(vip);
    expect(stage.window.offer([{ ...vip, isFirst: false }], 0)).toEqual([]);
    expect(stage.window.offer([of("vip", 21, { priority: 9 })], 0)).toEqual([]);
    expect(stage.window.offer([vip], 0).map((row) => row.id)).toEqual(["m21"]);
    expect(stage.ready[0]).toBe("m21");
  });

  it("is taken as the one for which there is no room, and while a read is under way", () => {
    const stage = new Stage(chats(8));
    stage.readAll();
    expect(stage.window.offer([offered("a", 9)], 0)).toHaveLength(1);
    const other = new Stage(chats(3));
    other.readAll();
    other.window.rewind();
    const vip = offered("vip", 4);
    other.read(() => {
      other.stored.push(vip);
      expect(other.window.offer([vip], 0)).toHaveLength(1);
      other.settle(4);
    });
    expect(other.readAll()).toEqual([]);
  });

  it("is left where it is if what was seen is as urgent, the longest wait that its priority is worth included", () => {
    for (const { more, taken } of [
      { more: { priority: 5 }, taken: 0 },
      { more: { priority: 6 }, taken: 1 },
      { more: { priority: 9, acceptedAt: 4000 }, taken: 0 },
      { more: { priority: 9, acceptedAt: 3999 }, taken: 1 },
    ])
      expect(full().window.offer([offered("vip", 21, more)], 0)).toHaveLength(taken);
  });

  it("is left where it is while its conversation has anything here", () => {
    const stage = full();
    expect(stage.window.offer([offered("vip", 21)], 0)).toHaveLength(1);
    expect(stage.window.offer([offered("vip", 22)], 0)).toEqual([]);
    const early = new Stage([]);
    expect(early.window.offer([offered("vip", 1)], 0)).toEqual([]);
  });

  it("finds less room the less urgent it is", () => {
    const taken = (priority: number): number => {
      const stage = new Stage(
        chats(20).map((row) => ({ ...row, priority: 0, acceptedAt: 0 })),
        { window: 40, agingPerLevel: 1000 },
      );
      stage.readAll();
      const filler = Array.from({ length: 100 }, (_, no) => ({ ...of(`f${no}`, 21 + no, { priority: 0, acceptedAt: 0 }) }));
      stage.window.offer(filler, 0);
      const rows = Array.from({ length: 30 }, (_, no) => offered(`v${no}`, 121 + no, { priority, acceptedAt: -1 }));
      return stage.window.offer(rows, 0).length;
    };
    expect([9, 5, 1, 0].map(taken)).toEqual([10, 6, 2, 0]);
  });

  it("is neither lost nor taken again when the cursor comes, and what is behind it follows in order", () => {
    const later = of("vip", 22, { priority: 9 });
    const stage = full(offered("vip", 21), later);
    stage.window.offer([offered("vip", 21), later], 0);
    const went: string[] = [];
    for (let [next] = stage.ready; next; [next] = stage.ready) {
      went.push(next);
      stage.settle(Number(next.slice(1)));
      stage.readAll();
    }
    expect(went[0]).toBe("m21");
    expect(went.toSorted()).toEqual([...chats(20).map((row) => row.id), "m21", "m22"].toSorted());
  });
});

describe("an earlier one that turns up", () => {
  it("sends those behind it back to the store: there may be more between them", () => {
    const stage = new Stage([], { page: 1 });
    stage.readAll();
    stage.window.offer([of("a", 5)], 0);
    stage.stored = [of("a", 3), of("a", 4), of("a", 5)];
    stage.window.offer([of("a", 3)], 0);
    expect(stage.read()).toEqual(["m3"]);
    expect(stage.inMemory).toEqual([3]);
    stage.settle(3);
    expect(stage.ready).toEqual([]);
    stage.readAll();
    expect(stage.ready).toEqual(["m4"]);
  });
});

describe("a row as the store has it", () => {
  const device = "m1/a" as never;
  const attempt = (number: number, outcome: OutboxRow["attempts"][number]["outcome"]): OutboxRow["attempts"][number] => ({
    number,
    outcome,
    device,
    seatTerm: 1 as never,
    at: 0,
    detail: null,
  });
  const read = (more: Partial<OutboxRow>): Row => {
    const stage = new Stage([of("a", 1, more)]);
    stage.readAll();
    return stage.row(1);
  };

  it("is unanswered if it was under way: whoever was to hear the answer is gone", () => {
    expect(read({ state: "dispatched" })).toMatchObject({ state: "unanswered", phase: "unanswered", doubts: [] });
    // What became of an attempt is written in its own time.
    expect(read({ state: "accepted", attempts: [attempt(1, "pending")] })).toMatchObject({
      state: "unanswered",
      phase: "unanswered",
      attempt: 1,
      doubts: [{ account: "m1", number: 1 }],
    });
    expect(read({ state: "held", attempts: [attempt(1, "pending")] })).toMatchObject({ state: "held", phase: "held" });
  });

  it("is what it was if all its attempts are known", () => {
    expect(read({ attempts: [attempt(1, "unsent"), attempt(2, "refused")] })).toMatchObject({
      state: "accepted",
      phase: "ready",
      attempt: 2,
      doubts: [],
      refusedBy: ["m1"],
      approved: false,
    });
  });

  it("was let go by an operator if it is accepted with an attempt that may have arrived", () => {
    expect(read({ attempts: [attempt(1, "unanswered")] })).toMatchObject({ state: "accepted", phase: "ready", approved: true });
    expect(read({ state: "unanswered", attempts: [attempt(1, "unanswered")] })).toMatchObject({
      phase: "unanswered",
      approved: false,
    });
  });
});

describe("a conversation with more than its share", () => {
  const long = Array.from({ length: 12 }, (_, index) => of("a", index + 1));

  it("leaves the rest in the store, others flow, and it is fetched when a quarter of its share is left", () => {
    const stage = new Stage([...long, of("b", 13)], { window: 20, page: 20 });
    expect(stage.readAll()).toEqual(["m1", "m2", "m3", "m4", "m13"]);
    for (const seq of [1, 2]) stage.settle(seq);
    expect(stage.read()).toBeNull();
    stage.settle(3);
    expect(stage.readAll()).toEqual(["m5", "m6", "m7"]);
    expect(stage.inMemory).toEqual([4, 5, 6, 7, 13]);
  });

  it("is fetched in turn with what nobody has seen yet: neither waits until the other is done", () => {
    const [a, b] = ["a", "b"].map((name, place) => Array.from({ length: 6 }, (_, index) => of(name, 6 * place + index + 1)));
    const others = Array.from({ length: 9 }, (_, index) => of(`c${index}`, 13 + index));
    const stage = new Stage([...(a ?? []), ...(b ?? []), ...others], { window: 30, page: 2 });
    for (let page = 0; page < 6; page++) stage.read();
    for (const seq of [1, 2, 3, 7, 8, 9]) stage.settle(seq);
    expect([stage.read(), stage.read(), stage.read(), stage.read()]).toEqual([
      ["m5", "m6"],
      ["m13", "m14"],
      ["m11", "m12"],
      ["m15", "m16"],
    ]);
  });

  it("goes in order to the end, whatever the pages", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 60 }),
        fc.record({
          window: fc.integer({ min: 1, max: 12 }),
          perConversation: fc.integer({ min: 1, max: 5 }),
          page: fc.integer({ min: 1, max: 9 }),
        }),
        fc.infiniteStream(fc.nat()),
        (names, limits, choices) => {
          const stage = new Stage(
            names.map((name, index) => of(name, index + 1)),
            limits,
          );
          const went: OutboxRow[] = [];
          while (stage.stored.length > 0) {
            stage.readAll();
            if (stage.window.count > limits.window) throw new Error(`${stage.window.count} rows in memory`);
            const { ready } = stage;
            const next = ready[(choices.next().value ?? 0) % ready.length];
            const row = stage.stored.find((each) => each.id === next);
            if (!row) throw new Error(`nothing is ready, ${stage.stored.length} are left`);
            went.push(row);
            stage.settle(row.seq);
          }
          for (const name of ["a", "b", "c"]) {
            const order = went.filter(({ contact }) => contact === (name as never)).map(({ seq }) => seq);
            expect(order).toEqual(order.toSorted((a, b) => a - b));
          }
          expect(went).toHaveLength(names.length);
        },
      ),
    );
  });
});

describe("a conversation that is blocked for long", () => {
  const three = [of("a", 1), of("a", 2), of("a", 3), of("b", 4)];

  it("leaves what is behind the one that blocks in the store, beside the limit, until that one goes on", () => {
    const stage = new Stage(three);
    stage.readAll();
    stage.window.move(stage.row(1), "held", 0);
    expect(stage.inMemory).toEqual([1, 4]);
    expect(stage.window.count).toBe(1);
    expect(stage.read()).toBeNull();
    stage.window.move(stage.row(1), "ready", 0);
    expect(stage.window.count).toBe(2);
    expect(stage.readAll()).toEqual(["m2", "m3"]);
    expect(stage.ready).toEqual(["m1", "m4"]);
  });

  it.each(["held", "releasing", "rerouting", "capped"] as const)("is so while its first is %s", (phase) => {
    const stage = new Stage(three);
    stage.readAll();
    stage.window.move(stage.row(1), phase, 0);
    expect(stage.inMemory).toEqual([1, 4]);
    expect(stage.window.count).toBe(1);
  });

  it("is so when it could not be prepared twice in a row, and not after once", () => {
    const stage = new Stage(three);
    stage.readAll();
    stage.row(1).tries = 1;
    stage.window.move(stage.row(1), "delayed", 0, 500);
    expect(stage.inMemory).toEqual([1, 2, 3, 4]);
    stage.row(1).tries = 2;
    stage.window.move(stage.row(1), "delayed", 0, 500);
    expect(stage.inMemory).toEqual([1, 4]);
    // It waits for a moment, so it has its place.
    expect(stage.window.count).toBe(2);
  });

  it("keeps what is more here than in the store: what is not ready, and what the store has not confirmed", () => {
    const stage = new Stage([...three, of("a", 5)]);
    stage.readAll();
    stage.row(2).unrecorded = 1;
    stage.window.move(stage.row(3), "unanswered", 0, 900);
    stage.window.move(stage.row(1), "held", 0);
    expect(stage.inMemory).toEqual([1, 2, 3, 4]);
  });

  it("takes nothing new, though it is read or offered", () => {
    const stage = new Stage(three);
    stage.readAll();
    stage.window.move(stage.row(1), "held", 0);
    stage.stored.push(of("a", 5));
    expect(stage.window.offer([of("a", 5)], 0)).toEqual([]);
    stage.window.rewind();
    expect(stage.readAll()).toEqual([]);
    stage.settle(1);
    expect(stage.readAll()).toEqual(["m2", "m3", "m5"]);
  });
});

describe("who is next", () => {
  it("is who was accepted first; a level of priority is worth its ageing, and among equals the first accepted goes first", () => {
    const stage = new Stage([
      of("a", 1, { acceptedAt: 0, priority: 5 }),
      of("b", 2, { acceptedAt: 900, priority: 6 }),
      of("c", 3, { acceptedAt: 1100, priority: 6 }),
      of("d", 4, { acceptedAt: 1000, priority: 6 }),
    ]);
    stage.readAll();
    expect(stage.ready).toEqual(["m2", "m1", "m4", "m3"]);
  });

  it("is only the first of each conversation, and only while it is ready", () => {
    const stage = new Stage([of("a", 1), of("a", 2), of("b", 3)]);
    stage.readAll();
    expect(stage.ready).toEqual(["m1", "m3"]);
    for (const phase of ["asked", "sent", "orphaned", "unanswered", "delayed"] as const) {
      stage.window.move(stage.row(1), phase, 0);
      expect(stage.ready).toEqual(["m3"]);
    }
    stage.settle(1);
    expect(stage.ready).toEqual(["m2", "m3"]);
  });

  it("is nobody of a conversation that yields, not even an earlier one that turns up, until it is known to stay", () => {
    const stage = new Stage([of("a", 2)]);
    stage.readAll();
    stage.window.yields(stage.row(2), 0);
    expect(stage.row(2).phase).toBe("rerouting");
    stage.stored.unshift(of("a", 1));
    stage.window.rewind();
    stage.readAll();
    expect(stage.inMemory).toContain(1);
    expect(stage.ready).toEqual([]);
    stage.window.stays(stage.row(2), 0);
    expect(stage.ready).toEqual(["m1"]);
  });

  it("is what is under way, before an earlier one that turns up; then that one", () => {
    const stage = new Stage([of("a", 2), of("a", 3)]);
    stage.readAll();
    stage.window.move(stage.row(2), "asked", 0);
    stage.stored.unshift(of("a", 1));
    stage.window.rewind();
    stage.readAll();
    expect(stage.row(2).conversation.rows[0]?.seq).toBe(2);
    stage.window.move(stage.row(2), "ready", 0);
    expect(stage.ready).toEqual(["m1"]);
  });
});

describe("what is looked at again", () => {
  const expiring = { expiresAt: 700 };
  const dueOf = (phase: Row["phase"], wakeAt?: number): number | undefined => {
    const stage = new Stage([of("a", 1, expiring)]);
    stage.readAll();
    stage.window.move(stage.row(1), phase, 0, wakeAt);
    return stage.window.due.peek()?.dueAt;
  };

  it("is what expires while it waits", () => {
    for (const phase of ["ready", "held", "releasing", "capped", "rerouting"] as const) expect(dueOf(phase)).toBe(700);
  });
  it("is what waits for a moment: at that moment, or when it expires", () => {
    expect(dueOf("delayed", 300)).toBe(300);
    expect(dueOf("delayed", 900)).toBe(700);
  });
  it("is what has no answer: when it is decided about, though it expires before", () => {
    expect(dueOf("unanswered", 900)).toBe(900);
    expect(dueOf("unanswered")).toBe(700);
  });
  it("is never what is under way, or is looked for another seat by its number: nothing of it goes on before the answer", () => {
    for (const phase of ["asked", "sent", "orphaned"] as const) expect(dueOf(phase)).toBeUndefined();
    const stage = new Stage([of("a", 1, expiring)]);
    stage.readAll();
    stage.row(1).askedAs = "full";
    stage.window.move(stage.row(1), "rerouting", 0);
    expect(stage.window.due.peek()).toBeUndefined();
  });
  it("is nothing that has no end", () => {
    const stage = new Stage([of("a", 1)]);
    stage.readAll();
    for (const phase of ["held", "delayed", "unanswered", "ready"] as const) {
      stage.window.move(stage.row(1), phase, 0);
      expect(stage.window.due.peek()).toBeUndefined();
    }
  });
  it("is the soonest first, and among equals the first accepted", () => {
    const stage = new Stage([of("a", 1, expiring), of("b", 2, { expiresAt: 600 }), of("c", 3, { expiresAt: 600 })]);
    stage.readAll();
    const order = [];
    for (let next = stage.window.due.peek(); next; next = stage.window.due.peek()) {
      order.push(next.id);
      stage.settle(next.seq);
    }
    expect(order).toEqual(["m2", "m3", "m1"]);
  });
});

describe("a conversation that another seat has now", () => {
  it("goes, but for what is under way, which leaves with its fact; then the store is asked what came back", () => {
    const stage = new Stage([of("a", 1), of("a", 2), of("b", 3)]);
    stage.readAll();
    stage.window.move(stage.row(1), "sent", 0);
    const first = stage.row(1);
    stage.window.depart(chat("a"));
    expect(stage.inMemory).toEqual([1, 3]);
    expect(first.isLeaving).toBe(true);
    expect(stage.read()).toBeNull();
    stage.window.leave(first);
    expect(stage.inMemory).toEqual([3]);
    expect(stage.window.nextRead()).toEqual({ afterSeq: 0, limit: 4 });
  });

  it("is not brought back by a read that was under way", () => {
    const stage = new Stage([of("a", 1), of("b", 2)]);
    expect(stage.read(() => stage.window.depart(chat("a")))).toEqual(["m2"]);
    stage.window.rewind();
    expect(stage.readAll()).toEqual(["m1"]);
  });

  it.each([0, 3, 4])("is asked for nowhere: what it had in the store is no longer its own (%i of 6 have gone)", (gone) => {
    const stage = new Stage(
      Array.from({ length: 6 }, (_, index) => of("a", index + 1)),
      { page: 10 },
    );
    stage.readAll();
    for (let seq = 1; seq <= gone; seq++) stage.settle(seq);
    stage.window.depart(chat("a"));
    expect(stage.read()).toBeNull();
    expect([...stage.window.conversations].flatMap(({ rows }) => rows)).toEqual([]);
  });

  it("is left alone on its way here, until it has come", () => {
    const stage = new Stage([of("a", 1), of("b", 2)]);
    stage.window.awaits(chat("a"));
    expect(stage.readAll()).toEqual(["m2"]);
    stage.stored.push(of("a", 3));
    expect(stage.window.offer([of("a", 3)], 0)).toEqual([]);
    expect(stage.window.adopt([of("a", 1, held)], 0)).toEqual([]);
    stage.window.come(chat("a"));
    stage.window.rewind();
    expect(stage.readAll()).toEqual(["m1", "m3"]);
  });

  it("has come while a read was under way, which may have begun behind its first rows", () => {
    const stage = new Stage([of("a", 1), of("b", 2)]);
    stage.window.awaits(chat("a"));
    expect(stage.read(() => stage.window.comeAll())).toEqual(["m2"]);
    stage.window.rewind();
    expect(stage.readAll()).toEqual(["m1"]);
  });
});

describe("held messages, which come by a list of their own", () => {
  it("stand in their place before anything is read, once", () => {
    const stage = new Stage([of("a", 2), of("b", 3)]);
    expect(stage.window.adopt([of("a", 1, held)], 0).map((row) => row.id)).toEqual(["m1"]);
    expect(stage.window.adopt([of("a", 1, held)], 0)).toEqual([]);
    expect(stage.window.count).toBe(0);
    expect(stage.readAll()).toEqual(["m3"]);
  });

  it("do not go before what is unread: an earlier one of their conversation may be there", () => {
    const stage = new Stage([of("a", 1), ...chats(8).slice(1)], { window: 20 });
    const [late] = stage.window.adopt([of("z", 6, held)], 0);
    stage.window.move(late as Row, "ready", 0);
    expect(stage.ready).toEqual([]);
    stage.read();
    expect(stage.ready).not.toContain("m6");
    stage.read();
    expect(stage.ready).toContain("m6");
  });

  it("go once the end of the store is reached, however far they are", () => {
    const stage = new Stage([of("a", 1)]);
    const [late] = stage.window.adopt([of("z", 60, held)], 0);
    stage.window.move(late as Row, "ready", 0);
    stage.readAll();
    expect(stage.ready).toEqual(["m1", "m60"]);
  });
});

describe("what is settled", () => {
  it("is known by its id and its WhatsApp id for a while, without its content: then it is forgotten, the oldest first", () => {
    const stage = new Stage(chats(5));
    for (let page = stage.read(); page; page = stage.read());
    for (const seq of [1, 2, 3]) stage.settle(seq);
    expect(stage.window.byWaId("w1" as never)).toMatchObject({ id: "m1", content: null, phase: "settled" });
    expect(stage.window.count).toBe(2);
    stage.settle(4);
    expect(stage.window.byWaId("w1" as never)).toBeUndefined();
    expect(stage.window.get(id(1))).toBeUndefined();
    expect(stage.window.get(id(2))).toBeDefined();
  });

  it("is not forgotten before the store knows of it, nor is what came after it", () => {
    const stage = new Stage(chats(6));
    stage.readAll();
    const first = stage.row(1);
    first.unrecorded = 1;
    for (const seq of [1, 2, 3, 4, 5]) stage.settle(seq);
    expect([1, 2, 3, 4, 5].filter((seq) => stage.window.get(id(seq)))).toEqual([1, 2, 3, 4, 5]);
    first.unrecorded = 0;
    stage.settle(6);
    expect([1, 2, 3, 4, 5, 6].filter((seq) => stage.window.get(id(seq)))).toEqual([4, 5, 6]);
  });

  it("is not forgotten while a read is under way that may have seen it before: so nothing comes twice", () => {
    const stage = new Stage(chats(5), { remember: 1 });
    stage.readAll();
    stage.window.rewind();
    expect(
      stage.read(() => {
        for (const seq of [1, 2, 3, 4]) stage.settle(seq);
      }),
    ).toEqual([]);
    expect([1, 2, 3, 4].filter((seq) => stage.window.get(id(seq)))).toEqual([4]);
  });
});
