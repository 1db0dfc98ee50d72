import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OutboxRow } from "../../machines/ports/store.ts";
import { Window } from "../../machines/delivery/window.ts";
import { isOpen } from "../../machines/delivery/outbox-state.ts";
import { scheduleOfMoves, take } from "./schedules.ts";
import { DEVICES, SEAT, World } from "./world.ts";

const SMALL = { seat: SEAT, window: 8, perConversation: 3, page: 4, remember: 4, perDevice: 3, recordBatch: 3 } as const;
const NO_WAITS = { ackFor: 1e9, askedFor: 1e9, orphanedFor: 1e9 } as const;
const runs = process.env["GREENROOM_FULL"] ? 20_000 : 800;

describe("a seat's queue that is asked for conversations", () => {
  it("lets none go of which anything has left, keeps all its laws, and loses nothing", () => {
    let evened = 0;
    fc.assert(
      fc.property(scheduleOfMoves, fc.nat(2), (steps, last) => {
        const world = new World({ ...SMALL, ...NO_WAITS });
        for (const step of steps) take(world, step);
        world.reload();
        world.heal(DEVICES[last] as never);
        expect(world.unfinished()).toEqual([]);
        evened += world.evened;
      }),
      { numRuns: runs },
    );
    expect(evened).toBeGreaterThan(10);
  });

  const begun = (): World => {
    const world = new World({ ...SMALL, ...NO_WAITS, pacing: { a: { perSecond: 1, burst: 1 } } as never });
    world.open(DEVICES[0] as never);
    world.settle();
    return world;
  };

  it("lets one go as a whole: its later messages with it", () => {
    const world = begun();
    for (let no = 0; no < 5; no++) world.accept(0);
    world.settle();
    world.yield(0);
    world.settle("seat");
    expect([...world.rows.values()].map(({ seat }) => seat === SEAT)).toEqual([false, false, false, false, false]);
    world.advance(60_000);
    world.settle();
    expect(world.wire).toEqual([]);
  });

  it("sends nothing of it while the roster has not answered, and goes on when it stays", () => {
    const world = begun();
    world.accept(0);
    world.settle();
    world.yield(0);
    world.advance(20_000);
    expect(world.jobs).toEqual([]);
    world.settle("nobody");
    world.advance(1_000);
    world.settle();
    expect(world.wire).toHaveLength(1);
  });

  it("keeps what has begun, what is under way, and what it does not have, and says why", () => {
    const world = begun();
    world.accept(0);
    world.advance(1_000);
    world.yield(0);
    world.settle();
    world.accept(0);
    world.settle();
    world.yield(0);
    world.yield(3);
    expect(world.kept).toEqual([
      "it is not its turn, or not known whether it is",
      "its contact knows a number of the line",
      "nothing of it waits here",
    ]);
    expect(isOpen(world.state("m2").state)).toBe(true);
  });

  it("sends nothing of it while the roster has not answered, though what was asked for expires meanwhile", () => {
    const world = new World({ ...SMALL, pacing: { a: { perSecond: 1, burst: 1 } } as never });
    world.open(DEVICES[0] as never);
    world.settle();
    const brief = world.accept(0, 5, 10);
    world.accept(0);
    world.settle();
    world.yield(0);
    world.advance(120_000);
    expect(world.jobs).toEqual([]);
    world.settle("nobody");
    world.advance(1_000);
    world.settle();
    expect(world.state(brief.id).state).toBe("failed");
    expect(world.wire.map(({ message }) => message)).toEqual(["m2"]);
  });

  it("lets it go when the answer comes late, its expired message too", () => {
    const world = begun();
    const brief = world.accept(0, 5, 10);
    world.accept(0);
    world.settle();
    world.yield(0);
    world.advance(120_000);
    world.settle("seat");
    expect([...world.rows.values()].map(({ seat }) => seat === SEAT)).toEqual([false, false]);
    expect(isOpen(world.state(brief.id).state)).toBe(true);
    world.advance(1_000);
    expect(world.jobs).toEqual([]);
  });

  it("asks for it again when the roster was started again", () => {
    const world = begun();
    world.accept(0);
    world.settle();
    world.yield(0);
    world.tell({ type: "queue.reload", isAnew: true });
    world.advance(1_000);
    world.settle();
    expect(world.wire).toHaveLength(1);
  });
});

describe("a seat's queue that gets a conversation", () => {
  const window = (): Window => new Window({ window: 64, perConversation: 8, page: 8, remember: 8, agingPerLevel: 1 });
  const row = (seq: number): OutboxRow => {
    const world = new World({ ...SMALL, ...NO_WAITS });
    for (let no = 1; no < seq; no++) world.accept(1);
    return world.accept(0);
  };
  const taken = (rows: readonly { readonly seq: number }[]): number[] => rows.map(({ seq }) => seq);

  it("takes none of its messages before it can see the earlier ones: neither offered ones nor such of a page", () => {
    const queue = window();
    queue.nextRead();
    queue.page([row(4)], false, 0);
    queue.awaits(row(2).conversation);
    expect(taken(queue.offer([row(5)], 0))).toEqual([]);
    queue.rewind(6);
    queue.nextRead();
    // The store has it here, and the page begins behind its first message.
    expect(taken(queue.page([row(6)], false, 0))).toEqual([]);
  });

  it("takes them in order once it has come, a page that was asked for before that left aside", () => {
    const queue = window();
    queue.nextRead();
    queue.page([], false, 0);
    queue.awaits(row(2).conversation);
    queue.offer([{ ...row(3), conversation: "line|c:9" as never }], 0);
    queue.rewind(4);
    queue.nextRead();
    queue.come(row(2).conversation);
    queue.rewind(2);
    expect(taken(queue.page([row(5)], false, 0))).toEqual([]);
    queue.nextRead();
    expect(taken(queue.page([row(2), row(5)], false, 0))).toEqual([2, 5]);
  });
});
