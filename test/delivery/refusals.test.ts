/** What becomes of a message that WhatsApp refuses, or that its account may not write, and what the roster's answers change about it. */
import { describe, expect, it } from "vitest";
import { Allowance } from "../../machines/delivery/caps.ts";
import { QUEUE_DEFAULTS } from "../../machines/delivery/queue-config.ts";
import { accountOf, type DeviceId, deviceId } from "../../machines/ports/ids.ts";
import type { OutboxRow } from "../../machines/ports/store.ts";
import { ACCOUNT, HOLDER, id, Pump, row, STRANGER } from "./pump.ts";

const TWIN = deviceId(ACCOUNT, "b");
const OTHER = accountOf(STRANGER);
const { coldFor, linkRetry, askedFor } = QUEUE_DEFAULTS;

const refuse = (pump: Pump, code: number, device = HOLDER, seq = 1): Pump => {
  pump.tell({ type: "refused", device, waId: `w${seq}` as never, code });
  return pump;
};
const answer = (pump: Pump, why: "warm" | "cold" | "known" | "nobody" | "store", seq = 1): Pump => {
  pump.tell({ type: "notRerouted", message: id(seq), why });
  return pump;
};
const restrict = (pump: Pump, restricted = true, account = ACCOUNT): Pump => {
  pump.tell({ type: "account.restricted", account, restricted });
  return pump;
};
const sentBy = (pump: Pump, device: typeof HOLDER, attempt: number): Pump => {
  pump.tell({ type: "sent", device, message: id(1), attempt });
  return pump;
};
const last = ({ changes }: Pump): object => {
  const { state, reason, attempt } = changes.at(-1) ?? {};
  return { state, reason, number: attempt?.number, outcome: attempt?.outcome, detail: attempt?.detail };
};
const REASON_463 = expect.stringMatching(/^refused:463 restricted: [^;]+$/);

/** Its first attempt is unanswered on the holder, its second is under way on the other number. */
const twice = (): Pump => {
  const pump = new Pump([row(1)], { whenNumberChanges: "resend" }).open().sent(1);
  pump.open(STRANGER, 2).until(1000);
  expect(pump.sends).toEqual(["m1 1", "m1 2"]);
  return pump;
};

