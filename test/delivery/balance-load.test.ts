import { describe, expect, it } from "vitest";
import { Balance } from "../../machines/delivery/balance/index.ts";
import { Load, type QueueView } from "../../machines/delivery/balance/load.ts";
import { balanceOf } from "../../machines/delivery/balance/settings.ts";
import type { queue } from "../../machines/delivery/queue.ts";
import { roster } from "../../machines/fleet/roster.ts";
import { accountId, deviceId, type MessageId, type SeatId, seatId, type SeatTerm, type WaId } from "../../machines/ports/ids.ts";
import { detectorOf, type Effect, type QueueEvent, tell } from "../../machines/protocol.ts";
import { BUSY, HOLDER, LINE, rosterInput, SEAT } from "../fleet/stage.ts";

const device = deviceId(accountId("m1"), "a");
const other = deviceId(accountId("m2"), "a");
const message = (no: number): MessageId => `m${no}` as MessageId;
const wake = (at: number): QueueEvent => ({ type: "wake", at });
const open = (holder: typeof device, at: number): QueueEvent => ({
  type: "queue.open",
  device: holder,
  account: accountId("m1"),
  term: 1 as SeatTerm,
  resolveFor: 0,
  at,
});
const view = (inMemory: number, underWay: number): QueueView => ({ holder: device, inMemory, underWay });
const handed = (no: number): Effect =>
  ({ op: "connection", command: { op: "send", device, message: message(no) } }) as unknown as Effect;
const answered = (no: number): Effect =>
  tell(detectorOf(device), { type: "attempt.answered", message: message(no), byAck: true });
const dropped = (no: number): Effect => tell(detectorOf(device), { type: "attempt.dropped", message: message(no) });

const opened = (): Load => {
  const load = new Load();
  load.note(open(device, 0), [], view(0, 0), 0);
  return load;
};
/** So many messages, each answered after `took`. */
const answers = (load: Load, count: number, took: number): number => {
  let at = 0;
  for (let no = 0; no < count; no++) {
    load.note(wake(at), [handed(no)], view(1, 1), at);
    at += took;
    load.note(wake(at), [answered(no)], view(0, 0), at);
  }
  return at;
};

describe("the load of a seat", () => {
  it("learns how long answers take, and forgets by and by", () => {
    const load = opened();
    const at = answers(load, 40, 1000);
    const seen = load.latency(at);
    expect(Math.abs(seen - 950)).toBeLessThan(50);
    expect(load.latency(at + 30_000)).toBeCloseTo(250 + (seen - 250) / 2, 6);
    expect(load.latency(at + 600_000)).toBeCloseTo(250, 1);
  });

  it("counts refusals and attempts that came to nothing as errors, until they are long ago", () => {
    const load = opened();
    for (let no = 0; no < 5; no++) load.note(wake(0), [handed(no)], view(5, 5), 0);
    for (let no = 0; no < 4; no++) load.note(wake(10), [dropped(no)], view(5, 1), 10);
    const refused: QueueEvent = { type: "refused", device, waId: "w" as WaId, code: 463, at: 20 };
    load.note(refused, [answered(4)], view(0, 0), 20);
    expect(load.errors(20)).toBeCloseTo(1 - 0.8 ** 5, 3);
    expect(load.errors(20 + 300_000)).toBeLessThan(0.001);
    const errors = load.errors(20);
    expect(load.wait(null, 20).answer).toBeCloseTo(load.latency(20) / (1 - errors), 6);
  });

  it("lets a message wait for those before it, for what was placed a moment ago, and for the account's pace", () => {
    const load = opened();
    const idle = load.wait(null, 0).answer;
    load.note(wake(0), [], view(45, 5), 0);
    expect(load.wait(null, 0).answer).toBe(idle + (40 * 250) / 20);
    load.place(0);
    expect(load.waiting).toBe(41);
    expect(load.wait({ tokens: 2, perSecond: 4 }, 1000).freeAt).toBe(11_000);
    expect(load.wait({ tokens: 50, perSecond: 4 }, 1000).freeAt).toBe(0);
    load.note({ type: "queue.offer", rows: [{} as never], at: 10 }, [], view(46, 5), 10);
    expect(load.waiting).toBe(41);
  });

  it("forgets what was placed and never came", () => {
    const load = opened();
    load.place(0);
    load.note(wake(5001), [], view(0, 0), 5001);
    expect(load.waiting).toBe(0);
  });

  it("takes an answer that is owed for one that is slow", () => {
    const load = opened();
    load.note(wake(100), [handed(1), handed(2)], view(2, 2), 100);
    load.note(wake(150), [answered(1)], view(1, 1), 150);
    expect(load.wait(null, 2000).unansweredSince).toBe(100);
    expect(load.reading(2000).slowness).toBeGreaterThan(7);
    load.note(
      { type: "unsent", device, message: message(2), attempt: 1, why: "closed", detail: "", at: 2000 },
      [],
      view(1, 0),
      2000,
    );
    expect(load.wait(null, 2000).unansweredSince).toBe(Number.POSITIVE_INFINITY);
  });

  it("waits for no answer longer than half a minute: what became of that attempt was not said here", () => {
    const load = opened();
    load.note(wake(100), [handed(1)], view(1, 1), 100);
    load.note(wake(20_000), [handed(2)], view(2, 2), 20_000);
    expect(load.wait(null, 30_100).unansweredSince).toBe(100);
    expect(load.wait(null, 30_101).unansweredSince).toBe(20_000);
    expect(load.wait(null, 50_001).unansweredSince).toBe(Number.POSITIVE_INFINITY);
  });

  it("begins anew with another device", () => {
    const load = opened();
    const at = answers(load, 40, 2000);
    load.note(open(other, at), [], { ...view(0, 0), holder: other }, at);
    expect(load.latency(at)).toBe(250);
    expect(load.reading(at)).toEqual({ slowness: 1, errors: 0 });
  });
});

