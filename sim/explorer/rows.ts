/** The store's rows of seats and leases, by the rules of machines/ports/store.ts. */
import type { DeviceId, Millis, SeatId, SeatTerm } from "../../machines/ports/ids.ts";
import type { SeatRow } from "../../machines/ports/store.ts";
import type { Effect } from "../../machines/protocol.ts";

export type StoreAsk = Extract<Effect, { op: "store" }>["ask"];
export type SeatAsk = Extract<StoreAsk, { op: "seat.change" | "seat.settle" }>;
export interface LeaseRow {
  readonly term: number;
  readonly until: Millis;
  /** What becomes of the next question about it; a fault decides. */
  readonly next: "answer" | "refuse" | "stall";
}
type Event = { readonly type: string };

/** Compare-and-set of the seat's term. */
export const changeSeat = (seats: Map<SeatId, SeatRow>, ask: SeatAsk): Event => {
  const row = seats.get(ask.seat) as SeatRow;
  const expected = ask.op === "seat.change" ? ask.expect : ask.term;
  if (row.term !== expected) return { type: "store.conflict", answer: { op: ask.op, kind: "conflict", row } } as Event;
  const changed: SeatRow =
    ask.op === "seat.change"
      ? { ...row, holder: ask.holder, phase: ask.phase, term: (row.term + 1) as SeatTerm }
      : { ...row, phase: ask.phase };
  seats.set(ask.seat, changed);
  return { type: "store.changed", answer: { op: ask.op, kind: "changed", row: changed } } as Event;
};

export const failed = (op: string): Event =>
  ({
    type: "store.failed",
    answer: { op, kind: "failed", cause: "lost", message: "the store did not answer" },
  }) as Event;

/** Only this node asks for its devices' leases, so each is granted, and each renewal is in time or it is not asked for. */
export const answerLease = (leases: Map<DeviceId, LeaseRow>, device: DeviceId, ask: StoreAsk, now: Millis): Event => {
  const row = leases.get(device) as LeaseRow;
  const answered: LeaseRow = { ...row, next: "answer" };
  leases.set(device, answered);
  if (row.next === "refuse") return failed(ask.op);
  if (ask.op === "lease.acquire") {
    const term = row.term + 1;
    leases.set(device, { ...answered, term, until: now + ask.ttl });
    return { type: "store.leases", answer: { op: ask.op, kind: "leases", granted: [{ device, term }], held: [] } } as Event;
  }
  if (ask.op === "lease.renew") {
    leases.set(device, { ...answered, until: now + ask.ttl });
    return { type: "store.renewed", answer: { op: ask.op, kind: "renewed", lost: [] } } as Event;
  }
  return { type: "store.released", answer: { op: "lease.release", kind: "released" } } as Event;
};