describe("a refusal", () => {
  it("of what nobody has sent there changes nothing", () => {
    const pump = new Pump([row(1), row(2)]).open();
    refuse(pump, 404, TWIN);
    refuse(pump, 463, STRANGER, 2);
    refuse(pump, 404, HOLDER, 9);
    expect(pump.changes).toEqual([]);
    expect(pump.told("checkup")).toEqual([]);
    pump.sent(2).proved(2);
    const before = pump.changes.length;
    expect(refuse(pump, 404, HOLDER, 2).changes).toHaveLength(before);
  });

  it("counts as a sign of life: what was sent before it and got no answer is given up 8 s after it was sent", () => {
    const pump = new Pump([row(1), row(2)]).open().sent(1).until(100).sent(2);
    refuse(pump, 404, HOLDER, 2);
    expect(pump.told("detector")).toEqual(["attempt.sent", "attempt.sent", "attempt.answered"]);
    expect(pump.until(QUEUE_DEFAULTS.ackFor).sends).toEqual(["m1 1", "m2 1", "m1 2"]);
  });

  it("of an earlier attempt is written down, and the one under way gets its own answer", () => {
    const pump = sentBy(twice(), STRANGER, 2);
    refuse(pump, 463);
    expect(pump.phase(1)).toBe("sent");
    expect(last(pump)).toMatchObject({ number: 1, outcome: "refused", detail: "463" });
    expect(pump.told("checkup")).toEqual(["check.request"]);
    pump.tell({ type: "proved", waId: "w1" as never, by: "ack", receipt: null });
    expect(last(pump)).toMatchObject({ state: "acknowledged", number: 2 });
  });

  it("of an earlier attempt, while the next is prepared, is remembered: that account gets it no more", () => {
    const pump = refuse(twice(), 463);
    expect(pump.changes.filter(({ attempt }) => attempt?.outcome === "refused")).toEqual([]);
    pump.open(HOLDER, 3);
    pump.tell({ type: "unsent", device: STRANGER, message: id(1), attempt: 2, why: "closed", detail: "" });
    pump.until(5000);
    expect(pump.sends).toEqual(["m1 1", "m1 2"]);
    expect(pump.told("roster")).toEqual(["reroute.request"]);
  });

  it("of one of two unanswered attempts leaves the other in doubt", () => {
    const pump = sentBy(twice(), STRANGER, 2);
    pump.tell({ type: "queue.close" });
    expect(pump.phase(1)).toBe("unanswered");
    refuse(pump, 463);
    expect(pump.phase(1)).toBe("unanswered");
    expect(last(pump)).toMatchObject({ state: "unanswered", number: 1, outcome: "refused" });
    refuse(pump, 463, STRANGER);
    expect(pump.phase(1)).toBe("ready");
    expect(last(pump)).toMatchObject({ state: "accepted", number: 2, outcome: "refused", reason: REASON_463 });
  });

  it("of the attempt under way, with an earlier one in doubt, leaves the message unanswered and asks for another seat", () => {
    const pump = refuse(sentBy(twice(), STRANGER, 2), 463, STRANGER);
    expect(last(pump)).toMatchObject({ state: "unanswered", number: 2, outcome: "refused", reason: REASON_463 });
    expect(pump.phase(1)).toBe("rerouting");
  });

  it("for the message itself fails it, also when only an unanswered attempt is refused", () => {
    const pump = new Pump([row(1)]).open().sent(1);
    pump.tell({ type: "link.lost", device: HOLDER });
    refuse(pump, 479);
    expect(last(pump)).toEqual({
      state: "failed",
      reason: "refused:479 stale addressing: the list of the contact's devices was out of date",
      number: 1,
      outcome: "refused",
      detail: "479",
    });
    expect(pump.told("checkup")).toEqual([]);
    expect(pump.until(10 * linkRetry).sends).toEqual(["m1 1"]);
  });

  it("of one whose conversation has gone to another seat is written down, and the message forgotten here", () => {
    const pump = new Pump([row(1)]).open().sent(1);
    pump.tell({ type: "rerouted", conversation: "sales:c1" as never, message: id(1), to: "sales/m2" as never });
    expect(pump.phase(1)).toBe("sent");
    refuse(pump, 463);
    expect(last(pump)).toMatchObject({ state: "accepted", number: 1, outcome: "refused" });
    expect(pump.told("roster")).toEqual([]);
  });
});