describe("a seat that was slow", () => {
  const OTHER_SEAT = seatId(LINE, accountId("m2"));
  /** Of a queue only what it shows: what happens there is given with each event. */
  const shown = {
    start: ({ seat }: { seat: SeatId }) => ({ state: { seat, ...view(1, 1) }, effects: [], wakeAt: null }),
    receive: (state: object, { effects }: { effects: readonly Effect[] }) => ({ state, effects, wakeAt: null }),
  } as unknown as typeof queue;

  it("is tried again once that is long ago, though nobody has tried it in between", () => {
    const balance = new Balance({
      lines: [LINE],
      settings: () => balanceOf(LINE, ["m1", "m2"].map(accountId), { strategy: "least-loaded", adaptive: false }),
      strategies: [],
      onFault: ({ what }) => {
        throw new Error(what);
      },
    });
    const actors = balance.lookingOn({ roster, queue: shown });
    const { state } = actors.roster.start(rosterInput(), 0);
    const holders = [
      [SEAT, HOLDER],
      [OTHER_SEAT, BUSY],
    ] as const;
    for (const [seat, id] of holders) {
      actors.roster.receive(state, { type: "seat.stands", seat, holder: id, term: 1 as SeatTerm, at: 0 });
      const well = { state: "healthy", cause: null, isFinal: false, lastEvidenceAt: 0, at: 0 } as const;
      actors.roster.receive(state, { type: "device.health", device: id, ...well });
    }
    const queues = new Map([SEAT, OTHER_SEAT].map((seat) => [seat, actors.queue.start({ seat }, 0).state]));
    const note = (seat: SeatId, at: number, effects: readonly Effect[] = []): void => {
      actors.queue.receive(queues.get(seat) as never, { ...wake(at), effects } as never);
    };
    for (let no = 0; no < 10; no++) {
      note(SEAT, no * 2000, [handed(no)]);
      note(SEAT, no * 2000 + 2000, [answered(no)]);
    }
    const chosen = (from: number, count: number): readonly (SeatId | undefined)[] =>
      Array.from({ length: count }, (_, no) => {
        const at = from + no * 6000;
        // What was placed there before has come.
        note(OTHER_SEAT, at);
        return balance.choose(LINE, { country: null, tier: null, region: null }, at);
      });
    expect(new Set(chosen(20_000, 5))).toEqual(new Set([OTHER_SEAT]));
    expect(new Set(chosen(400_000, 5))).toEqual(new Set([SEAT, OTHER_SEAT]));
  });
});
