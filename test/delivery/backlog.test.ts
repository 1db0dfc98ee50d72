/** What a seat's queue says of what waits in it: by that a line is shared out again, and a seat is called down. */
import { describe, expect, it } from "vitest";
import { Allowance, type Caps } from "../../machines/delivery/caps.ts";
import { Buckets } from "../../machines/delivery/pace.ts";
import type { QueueInput } from "../../machines/delivery/queue-config.ts";
import type { OutboxRow } from "../../machines/ports/store.ts";
import { ACCOUNT, HOLDER, id, Pump, row, STRANGER } from "./pump.ts";

/** Of the first one's conversation. */
const next = (seq: number): OutboxRow => ({ ...row(seq), conversation: row(1).conversation });
const backlog = ({ state }: Pump) => state.backlog();
const first = (pump: Pump) => backlog(pump).find(({ conversation }) => conversation === row(1).conversation);

describe("what waits", () => {
  it("is counted by conversation, before anybody speaks for the seat", () => {
    const pump = new Pump([row(1), next(2), row(3)]);
    expect(backlog(pump)).toEqual([
      { conversation: "sales:c1", waiting: 2, isBusy: false, hasBegun: false },
      { conversation: "sales:c3", waiting: 1, isBusy: false, hasBegun: false },
    ]);
  });

  it("is not what is under way: such a conversation is busy, and left out once nothing of it waits", () => {
    const pump = new Pump([row(1), next(2)]).open();
    expect(pump.sends).toEqual(["m1 1"]);
    expect(backlog(pump)).toEqual([{ conversation: "sales:c1", waiting: 1, isBusy: true, hasBegun: false }]);
    pump.sent(1);
    expect(first(pump)).toMatchObject({ waiting: 1, isBusy: true, hasBegun: true });
    pump.proved(1).sent(2);
    expect(backlog(pump)).toEqual([]);
  });

  it("has begun once something of it has left", () => {
    const pump = new Pump([row(1), next(2), next(3)]).open().sent(1).proved(1);
    pump.unsent(2, "lookup");
    expect(pump.phase(2)).toBe("delayed");
    expect(first(pump)).toEqual({ conversation: "sales:c1", waiting: 2, isBusy: false, hasBegun: true });
  });

  it("is busy while an attempt of it is in doubt, though it waits to be tried again", () => {
    const pump = new Pump([row(1), next(2)], { whenNumberChanges: "resend" }).open().sent(1);
    pump.tell({ type: "link.lost", device: HOLDER });
    pump.tell({ type: "queue.close" });
    pump.open(STRANGER, 2).until(1000).unsent(1, "lookup", 2);
    expect(pump.phase(1)).toBe("delayed");
    expect(first(pump)).toMatchObject({ waiting: 2, isBusy: true });
  });
});

describe("what a seat owes", () => {
  const none = { perSecond: 0.001, burst: 1 };

  it("is the answer to its oldest message, and nothing when all are answered", () => {
    const pump = new Pump([
      { ...row(1), acceptedAt: -300 },
      { ...row(2), acceptedAt: -500 },
      { ...row(3), acceptedAt: -400 },
    ]);
    expect(pump.state.owesSince()).toBe(-500);
    pump.open().sent(1).sent(2).sent(3).proved(2);
    expect(pump.state.owesSince()).toBe(-400);
    expect(pump.proved(3).state.owesSince()).toBe(-300);
    expect(pump.proved(1).state.owesSince()).toBeNull();
  });

  it("is nothing for what is held", () => {
    const pump = new Pump([row(1)], { whenNumberChanges: "hold" }).open().sent(1);
    pump.tell({ type: "link.lost", device: HOLDER });
    pump.tell({ type: "queue.close" });
    pump.open(STRANGER, 2).until(10_000);
    expect(pump.phase(1)).toBe("held");
    expect(pump.state.owesSince()).toBeNull();
  });

  it("is nothing for what its account's pace keeps back", () => {
    const buckets = new Buckets({ [ACCOUNT]: none }, 0);
    const pump = new Pump([row(1), row(2)], { buckets });
    expect(pump.state.owesSince()).toBe(0);
    expect(pump.open().sends).toEqual([]);
    expect(pump.phase(1)).toBe("ready");
    expect(pump.state.owesSince()).toBeNull();
  });
});

