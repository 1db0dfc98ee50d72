/** Schedules on which a law was once broken. */
import { expect, it } from "vitest";
import { type ScheduleStep, take } from "./schedules.ts";
import { SEAT, World } from "./world.ts";

const SMALL = { seat: SEAT, window: 8, perConversation: 3, page: 4, remember: 4, perDevice: 3, recordBatch: 3 } as const;
const NO_WAITS = { ackFor: 1e9, askedFor: 1e9, orphanedFor: 1e9 } as const;

const accept = (conversation: number): ScheduleStep => ({ do: "accept", conversation, priority: 0 });
const store: ScheduleStep = { do: "store", fate: "ok" };
const go: ScheduleStep = { do: "connection", pick: 0, fate: "go" };
const open = (device: number): ScheduleStep => ({ do: "open", device, again: false });

/**
 * The store is read anew from its beginning (a reload) while a conversation waits for rows of its own far ahead: reading there
 * brought the last message of another one, whose middle message had not been seen yet.
 */
it("reads nothing ahead of a cursor that was set back", () => {
  const world = new World({ ...SMALL, ...NO_WAITS });
  const before: ScheduleStep[] = [accept(0), store, open(2), store, accept(2), go, { do: "crash" }];
  const backlog = [0, 3, 3, 0, 1, 1, 2, 1].map(accept);
  const refused: ScheduleStep[] = [go, go, go, { do: "whatsapp", pick: 0, says: 463 }, go, { do: "linkLost" }];
  const released: ScheduleStep[] = [
    { do: "acceptBriefly", conversation: 0, lasts: 1 },
    { do: "operator", pick: 0, word: "release" },
  ];
  const held: ScheduleStep = { do: "advance", by: 1000 };
  const steps = [...before, ...backlog, open(0), store, store, held, ...refused, store, store, store, ...released];
  for (const step of steps) take(world, step);
  world.reload();
  world.heal("a/1" as never);
  expect(world.unfinished()).toEqual([]);
});

/** A held message is known before the open ones are read; released at that moment, it went before one that was accepted earlier. */
it("hands no released message over before what was accepted before it is read", () => {
  const world = new World({ ...SMALL, ...NO_WAITS });
  const sentOnB: ScheduleStep[] = [store, store, { do: "acceptQuietly", conversation: 3 }, open(2), accept(3), go];
  const heldOnA: ScheduleStep[] = [{ do: "crash" }, store, open(0), store, store, { do: "advance", by: 1964 }, store];
  const released: ScheduleStep[] = [
    { do: "crash" },
    store,
    { do: "store", fate: "failed" },
    { do: "operator", pick: 0, word: "release" },
  ];
  for (const step of [...sentOnB, ...heldOnA, ...released]) take(world, step);
  world.reload();
  world.heal("a/1" as never);
  expect(world.unfinished()).toEqual([]);
});

/** A held message blocked its conversation for one that was accepted before it and was left in the store: that waited behind it. */
it("reads an earlier message of a conversation whose later one is held", () => {
  const world = new World({ ...SMALL, ...NO_WAITS });
  const heldOnB: ScheduleStep[] = [
    store,
    store,
    { do: "acceptQuietly", conversation: 1 },
    { do: "acceptQuietly", conversation: 1 },
  ];
  const sentOnA: ScheduleStep[] = [open(0), accept(1), go, go, { do: "restrict", account: "a", restricted: true }, open(2)];
  const steps: ScheduleStep[] = [...heldOnB, ...sentOnA, { do: "advance", by: 1000 }, store, store, { do: "close" }];
  for (const step of steps) take(world, step);
  expect([...world.rows.values()].map(({ state }) => state)).toEqual(["accepted", "accepted", "held"]);
  world.reload();
  world.heal("a/1" as never);
  expect(world.unfinished()).toEqual([]);
});

/** Asked whether it lets a conversation go, the queue said yes; then an earlier message of it turned up, and was sent. */
it("sends nothing of a conversation that it has let go, not even what turns up before it", () => {
  const world = new World({ ...SMALL, ...NO_WAITS });
  for (const step of [store, store, { do: "acceptQuietly", conversation: 4 } as const, accept(4)]) take(world, step);
  world.yield(4);
  world.reload();
  const wait: ScheduleStep[] = [store, store, open(0), store, go, go, { do: "advance", by: 1000 }];
  for (const step of wait) take(world, step);
  expect(world.wire).toEqual([]);
  world.settle("seat");
  expect([...world.rows.values()].map(({ seat }) => seat === SEAT)).toEqual([false, false]);
});
