/** What masters and servants keep of their seats, against a plain book of who was granted what. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { granted, type HeldSeat, released } from "../../machines/account/duty.ts";
import { masterMachine } from "../../machines/account/master.ts";
import { servantMachine } from "../../machines/account/servant.ts";
import { accountId, deviceId, lineId, seatId, type SeatTerm } from "../../machines/ports/ids.ts";
import { Host } from "./host.ts";

const account = accountId("sales-1");
const MASTER = `master:${account}` as const;
const SERVANT = `servant:${account}` as const;
const SEATS = ["m1", "m2", "m3"].map((name) => seatId(lineId("sales"), accountId(name)));
const DEVICES = ["a", "b"].map((name) => deviceId(account, name));
const [SEAT, OTHER] = SEATS as [HeldSeat["seat"], HeldSeat["seat"]];
const [DEVICE, TWIN] = DEVICES as [HeldSeat["device"], HeldSeat["device"]];

const held: fc.Arbitrary<HeldSeat> = fc.record({
  seat: fc.constantFrom(...SEATS),
  device: fc.constantFrom(...DEVICES),
  term: fc.integer({ min: 1, max: 4 }).map((term) => term as SeatTerm),
});
const granting = held.map((seat) => ({ type: "seat.granted", ...seat }));
const releasing = fc.constantFrom(...SEATS).map((seat) => ({ type: "seat.released", seat }));
const wellness = fc.constantFrom(
  { type: "account.well" },
  { type: "account.out", why: "banned" },
  { type: "account.out", why: "cordoned" },
);

describe("the seats that an account holds", () => {
  it("are one entry a seat, under the newest term, the newest grant last", () => {
    const first = { seat: SEAT, device: DEVICE, term: 3 as SeatTerm };
    const second = { seat: OTHER, device: DEVICE, term: 1 as SeatTerm };
    const both = granted(granted([], first), second);
    expect(both).toEqual([first, second]);
    expect(granted(both, { ...first, term: 2 as SeatTerm })).toBe(both);
    expect(granted(both, { ...first, device: TWIN })).toEqual([second, { ...first, device: TWIN }]);
    expect(granted(both, { ...second, term: 2 as SeatTerm })).toEqual([first, { ...second, term: 2 }]);
    expect(released(both, SEAT)).toEqual([second]);
  });
});

describe("a master", () => {
  it("speaks exactly while it holds a seat and is not out, and knows why it is out", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(granting, releasing, wellness), { maxLength: 30 }), (events) => {
        const host = new Host();
        host.chart(MASTER, masterMachine, { account });
        const book = new Book();
        for (const event of events) {
          host.tell(MASTER, event);
          book.note(event);
          expect(host.value(MASTER)).toBe(book.why !== null ? "out" : book.seats.size > 0 ? "speaking" : "standby");
          expect(host.context(MASTER)).toEqual({ account, seats: [...book.seats.values()], why: book.why });
        }
        expect(host.log).toEqual([]);
      }),
    );
  });
});

describe("a servant", () => {
  it("has at the connection exactly the grants of the seats that it holds, and none while it is out", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(granting, granting, releasing, wellness), { maxLength: 30 }), (events) => {
        const host = new Host();
        host.chart(SERVANT, servantMachine, { account });
        const book = new Book();
        const port = new Port();
        host.onEffect = (effect) => {
          if (effect.op === "connection") port.perform(effect.command as Command);
        };
        for (const event of events) {
          host.tell(SERVANT, event);
          book.note(event);
          const isOut = book.why !== null;
          expect(host.value(SERVANT)).toBe(isOut ? "out" : book.seats.size > 0 ? "attached" : "idle");
          expect(host.context(SERVANT)).toEqual({ account, seats: [...book.seats.values()], why: book.why });
          expect([...port.grants.values()].sort(bySeat)).toEqual(isOut ? [] : [...book.seats.values()].sort(bySeat));
        }
        expect(port.broken).toEqual([]);
      }),
    );
  });
});

// ---- helpers ----

type Command = ({ readonly op: "grant" } & HeldSeat) | ({ readonly op: "revoke" } & Omit<HeldSeat, "term">);

const bySeat = (one: HeldSeat, other: HeldSeat): number => one.seat.localeCompare(other.seat);

/** What was said to the account. */
class Book {
  readonly seats = new Map<string, HeldSeat>();
  why: string | null = null;

  note(event: { readonly type: string }): void {
    if (event.type === "account.well") this.why = null;
    if (event.type === "account.out") this.why = (event as { why: string } & typeof event).why;
    if (event.type === "seat.released") this.seats.delete((event as Pick<HeldSeat, "seat"> & typeof event).seat);
    if (event.type !== "seat.granted") return;
    const { seat, device, term } = event as HeldSeat & typeof event;
    if ((this.seats.get(seat)?.term ?? 0) > term) return;
    this.seats.delete(seat);
    this.seats.set(seat, { seat, device, term });
  }
}

/** A connection that takes grants, and notes what it should not have been told. */
class Port {
  readonly grants = new Map<string, HeldSeat>();
  readonly broken: string[] = [];

  perform(command: Command): void {
    const { seat, device } = command;
    const key = `${seat} ${device}`;
    const known = this.grants.get(key);
    if (command.op === "revoke") {
      if (!known) this.broken.push(`revoked what is not granted: ${key}`);
      this.grants.delete(key);
      return;
    }
    if (known?.term === command.term) this.broken.push(`granted twice: ${key}`);
    const rivals = [...this.grants.values()].filter((other) => other.seat === seat && other.device !== device);
    if (rivals.length > 0) this.broken.push(`two devices for ${seat}`);
    this.grants.set(key, { seat, device, term: command.term });
  }
}
