import { beforeEach, describe, expect, it } from "vitest";
import type { ConnectionCommand, ConnectionFact, ConnectionPort } from "../../machines/ports/connection.ts";
import {
  accountId,
  deviceId,
  lineId,
  type MessageId,
  seatId,
  seatTerm,
  type ContactId,
  type WaId,
  postOf,
} from "../../machines/ports/ids.ts";
import type { PerformanceRow } from "../../machines/ports/store.ts";
import { groupsOf, imbalanceOf } from "../../src/runtime/performance.ts";
import { measured, PerformanceLog } from "../../src/runtime/performance-log.ts";
import { Series } from "../../src/runtime/series.ts";

const LINE = lineId("sales");
const [ONE, TWO] = [accountId("sales-1"), accountId("sales-2")];
const SEAT = seatId(LINE, ONE);
const [A, OTHER] = [deviceId(ONE, "a"), deviceId(TWO, "a")];

const send = (n: number, device = A, attempt = 1): ConnectionCommand => ({
  op: "send",
  device,
  seat: SEAT,
  term: seatTerm(1),
  message: `m${n}` as MessageId,
  waId: `3EB0${n}` as WaId,
  contact: "c:1" as ContactId,
  content: { kind: "text", text: "hi" },
  attempt,
});
const about = (n: number, at: number) => ({ device: A, at, waId: `3EB0${n}` as WaId });
const sent = (n: number, at: number): ConnectionFact => ({
  kind: "sent",
  device: A,
  at,
  message: `m${n}` as MessageId,
  attempt: 1,
});
const acked = (n: number, at: number): ConnectionFact => ({ kind: "acked", ...about(n, at) });

describe("a series", () => {
  let series: Series;
  beforeEach(() => {
    series = new Series();
  });
  const nothing = { seat: SEAT, account: ONE, sent: 0, acked: 0, failed: 0, p50: null, p99: null };

  it("counts what passed the gate, what was proved and how long that took, and what was refused", () => {
    for (const n of [1, 2, 3, 4]) series.onCommand(send(n));
    for (const n of [1, 2, 3, 4]) series.onFact(sent(n, 100));
    series.onFact(acked(1, 110));
    series.onFact({ kind: "copied", ...about(2, 130) });
    series.onFact({ kind: "receipt", ...about(3, 190), receipt: "read" });
    series.onFact({ kind: "refused", ...about(4, 120), code: 463 });
    expect(series.counts(200, true)).toEqual([{ ...nothing, sent: 4, acked: 3, failed: 1, p50: 30, p99: 90 }]);
    expect(series.counts(200, true)).toEqual([]);
  });

  it("counts an attempt once, however often it is proved, and not what never left or is none of ours", () => {
    for (const n of [1, 2]) series.onCommand(send(n));
    series.onFact({ ...sent(2, 0), kind: "unsent", why: "lookup", detail: "" } as ConnectionFact);
    for (const n of [1, 2, 9]) series.onFact(sent(n, 5));
    for (const n of [1, 1, 2, 9]) series.onFact(acked(n, 9));
    expect(series.counts(10, true)).toEqual([{ ...nothing, sent: 1, acked: 1, p50: 4, p99: 4 }]);
  });

  it("counts what is not answered, or tried again, as failed: in the minute in which that is known", () => {
    for (const n of [1, 2]) series.onCommand(send(n));
    for (const n of [1, 2]) series.onFact(sent(n, 1000));
    series.onCommand(send(1, OTHER, 2));
    expect(series.counts(31_000, true)).toEqual([{ ...nothing, sent: 2, failed: 1 }]);
    expect(series.counts(31_001, true)).toEqual([{ ...nothing, failed: 1 }]);
    series.onFact(sent(1, 31_002));
    series.onFact(acked(1, 31_003));
    expect(series.counts(31_004, true)).toEqual([{ ...nothing, account: TWO, sent: 1, acked: 1, p50: 1, p99: 1 }]);
  });
});

describe("what WhatsApp took", () => {
  it("is told once an attempt, by whatever proves it, with when it left: not what is refused, and not what is sent again later", () => {
    const taken: string[] = [];
    const series = new Series((account, sentAt) => taken.push(`${account} ${sentAt}`));
    for (const n of [1, 2, 3]) series.onCommand(send(n));
    for (const n of [1, 2, 3]) series.onFact(sent(n, 100 + n));
    series.onFact(acked(2, 110));
    series.onFact({ kind: "copied", ...about(1, 120) });
    series.onFact(acked(1, 121));
    series.onFact({ kind: "refused", ...about(3, 120), code: 463 });
    // Its recipient could not read it: that goes to one device of theirs, and to no phone of ours.
    series.onFact(acked(2, 5000));
    expect(taken).toEqual([`${ONE} 102`, `${ONE} 101`]);
  });
});