describe("caps that an operator changes", () => {
  const caps = (perHour: number | null): Caps => ({ newContacts: { perHour, perDay: null }, warmUp: [] });
  const anHour = 3_600_000;

  it("hold from then on, and what was counted before counts", () => {
    const allowance = new Allowance({ [ACCOUNT]: caps(1) }, []);
    allowance.count(ACCOUNT, true, 0);
    expect(allowance.nextAt(ACCOUNT, true, 1)).toBeGreaterThan(anHour);
    allowance.adopt({ [ACCOUNT]: caps(2) }, []);
    expect(allowance.nextAt(ACCOUNT, true, 1)).toBe(1);
    allowance.count(ACCOUNT, true, 1);
    expect(allowance.nextAt(ACCOUNT, true, 2)).toBeGreaterThan(anHour);
  });

  it("that are taken away leave nothing: what is capped again is counted from what the store knows", () => {
    const allowance = new Allowance({ [ACCOUNT]: caps(1) }, []);
    allowance.count(ACCOUNT, true, 0);
    allowance.adopt({}, []);
    expect(allowance.isCounted(ACCOUNT)).toBe(false);
    allowance.adopt({ [ACCOUNT]: caps(1) }, []);
    expect(allowance.isCounted(ACCOUNT)).toBe(true);
    expect(allowance.nextAt(ACCOUNT, true, 1)).toBe(1);
  });
});

describe("a contact whom an account with a cap knows", () => {
  const capped: Caps = { newContacts: { perHour: 1, perDay: null }, warmUp: [] };
  const pump = (rows: readonly OutboxRow[], input: Partial<QueueInput> = {}): Pump =>
    new Pump(rows, { allowance: new Allowance({ [ACCOUNT]: capped }, []), ...input });
  const answered = (one: Pump, seq: number, why: "cold" | "warm"): Pump => {
    one.tell({ type: "notRerouted", message: id(seq), why });
    return one;
  };
  const asked = (one: Pump): number => one.told("roster").filter((type) => type === "reroute.request").length;

  it("is asked about by so many at a time, the next when one is answered", () => {
    const one = pump([row(1), row(2), row(3)], { inquiries: 2 }).open();
    expect(asked(one)).toBe(2);
    expect(asked(answered(one, 1, "warm"))).toBe(3);
    expect(one.sends).toEqual(["m1 1"]);
  });

  it("is forgotten after so many others, and then asked about again", () => {
    const one = pump([row(1), row(2)], { known: 1, remember: 1 }).open();
    answered(answered(one, 1, "warm"), 2, "warm")
      .sent(1)
      .proved(1)
      .sent(2)
      .proved(2);
    expect(asked(one)).toBe(2);
    one.tell({ type: "queue.offer", rows: [{ ...row(3), conversation: row(2).conversation }] });
    expect([asked(one), one.sends.at(-1)]).toEqual([2, "m3 1"]);
    one.tell({ type: "queue.offer", rows: [next(4)] });
    expect([asked(one), one.phase(4)]).toEqual([3, "rerouting"]);
  });

  it("is not asked about again once something was proved there, nor after its conversation has left memory", () => {
    const one = pump([row(1), next(2)]).open();
    expect(asked(answered(one, 1, "cold"))).toBe(1);
    one.sent(1).proved(1);
    expect(one.sends).toEqual(["m1 1", "m2 1"]);
    one.sent(2).proved(2);
    one.tell({ type: "queue.offer", rows: [next(3)] });
    expect(one.sends).toEqual(["m1 1", "m2 1", "m3 1"]);
    expect(asked(one)).toBe(1);
  });

  it("is not asked about again while its conversation is in memory, however many others come to be known", () => {
    const one = pump([row(1), next(2), row(3)], { known: 1 }).open();
    answered(answered(one, 1, "warm"), 3, "warm")
      .sent(1)
      .sent(3);
    one.tell({ type: "refused", device: HOLDER, waId: row(1).waId, code: 404 });
    expect([asked(one), one.sends.at(-1)]).toEqual([2, "m2 1"]);
  });

  it("counts as begun by a message that left, though WhatsApp refused it", () => {
    const one = answered(pump([row(1), next(2)]).open(), 1, "cold").sent(1);
    one.tell({ type: "refused", device: HOLDER, waId: row(1).waId, code: 404 });
    expect(one.phase(1)).toBe("settled");
    expect([asked(one), one.sends.at(-1)]).toEqual([1, "m2 1"]);
  });

  it("is a newcomer to another account of the line", () => {
    const other = pump([row(1), next(2)]).open();
    answered(other, 1, "cold").sent(1).proved(1).sent(2).proved(2);
    expect(other.phase(2)).toBe("settled");
    other.open(STRANGER, 2).open(HOLDER, 3);
    other.tell({ type: "queue.offer", rows: [next(3), row(4)] });
    expect(asked(other)).toBe(2);
    expect(other.phase(4)).toBe("rerouting");
    expect(other.sends.at(-1)).toBe("m3 1");
  });
});