describe("a message that its account was refused", () => {
  const refused = (): Pump => refuse(new Pump([row(1)]).open().sent(1), 463);

  it("is failed when no other seat can take it, which is said only then", () => {
    const reason = expect.stringMatching(/^refused:463 restricted: [^;]+; no other number could take it$/);
    expect(last(answer(refused(), "nobody"))).toMatchObject({ state: "failed", reason });
  });

  it("is failed at once where its line says so, from then on as well", () => {
    const pump = refuse(new Pump([row(1)], { whenRefused: "fail" }).open().sent(1), 463);
    expect(last(pump)).toMatchObject({ state: "failed", reason: REASON_463 });
    expect(pump.told("roster")).toEqual([]);
    const later = new Pump([row(1)]).open().sent(1);
    later.tell({ type: "queue.policy", whenNumberChanges: "hold", whenRefused: "fail" });
    expect(last(refuse(later, 463))).toMatchObject({ state: "failed" });
  });

  it("is failed when a second number was refused as well, and not before", () => {
    const refusedBy = (...devices: readonly DeviceId[]): OutboxRow => ({
      ...row(1),
      attempts: devices.map((device, i) => ({
        number: i + 1,
        device,
        seatTerm: 1 as never,
        at: 0,
        outcome: "refused",
        detail: "463",
      })),
    });
    const twiceThere = new Pump([refusedBy(STRANGER, STRANGER)]).open();
    expect(twiceThere.sends).toEqual(["m1 3"]);
    const once = new Pump([refusedBy(TWIN)]).open();
    expect(once.told("roster")).toEqual(["reroute.request"]);
    const both = new Pump([refusedBy(STRANGER, TWIN)]).open();
    expect(last(both)).toMatchObject({ state: "failed", reason: REASON_463 });
    expect(both.told("roster")).toEqual([]);
  });

  it("is asked for again when the roster could not ask the store, a little later each time", () => {
    const pump = answer(refused(), "store");
    expect(pump.phase(1)).toBe("delayed");
    expect(pump.until(249).told("roster")).toHaveLength(1);
    expect(pump.until(250).told("roster")).toHaveLength(2);
    answer(pump, "store");
    expect(pump.until(749).told("roster")).toHaveLength(2);
    expect(pump.until(750).told("roster")).toHaveLength(3);
  });

  it("is sent by whoever speaks by the time that the answer comes", () => {
    const pump = refused().open(STRANGER, 2);
    expect(answer(pump, "nobody").sends).toEqual(["m1 1", "m1 2"]);
    const nobody = refused();
    nobody.tell({ type: "queue.close" });
    answer(nobody, "nobody");
    expect(nobody.phase(1)).toBe("ready");
    expect(nobody.open(TWIN, 2).told("roster")).toEqual(["reroute.request", "reroute.request"]);
  });

  it("expires while it is looked for, if its time is over", () => {
    const pump = refuse(new Pump([row(1, 400)]).open().sent(1), 463);
    expect(last(pump.until(400))).toMatchObject({ state: "failed", reason: "expired" });
    const before = pump.changes.length;
    expect(answer(pump, "nobody").changes).toHaveLength(before);
  });
});

describe("an account that is restricted", () => {
  it("has another seat looked for, unless the contact has heard from it, and is told so once", () => {
    const pump = restrict(new Pump([row(1)])).open();
    expect(pump.sends).toEqual([]);
    expect(pump.told("roster")).toEqual(["reroute.request"]);
    expect(answer(pump, "warm").sends).toEqual(["m1 1"]);
    pump.tell({ type: "queue.offer", rows: [{ ...row(2), conversation: "sales:c1" as never }] });
    expect(pump.sent(1).proved(1).sends).toEqual(["m1 1", "m2 1"]);
    expect(pump.told("roster")).toHaveLength(1);
  });

  it("has its message failed when nobody can take it, and sends what waits once it is free again", () => {
    const pump = restrict(new Pump([row(1), row(2)])).open();
    answer(pump, "nobody");
    expect(last(pump)).toMatchObject({ state: "failed", reason: expect.stringMatching(/^restricted: /) });
    restrict(pump, false);
    expect(answer(pump, "nobody", 2).sends).toEqual(["m2 1"]);
  });

  it("may go on where an ack has shown that the contact knows it; a receipt shows that only if it can mean no earlier attempt", () => {
    /** Whether another seat is looked for, for the contact's next message, once the first is proved. */
    const isAsked = (pump: Pump, by: "ack" | "receipt", account = ACCOUNT): boolean => {
      pump.tell({ type: "queue.offer", rows: [{ ...row(2), conversation: "sales:c1" as never }] });
      restrict(pump, true, account).proved(1, by);
      return pump.told("roster").includes("reroute.request");
    };
    for (const by of ["ack", "receipt"] as const) expect(isAsked(new Pump([row(1)]).open().sent(1), by)).toBe(false);
    expect(isAsked(sentBy(twice(), STRANGER, 2), "ack", OTHER)).toBe(false);
    expect(isAsked(sentBy(twice(), STRANGER, 2), "receipt", OTHER)).toBe(true);
  });

  it("is nobody's business where another account speaks", () => {
    expect(restrict(new Pump([row(1)]), true, OTHER).open().sends).toEqual(["m1 1"]);
  });
});