describe("the log", () => {
  it("writes a row a minute for each seat and who spoke for it, with the strategy and what was begun, and forgets after a week", async () => {
    let now = 1_000_000_000;
    const timers: (() => void)[] = [];
    const written: { rows: readonly PerformanceRow[]; dropBefore: number }[] = [];
    const begun = { value: 5 };
    const series = new Series();
    const log = new PerformanceLog(series, {
      clock: { now: () => now, setTimeout: (fire) => timers.push(fire), clearTimeout: () => timers.splice(0) },
      lines: [LINE],
      line: () => ({ strategy: "geo", seats: [{ seat: SEAT, begun: begun.value, account: ONE }] }),
      append: async (rows, dropBefore) => void written.push({ rows, dropBefore }),
      onFault: () => undefined,
    });
    log.begin();
    const port = measured(loop(), series);
    port.onFact(() => undefined);
    port.perform(send(1));
    const row = { at: now, line: LINE, seat: SEAT, account: ONE, strategy: "geo", begun: 5, failed: 0 };
    expect(log.rows()).toEqual([{ ...row, sent: 1, acked: 1, p50: 2, p99: 2 }]);
    now += 60_000;
    begun.value = 7;
    timers.shift()?.();
    await Promise.resolve();
    port.perform(send(2, OTHER));
    now += 30_000;
    await log.stop();
    const week = 7 * 86_400_000;
    expect(written).toEqual([
      { rows: [{ ...row, begun: 7, sent: 1, acked: 1, p50: 2, p99: 2 }], dropBefore: now - 30_000 - week },
      {
        rows: [{ ...row, at: now - 30_000, account: TWO, begun: 0, sent: 1, acked: 1, p50: 2, p99: 2 }],
        dropBefore: now - week,
      },
    ]);
    expect(timers).toEqual([]);
  });

  it("counts what a servant begins at the seat that it works for, under the servant's name", () => {
    const post = postOf(SEAT, TWO);
    const log = new PerformanceLog(new Series(), {
      clock: { now: () => 0, setTimeout: () => 0, clearTimeout: () => undefined },
      lines: [LINE],
      line: () => ({
        strategy: "geo",
        seats: [
          { seat: SEAT, begun: 2, account: ONE },
          { seat: post, begun: 3, account: TWO },
        ],
      }),
      append: async () => undefined,
      onFault: () => undefined,
    });
    expect(log.rows()).toMatchObject([
      { seat: SEAT, account: ONE, begun: 2 },
      { seat: SEAT, account: TWO, begun: 3 },
    ]);
  });

  it("does not fall over a store that does not take it", async () => {
    const faults: unknown[] = [];
    const log = new PerformanceLog(new Series(), {
      clock: { now: () => 0, setTimeout: () => 0, clearTimeout: () => undefined },
      lines: [],
      line: () => undefined,
      append: () => Promise.reject(new Error("full")),
      onFault: (error) => faults.push(error),
    });
    await log.flush();
    expect(faults).toEqual([new Error("full")]);
  });
});

describe("taken together", () => {
  const row = (at: number, over: Partial<PerformanceRow>): PerformanceRow => ({
    at,
    line: LINE,
    seat: SEAT,
    account: ONE,
    strategy: "geo",
    begun: 0,
    sent: 0,
    acked: 0,
    failed: 0,
    p50: null,
    p99: null,
    ...over,
  });

  it("minutes of one seat, speaker and strategy are one group; times count by their acks", () => {
    const rows = [
      row(1, { begun: 1, sent: 10, acked: 8, failed: 2, p50: 100, p99: 900 }),
      row(2, { begun: 2, sent: 2, acked: 2, p50: 300, p99: 400 }),
      row(2, { account: TWO, sent: 4 }),
      row(3, { strategy: "priority", sent: 4, acked: 1, p50: 50, p99: 50 }),
    ];
    const group = { seat: SEAT, account: ONE, role: "master", strategy: "geo" };
    expect(groupsOf(rows, (account) => (account === TWO ? "servant" : "master"))).toEqual([
      { ...group, begun: 3, sent: 12, acked: 10, failed: 2, p50: 100, p99: 900, share: 0.6 },
      { ...group, strategy: "priority", begun: 0, sent: 4, acked: 1, failed: 0, p50: 50, p99: 50, share: 0.2 },
      { ...group, account: TWO, role: "servant", begun: 0, sent: 4, acked: 0, failed: 0, p50: null, p99: null, share: 0.2 },
    ]);
    expect(groupsOf([row(1, {})], () => "master")).toMatchObject([{ share: 0 }]);
  });

  it("imbalance is how far the busiest seat is above what its weight gives it", () => {
    const other = seatId(LINE, TWO);
    const rows = [row(1, { sent: 30 }), row(2, { seat: other, sent: 10 })];
    const seats = (a: number, b: number) => [
      { seat: SEAT, weight: a },
      { seat: other, weight: b },
    ];
    expect(imbalanceOf(rows, seats(1, 1))).toBe(1.5);
    expect(imbalanceOf(rows, seats(3, 1))).toBe(1);
    expect(imbalanceOf(rows, seats(1, 0))).toBe(0.75);
    expect([imbalanceOf([], seats(1, 1)), imbalanceOf(rows, seats(0, 0))]).toEqual([null, null]);
  });
});

/** Sends at 10, and is acknowledged at 12. */
const loop = (): ConnectionPort => {
  let listener: (fact: ConnectionFact) => void = () => undefined;
  return {
    perform: (command) => {
      if (command.op !== "send") return;
      const { device, message, waId, attempt } = command;
      listener({ kind: "sent", device, at: 10, message, attempt });
      listener({ kind: "acked", device, at: 12, waId });
    },
    onFact: (next) => {
      listener = next;
    },
  };
};
