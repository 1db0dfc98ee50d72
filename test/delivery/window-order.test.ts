/** Whatever reads, set-backs, moves and restarts come between: each message leaves once, behind all of its conversation before it. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Window, type WindowLimits } from "../../machines/delivery/window.ts";
import type { Row } from "../../machines/delivery/window-row.ts";
import type { ConversationId } from "../../machines/ports/ids.ts";
import type { OutboxRow } from "../../machines/ports/store.ts";
import { row as plain } from "./pump.ts";

const LIMITS: WindowLimits = { window: 8, perConversation: 3, page: 4, remember: 3, agingPerLevel: 1000 };
const chat = (no: number): ConversationId => `sales:${no}` as ConversationId;
const CHATS = 14;

type Where = "open" | "held" | "settled";
interface Stored {
  readonly row: OutboxRow;
  /** As the store knows it. */
  where: Where;
}

/** A store, and a window that a queue uses as it should. */
class World {
  window = new Window(LIMITS);
  now = 0;
  /** Taken as they were offered, though the cursor had not come to them. */
  early = 0;
  readonly #went = new Set<number>();
  readonly #stored: Stored[] = [];
  readonly #away = new Set<number>();
  #underWay: Row[] = [];
  /** Settled, and not yet written down. */
  #unwritten: Row[] = [];
  #released = 0;
  #read: { readonly rows: readonly OutboxRow[]; readonly more: boolean } | null = null;

  accept(of: number, priority: number, isAnswered: boolean): void {
    const seq = this.#stored.length + 1;
    const isFirst = !this.#stored.some(({ row, where }) => row.conversation === chat(of) && where !== "settled");
    const row: OutboxRow = { ...plain(seq), conversation: chat(of), priority, acceptedAt: this.now };
    this.#stored.push({ row, where: "open" });
    if (this.#away.has(of)) return;
    if (!isAnswered) return this.window.rewind();
    const isBehind = this.#stored.some((each) => each.row.seq < seq && this.#isUnread(each));
    const taken = this.window.offer([{ ...row, isFirst }], this.now);
    if (isBehind) this.early += taken.length;
    this.check();
  }
  #isUnread({ row, where }: Stored): boolean {
    return where === "open" && this.window.get(row.id) === undefined;
  }

  ask(): void {
    const wanted = this.window.nextRead();
    if (!wanted) return;
    const open = this.#stored.filter(({ row, where }) => where === "open" && row.seq > wanted.afterSeq && !this.#isAway(row));
    this.#read = { rows: open.slice(0, wanted.limit).map(({ row }) => row), more: open.length > wanted.limit };
  }
  answer(fails: boolean): void {
    const read = this.#read;
    if (!read) return;
    this.#read = null;
    if (fails) return this.window.unread();
    this.window.page(read.rows, read.more, this.now);
    this.check();
  }