describe("a contact that is new to an account with a cap", () => {
  const capped = (perHour: number, rows: readonly OutboxRow[]): Pump => {
    const caps = { newContacts: { perHour, perDay: null }, warmUp: [] };
    return new Pump(rows, { allowance: new Allowance({ [ACCOUNT]: caps }, []) }).open();
  };

  it("is asked about before it is written to, and not again while the answer is fresh", () => {
    const pump = capped(1, [row(1), row(2)]);
    expect(pump.sends).toEqual([]);
    answer(pump, "cold");
    expect(pump.sends).toEqual(["m1 1"]);
    expect(pump.told("roster")).toHaveLength(2);
    answer(pump, "cold", 2);
    // There was room when it was asked, and is none now: whether another seat has some is a new question.
    expect(pump.told("roster")).toHaveLength(3);
    answer(pump, "nobody", 2);
    expect(pump.sends).toEqual(["m1 1"]);
    expect(pump.phase(2)).toBe("capped");
    expect(pump.until(coldFor - 1).told("roster")).toHaveLength(3);
  });

  it("is asked about once more when room went while nobody else was found, and when the roster could not look", () => {
    const pump = capped(1, [row(1), row(2)]);
    answer(pump, "cold");
    answer(pump, "nobody", 2);
    // It was asked whether it is new; whether another seat has room, nobody was asked yet.
    expect(pump.told("roster")).toHaveLength(3);
    answer(pump, "store", 2);
    expect(pump.phase(2)).toBe("delayed");
    expect(pump.until(10_000).told("roster")).toHaveLength(4);
    answer(pump, "nobody", 2);
    expect(pump.phase(2)).toBe("capped");
  });

  it("is counted only if it left: what could not be sent leaves its room to the next", () => {
    const pump = capped(1, [row(1), row(2)]);
    answer(pump, "cold");
    pump.unsent(1, "unpreparable");
    answer(pump, "cold", 2);
    expect(pump.sends).toEqual(["m1 1", "m2 1"]);
  });

  it("is no new one if the account has written before, or it is a group", () => {
    const known = capped(1, [row(1), row(2)]);
    answer(known, "warm");
    answer(known, "warm", 2);
    expect(known.sends).toEqual(["m1 1", "m2 1"]);
    expect(capped(1, [{ ...row(1), contact: "g:1" as never }]).sends).toEqual(["m1 1"]);
  });

  it("is asked about again when the roster stays silent for half a minute", () => {
    const pump = capped(1, [row(1)]);
    expect(pump.until(askedFor - 1).told("roster")).toHaveLength(1);
    expect(pump.until(askedFor).told("roster")).toHaveLength(2);
  });
});

describe("a conversation that another seat has got", () => {
  it("leaves nothing to decide here: what was unanswered of it is that seat's", () => {
    const pump = new Pump([row(1), row(2)]).open().sent(1).sent(2);
    pump.tell({ type: "link.lost", device: HOLDER });
    expect([pump.phase(1), pump.phase(2)]).toEqual(["unanswered", "unanswered"]);
    pump.tell({ type: "rerouted", conversation: row(1).conversation, message: id(1), to: "sales/m2" as never });
    expect(pump.phase(1)).toBeUndefined();
    expect(pump.state.view).toMatchObject({ unanswered: 1 });
    const before = pump.changes.length;
    expect(
      pump
        .open()
        .until(60_000)
        .changes.slice(before)
        .map((change) => change.id),
    ).not.toContain("m1");
    expect(pump.sends.filter((send) => send.startsWith("m1 "))).toEqual(["m1 1"]);
    expect(pump.sends.filter((send) => send.startsWith("m2 ")).length).toBeGreaterThan(1);
  });
});
