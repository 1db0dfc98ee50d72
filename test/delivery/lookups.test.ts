import { describe, expect, it } from "vitest";
import { Lookups, stronger } from "../../machines/delivery/lookups.ts";
import type { Proof } from "../../machines/delivery/window-row.ts";
import type { WaId } from "../../machines/ports/ids.ts";

const [A, B, C] = ["a", "b", "c"] as [WaId, WaId, WaId];
const ACK: Proof = { by: "ack", receipt: null };
const DELIVERED: Proof = { by: "receipt", receipt: "delivered" };
const READ: Proof = { by: "receipt", receipt: "read" };
const pause = (failures: number): number => 100 * failures;

describe("proofs of messages that are not in memory", () => {
  it("are looked up one at a time, in order, and each comes back with its answer", () => {
    const lookups = new Lookups(10);
    expect([lookups.next(0), lookups.done(), lookups.take(A)]).toEqual([null, null, undefined]);
    lookups.add(A, ACK);
    lookups.add(B, READ);
    expect([lookups.next(0), lookups.next(0)]).toEqual([A, null]);
    expect(lookups.done()).toEqual({ waId: A, proof: ACK });
    expect(lookups.next(0)).toBe(B);
    expect(lookups.done()).toEqual({ waId: B, proof: READ });
    expect([lookups.next(0), lookups.done()]).toEqual([null, null]);
  });

  it("are kept once a message: the one that says more", () => {
    for (const [first, second, kept] of [
      [ACK, DELIVERED, DELIVERED],
      [DELIVERED, ACK, DELIVERED],
      [DELIVERED, READ, READ],
      [READ, DELIVERED, READ],
    ] as const) {
      expect(stronger(first, second)).toBe(kept);
      const lookups = new Lookups(10);
      lookups.add(A, first);
      lookups.add(A, second);
      expect([lookups.take(A), lookups.take(A)]).toEqual([kept, undefined]);
    }
    expect(stronger(ACK, { by: "copy", receipt: null })).toBe(ACK);
  });

  it("are given to a row that comes by itself, and the answer then brings nothing", () => {
    const lookups = new Lookups(10);
    lookups.add(A, ACK);
    lookups.add(B, READ);
    lookups.next(0);
    expect(lookups.take(A)).toBe(ACK);
    expect(lookups.done()).toBeNull();
    expect(lookups.next(0)).toBe(B);
  });

  it("are looked up again when that failed, after a pause that grows with each failure and begins anew", () => {
    const lookups = new Lookups(10);
    lookups.failed(0, pause);
    expect(lookups.retryAt).toBeNull();
    lookups.add(A, ACK);
    lookups.add(B, ACK);
    lookups.next(0);
    lookups.failed(10, pause);
    expect(lookups.retryAt).toBe(110);
    expect([lookups.next(109), lookups.next(110), lookups.retryAt, lookups.next(110)]).toEqual([null, A, null, null]);
    lookups.failed(110, pause);
    expect([lookups.retryAt, lookups.next(310)]).toEqual([310, A]);
    lookups.done();
    lookups.next(310);
    lookups.failed(310, pause);
    expect(lookups.retryAt).toBe(410);
  });

  it("are forgotten from the oldest on when there are too many, but for the one that is being looked up", () => {
    const lookups = new Lookups(2);
    lookups.add(A, ACK);
    lookups.add(B, ACK);
    lookups.next(0);
    lookups.add(B, READ);
    expect(lookups.take(B)).toBe(READ);
    lookups.add(B, ACK);
    lookups.add(C, ACK);
    expect([lookups.take(A), lookups.take(B), lookups.take(C)]).toEqual([ACK, undefined, ACK]);
  });
});