  /** Of the `choice`th of those that may: it leaves, or is held. */
  handOver(choice: number, isHeld: boolean): boolean {
    const heads = [...this.window.conversations].filter(({ slot }) => slot >= 0);
    const row = isHeld || choice > 0 ? heads[choice % heads.length]?.rows[0] : this.window.ready.peek()?.rows[0];
    if (!row) return false;
    this.#mustBeNext(row);
    if (isHeld) {
      this.#at(row).where = "held";
      this.window.move(row, "held", this.now);
    } else {
      this.#went.add(row.seq);
      this.#underWay.push(row);
      this.window.move(row, "asked", this.now);
    }
    return true;
  }
  #mustBeNext(row: Row): void {
    const before = this.#stored.find(
      ({ row: each, where }) =>
        each.conversation === row.conversation.id && each.seq < row.seq && where !== "settled" && !this.#isOver(each.seq),
    );
    if (before) throw new Error(`${row.id} may leave before ${before.row.id}`);
    if (this.#went.has(row.seq)) throw new Error(`${row.id} leaves again`);
  }
  #isOver = (seq: number): boolean => this.#unwritten.some((row) => row.seq === seq);

  prove(): void {
    const row = this.#underWay.shift();
    if (!row) return;
    row.unrecorded = 1;
    this.#unwritten.push(row);
    this.window.settle(row, this.now);
  }
  write(): void {
    for (const row of this.#unwritten) {
      this.#at(row).where = "settled";
      row.unrecorded = 0;
    }
    this.#unwritten = [];
  }
  release(): void {
    const held = this.#stored.find(({ row, where }) => where === "held" && this.window.get(row.id)?.phase === "held");
    const row = held && this.window.get(held.row.id);
    if (!held || !row) return;
    held.where = "open";
    this.#released++;
    this.window.move(row, "ready", this.now);
  }

  /** Another seat has the conversation, and gives it back. */
  leave(of: number): void {
    if (this.#away.has(of) || this.#underWay.some((row) => row.conversation.id === chat(of))) return;
    this.write();
    this.#away.add(of);
    this.window.depart(chat(of));
  }
  comeBack(of: number): void {
    // The store answers in order: a read that was asked for before comes before the list of held ones.
    this.answer(false);
    if (!this.#away.delete(of)) return;
    this.window.come(chat(of));
    this.window.rewind(this.#stored.find(({ row, where }) => row.conversation === chat(of) && where !== "settled")?.row.seq);
    this.#adopt();
  }
  restart(): void {
    while (this.#underWay.length > 0) this.prove();
    this.write();
    this.#read = null;
    this.window = new Window(LIMITS);
    this.#adopt();
  }
  #adopt(): void {
    const held = this.#stored.filter(({ row, where }) => where === "held" && !this.#isAway(row));
    this.window.adopt(
      held.map(({ row }) => ({ ...row, state: "held" })),
      this.now,
    );
  }
  #isAway = (row: OutboxRow): boolean => [...this.#away].some((of) => chat(of) === row.conversation);
  #at(row: Row): Stored {
    const stored = this.#stored[row.seq - 1];
    if (!stored) throw new Error(`${row.id} was never accepted`);
    return stored;
  }

  check(): void {
    // What an operator released comes back beside the limit.
    if (this.window.count > LIMITS.window + (LIMITS.window >> 2) + this.#released)
      throw new Error(`${this.window.count} rows in memory`);
  }

  /** Nothing stands in the way of anything any more. Those that never left. */
  end(): OutboxRow[] {
    for (let of = 0; of < CHATS; of++) this.comeBack(of);
    for (let steps = 0; this.#stored.some(({ where }) => where !== "settled"); steps++) {
      if (steps > 5000) throw new Error("something is forgotten");
      this.ask();
      this.answer(false);
      this.release();
      this.handOver(0, false);
      this.prove();
      this.write();
    }
    return this.#stored.map(({ row }) => row).filter(({ seq }) => !this.#went.has(seq));
  }
}

const chatNo = fc.nat(CHATS - 1);
const action = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.tuple(chatNo, fc.nat(9), fc.constantFrom(true, true, true, true, true, false)).map(
      ([of, priority, isAnswered]) =>
        (world: World): void =>
          world.accept(of, priority, isAnswered),
    ),
  },
  { weight: 4, arbitrary: fc.constant((world: World): void => world.ask()) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(false, false, false, true).map(
      (fails) =>
        (world: World): void =>
          world.answer(fails),
    ),
  },
  {
    weight: 6,
    arbitrary: fc.nat(9).map(
      (choice) =>
        (world: World): void =>
          void world.handOver(choice, choice === 9),
    ),
  },
  { weight: 4, arbitrary: fc.constant((world: World): void => world.prove()) },
  { weight: 2, arbitrary: fc.constant((world: World): void => world.write()) },
  { weight: 1, arbitrary: fc.constant((world: World): void => world.release()) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 40 }).map(
      (from) =>
        (world: World): void =>
          world.window.rewind(from),
    ),
  },
  {
    weight: 1,
    arbitrary: chatNo.map(
      (of) =>
        (world: World): void =>
          world.leave(of),
    ),
  },
  {
    weight: 1,
    arbitrary: chatNo.map(
      (of) =>
        (world: World): void =>
          world.comeBack(of),
    ),
  },
  { weight: 1, arbitrary: fc.constant((world: World): void => world.restart()) },
  {
    weight: 2,
    arbitrary: fc.nat(2000).map(
      (by) =>
        (world: World): void =>
          void (world.now += by),
    ),
  },
);

describe("a window of a seat's messages", () => {
  it("keeps the order of each conversation, forgets nothing, gives nothing twice, and is never above its bound", () => {
    let early = 0;
    fc.assert(
      fc.property(fc.array(action, { minLength: 20, maxLength: 160, size: "max" }), (actions) => {
        const world = new World();
        for (const act of actions) act(world);
        expect(world.end()).toEqual([]);
        early += world.early;
      }),
      { numRuns: 300 },
    );
    expect(early).toBeGreaterThan(100);
  });
});
