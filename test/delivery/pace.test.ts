import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Buckets } from "../../machines/delivery/pace.ts";
import { accountId, lineId, seatId, type SeatId } from "../../machines/ports/ids.ts";

const account = accountId("sales-1");
const seats = ["sales-1", "sales-2", "sales-3"].map((master) => seatId(lineId("sales"), accountId(master)));
const [first, second, third] = seats as [SeatId, SeatId, SeatId];
const paced = (perSecond: number, burst = 1): Buckets => new Buckets({ [account]: { perSecond, burst } }, 0);

/** Each seat always has something to say, asks when it was told to, and the earlier in the list the sooner in the turn. */
const hungry = (buckets: Buckets, order: readonly SeatId[], until: number): Map<SeatId, number[]> => {
  const due = new Map(order.map((seat) => [seat, 0]));
  const sent = new Map(order.map((seat) => [seat, [] as number[]]));
  for (let at = 0; at <= until; at++) {
    for (const seat of order) {
      while ((due.get(seat) ?? 0) <= at) {
        const next = buckets.nextAt(account, seat, at);
        due.set(seat, next);
        if (next > at) break;
        buckets.take(account, seat, at);
        sent.get(seat)?.push(at);
      }
    }
  }
  return sent;
};

describe("the pace of an account", () => {
  it("is shared by its seats in turns, whoever of them is asked first", () => {
    const sent = hungry(paced(0.5), seats, 60_000);
    const counts = seats.map((seat) => sent.get(seat)?.length ?? 0);
    expect(counts).toEqual([10, 10, 10]);
    expect(sent.get(third)?.[0]).toBe(6_000);
  });

  it("is one seat's alone while the others have nothing to say", () => {
    expect(hungry(paced(1), [second], 10_000).get(second)).toHaveLength(10);
  });

  it("does not wait for a seat that asked and did not come", () => {
    const buckets = paced(1);
    expect(buckets.nextAt(account, first, 0)).toBe(1_000);
    expect(buckets.nextAt(account, second, 0)).toBe(2_000);
    expect(buckets.nextAt(account, second, 1_501)).toBe(1_501);
  });

  it("lets a burst of one seat pass at once, and is kept all the same", () => {
    const buckets = paced(1, 3);
    for (let no = 0; no < 3; no++) {
      expect(buckets.nextAt(account, first, 3_000)).toBe(3_000);
      buckets.take(account, first, 3_000);
    }
    expect(buckets.nextAt(account, first, 3_000)).toBe(4_000);
  });

  it("lets its seats prepare no more than a burst together, and the one that waits has the next turn", () => {
    const buckets = paced(1, 2);
    buckets.prepares(account, first, 2, 10_000);
    const again = buckets.nextAt(account, second, 10_000);
    expect(again).toBeGreaterThan(10_000);
    buckets.prepares(account, first, 0, 10_100);
    // The first seat could take one of the two that are left, and leave one to the other.
    expect(buckets.nextAt(account, first, 10_100)).toBe(10_100);
    buckets.take(account, first, 10_100);
    buckets.prepares(account, first, 1, 10_100);
    expect(buckets.nextAt(account, first, 10_100)).toBeGreaterThan(again);
    expect(buckets.nextAt(account, second, again)).toBe(again);
  });

  it("does not wait for what a seat prepared that speaks no more", () => {
    const buckets = paced(1);
    buckets.prepares(account, first, 1, 5_000);
    expect(buckets.nextAt(account, second, 5_000)).toBeGreaterThan(5_000);
    buckets.leaves(first);
    expect(buckets.nextAt(account, second, 5_000)).toBe(5_000);
  });

  it("says how much it may send, which is what it then may, and looking at it changes nothing", () => {
    expect(new Buckets({}, 0).headroom(account, 5_000)).toBeNull();
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 10 }),
        fc.array(fc.integer({ min: 1, max: 4_000 }), { maxLength: 12 }),
        (tenths, burst, pauses) => {
          const pace = { perSecond: tenths / 10, burst };
          const [looked, other] = [new Buckets({ [account]: pace }, 1_000), new Buckets({ [account]: pace }, 1_000)];
          let at = 1_000;
          for (const pause of pauses) {
            at += pause;
            const headroom = looked.headroom(account, at);
            expect(headroom?.perSecond).toBe(pace.perSecond);
            expect(headroom?.tokens).toBeLessThanOrEqual(burst);
            const next = looked.nextAt(account, first, at);
            expect(next).toBe(other.nextAt(account, first, at));
            expect(next === at).toBe((headroom?.tokens ?? 0) >= 1);
            if (next > at) continue;
            looked.take(account, first, at);
            other.take(account, first, at);
          }
        },
      ),
    );
  });
});
