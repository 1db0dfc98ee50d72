/** How long a seat's queue waits for what, and what it does then: with its waits as they are by default. */
import { describe, expect, it } from "vitest";
import { Buckets } from "../../machines/delivery/pace.ts";
import { QUEUE_DEFAULTS, type QueueInput } from "../../machines/delivery/queue-config.ts";
import { accountId, lineId, seatId } from "../../machines/ports/ids.ts";
import { ACCOUNT, HOLDER, id, Pump, row, STRANGER } from "./pump.ts";

const { ackFor, askedFor, orphanedFor, linkRetry, muteLimit, lookupLimit } = QUEUE_DEFAULTS;

describe("a message that was called back", () => {
  const cancel = (pump: Pump, seq = 1): Pump => {
    pump.tell({ type: "message.cancelled", message: id(seq) });
    return pump;
  };

  it("is not handed over, and what comes after it goes on", () => {
    const pump = new Pump([row(1), row(2)]);
    cancel(pump);
    expect(pump.phase(1)).toBe("settled");
    expect(pump.open().sends).toEqual(["m2 1"]);
    expect(pump.changes).toEqual([]);
  });

  it("while it was being prepared is dropped when the store refuses the attempt, and the link is not doubted", () => {
    const pump = new Pump([row(1), row(2)]).open();
    expect(pump.sends).toEqual(["m1 1", "m2 1"]);
    cancel(pump).unsent(1, "stale");
    expect(pump.phase(1)).toBe("settled");
    expect(pump.state.view).toMatchObject({ isUp: true });
    expect(pump.until(10 * linkRetry).sends).toEqual(["m1 1", "m2 1"]);
  });

  it("while another seat was looked for is not sent from here when there is none", () => {
    const pump = new Pump([row(1)]).open();
    pump.sent(1).tell({ type: "refused", device: HOLDER, waId: "w1" as never, code: 463 });
    expect(pump.phase(1)).toBe("rerouting");
    cancel(pump).open(STRANGER, 2);
    pump.tell({ type: "notRerouted", message: id(1), why: "nobody" });
    expect(pump.sends).toEqual(["m1 1"]);
    expect(pump.phase(1)).toBe("settled");
  });
});

describe("a message that was handed over", () => {
  it("has its connection re-dialled when that says nothing for half a minute, and is unanswered 5 s later", () => {
    const pump = new Pump([row(1)]).open();
    pump.until(askedFor - 1);
    expect(pump.told("connection")).toEqual([]);
    pump.until(askedFor);
    expect(pump.told("connection")).toEqual(["redial.request"]);
    pump.until(askedFor + orphanedFor - 1);
    expect(pump.changes).toEqual([]);
    pump.until(askedFor + orphanedFor);
    expect(pump.changes).toMatchObject([
      { id: "m1", state: "unanswered", attempt: { number: 1, outcome: "unanswered", detail: null } },
    ]);
    pump.tell({ type: "sent", device: HOLDER, message: id(1), attempt: 1 });
    expect(pump.told("detector")).toEqual([]);
  });

  it("is given up after 8 s once a later one was answered, and sent again", () => {
    const pump = new Pump([row(1), row(2)]).open();
    pump.sent(1).until(100).sent(2).until(200).proved(2);
    pump.until(ackFor - 1);
    expect(pump.sends).toEqual(["m1 1", "m2 1"]);
    pump.until(ackFor);
    expect(pump.sends).toEqual(["m1 1", "m2 1", "m1 2"]);
    expect(pump.told("detector")).toEqual(["attempt.sent", "attempt.sent", "attempt.answered", "attempt.dropped"]);
  });

  it("is given up after three times as long though nothing else was answered", () => {
    const pump = new Pump([row(1)]).open().sent(1);
    pump.until(3 * ackFor - 1);
    expect(pump.sends).toHaveLength(1);
    pump.until(3 * ackFor);
    expect(pump.sends).toEqual(["m1 1", "m1 2"]);
  });

  it("is held when links that answered others gave it no answer five times", () => {
    const pump = new Pump([row(1)]).open();
    for (let time = 1; time <= muteLimit; time++) {
      expect(pump.sends.at(-1)).toBe(`m1 ${time}`);
      pump.sent(1, time).until(pump.now + 3 * ackFor);
    }
    expect(pump.sends).toHaveLength(muteLimit);
    expect(pump.changes.at(-1)).toMatchObject({
      state: "held",
      reason: "5 attempts got no answer on links that answered others",
    });
  });

  it("waits longer each time that it can't be prepared, at most ten seconds, and is held when WhatsApp answers no lookup", () => {
    const pump = new Pump([row(1)]).open();
    const pauses: number[] = [];
    while (pump.phase(1) !== "held") {
      const from = pump.now;
      pump.unsent(1, "lookup");
      while (pump.phase(1) === "delayed") pump.until(pump.now + 50);
      pauses.push(pump.now - from);
    }
    expect(pauses).toHaveLength(lookupLimit);
    expect(pauses.slice(0, 8)).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
    expect(pump.changes.at(-1)?.reason).toMatch(/^WhatsApp did not answer what is needed to encrypt \(20 times\)/);
    const patient = new Pump([row(1)]).open();
    for (let time = 0; time < 2 * lookupLimit; time++) {
      patient.unsent(1, "store");
      patient.until(patient.now + 10_000);
    }
    expect(patient.phase(1)).toBe("asked");
  });

  it("is failed with the reason when it can't be prepared at all, or WhatsApp refuses it", () => {
    const pump = new Pump([row(1), row(2), row(3), row(4)]).open();
    pump
      .unsent(1, "unpreparable")
      .sent(2)
      .tell({ type: "refused", device: HOLDER, waId: "w2" as never, code: 404 });
    pump.unsent(4, "unpreparable", 1, 403);
    expect(pump.changes.map(({ state, reason, attempt }) => [state, reason, attempt?.outcome, attempt?.detail])).toEqual([
      ["failed", "unpreparable: so it is", "unsent", "unpreparable"],
      ["failed", "refused:404 unknown: that chat does not exist", "refused", "404"],
      ["failed", "refused:403 so it is", "unsent", "unpreparable"],
    ]);
    const failed = (no: number, reason: string) => ({
      type: "message.failed",
      subject: "sales/m1",
      data: expect.objectContaining({ message: `m${no}`, reason }),
    });
    expect(pump.said).toEqual([
      failed(1, "unpreparable: so it is"),
      failed(2, "refused:404 unknown: that chat does not exist"),
      failed(4, "refused:403 so it is"),
    ]);
    expect(pump.told("checkup")).toEqual([]);
    pump.sent(3).tell({ type: "refused", device: HOLDER, waId: "w3" as never, code: 463 });
    expect(pump.told("checkup")).toEqual(["check.request"]);
    expect(pump.told("roster")).toEqual(["reroute.request"]);
  });
});

describe("a link that is lost", () => {
  it("is tried again each second with one message, until one passes", () => {
    const pump = new Pump([row(1), row(2)]).open();
    pump.unsent(1, "closed").unsent(2, "closed");
    expect(pump.state.view).toMatchObject({ isUp: false });
    pump.until(linkRetry - 1);
    expect(pump.sends).toEqual(["m1 1", "m2 1"]);
    pump.until(linkRetry);
    expect(pump.sends.slice(2)).toEqual(["m1 2"]);
    pump.unsent(1, "closed").until(2 * linkRetry);
    expect(pump.sends.slice(3)).toEqual(["m1 3"]);
    pump.sent(1, 3);
    expect(pump.state.view).toMatchObject({ isUp: true });
    expect(pump.sends.slice(4)).toEqual(["m2 2"]);
  });

  it("leaves what was sent unanswered: that is sent again once the link is up and has had its time to say more", () => {
    const pump = new Pump([row(1)]).open().sent(1).until(500);
    pump.tell({ type: "link.lost", device: STRANGER });
    expect(pump.state.view).toMatchObject({ isUp: true, underWay: 1 });
    pump.tell({ type: "link.lost", device: HOLDER });
    expect(pump.state.view).toMatchObject({ isUp: false, underWay: 0, unanswered: 1 });
    expect(pump.changes).toMatchObject([{ state: "unanswered", attempt: { number: 1, outcome: "unanswered" } }]);
    pump.open(HOLDER, 2).until(1499);
    expect(pump.sends).toEqual(["m1 1"]);
    pump.until(1500);
    expect(pump.sends).toEqual(["m1 1", "m1 2"]);
  });
});

describe("an unanswered message", () => {
  const lost = (input: Partial<QueueInput> = {}): Pump => {
    const pump = new Pump([row(1)], input).open().sent(1).until(500);
    pump.tell({ type: "queue.close" });
    return pump;
  };

  it("is held when another number speaks, and sent again there if that is the policy", () => {
    const held = lost().open(STRANGER, 2).until(1500);
    expect(held.sends).toEqual(["m1 1"]);
    expect(held.changes.at(-1)).toMatchObject({ state: "held", reason: "unanswered on another number" });
    expect(lost({ whenNumberChanges: "resend" }).open(STRANGER, 2).until(1500).sends).toEqual(["m1 1", "m1 2"]);
  });

  it("is proved by any sign of it, on whichever attempt", () => {
    const pump = lost();
    pump.proved(1, "receipt", "read");
    expect(pump.changes.at(-1)).toMatchObject({
      state: "read",
      attempt: { number: 1, outcome: "acknowledged", detail: "receipt" },
    });
    expect(pump.open().until(9000).sends).toHaveLength(1);
  });

  it("goes to the operator's word: failed at once, or released, which the store has to know first", () => {
    const failed = lost().open(STRANGER, 2).until(1500);
    failed.tell({ type: "held.fail", message: id(1) });
    expect(failed.changes.at(-1)).toMatchObject({ state: "failed", reason: "failed by an operator" });
    const released = lost().open(STRANGER, 2).until(1500);
    released.isStoreSilent = true;
    released.tell({ type: "held.release", message: id(1) });
    expect(released.changes.at(-1)).toMatchObject({ state: "accepted", reason: null });
    expect(released.phase(1)).toBe("releasing");
    released.isStoreSilent = false;
    released.tell({ type: "store.recorded", answer: { op: "outbox.record", kind: "ok" } } as never);
    expect(released.sends).toEqual(["m1 1", "m1 2"]);
  });

  it("that is held is let go by WhatsApp's late no to its only attempt: it can't have arrived", () => {
    const pump = lost().open(STRANGER, 2).until(1500);
    expect(pump.phase(1)).toBe("held");
    pump.isStoreSilent = true;
    pump.tell({ type: "refused", device: HOLDER, waId: "w1" as never, code: 463 });
    expect(pump.phase(1)).toBe("releasing");
    expect(pump.changes.at(-1)).toMatchObject({ state: "accepted", attempt: { number: 1, outcome: "refused", detail: "463" } });
    pump.isStoreSilent = false;
    pump.tell({ type: "store.recorded", answer: { op: "outbox.record", kind: "ok" } } as never);
    expect(pump.sends).toEqual(["m1 1", "m1 2"]);
  });
});

describe("a message that expires", () => {
  it("fails with where it was: waiting, unanswered or held", () => {
    const waiting = new Pump([row(1, 300)]).until(299);
    expect(waiting.changes).toEqual([]);
    expect(waiting.until(300).changes).toMatchObject([{ state: "failed", reason: "expired" }]);
    // Its sender said when.
    expect(waiting.said).toEqual([]);
    const unanswered = new Pump([row(1, 800)]).open().sent(1).until(500);
    unanswered.tell({ type: "queue.close" });
    expect(unanswered.until(800).changes.at(-1)).toMatchObject({ state: "failed", reason: "expired while unanswered" });
    const held = new Pump([row(1, 4000)]).open().sent(1).until(500);
    held.tell({ type: "queue.close" });
    held.open(STRANGER, 2).until(3999);
    expect(held.phase(1)).toBe("held");
    expect(held.until(4000).changes.at(-1)).toMatchObject({ state: "failed", reason: "expired while held" });
  });
});

describe("a queue that opens", () => {
  it("says at once that nothing is unanswered, or after the time that it gives the old holder's messages", () => {
    expect(new Pump([]).open().told("sender")).toEqual(["queue.resolved"]);
    const pump = new Pump([row(1)]).open().sent(1).until(500);
    pump.tell({ type: "queue.close" });
    pump.open(HOLDER, 2).until(1499);
    expect(pump.told("sender")).toHaveLength(1);
    expect(pump.until(1500).told("sender")).toHaveLength(2);
  });

  it("says so only once it knows what the store has, held messages too, or when that time is over", () => {
    const answer = (pump: Pump, op: "outbox.list" | "outbox.open") =>
      pump.tell({ type: "store.rows", answer: { op, rows: [], more: false } } as never);
    const pump = new Pump([], {}, true).open();
    expect(pump.told("sender")).toEqual([]);
    answer(pump, "outbox.list");
    expect(pump.told("sender")).toEqual([]);
    answer(pump, "outbox.open");
    expect(pump.told("sender")).toEqual(["queue.resolved"]);
    // What is held is asked for anew, and may be unanswered there.
    pump.tell({ type: "queue.reload" });
    pump.open(HOLDER, 2).until(999);
    expect(pump.told("sender")).toHaveLength(1);
    expect(pump.until(1000).told("sender")).toHaveLength(2);
  });

  it("is drained when nothing is under way any more, and hands over nothing new meanwhile", () => {
    const pump = new Pump([row(1), row(2)]).open().sent(1);
    pump.tell({ type: "queue.drain" });
    pump.tell({ type: "queue.offer", rows: [row(3)] });
    pump.unsent(2, "store").until(5000);
    expect(pump.told("sender")).toEqual(["queue.resolved"]);
    pump.proved(1).until(9000);
    expect(pump.told("sender")).toEqual(["queue.resolved", "queue.drained"]);
    expect(pump.sends).toHaveLength(2);
  });
});

describe("what is handed over at once", () => {
  it("is at most what a device may have under way, and one message on a link that is believed lost", () => {
    const rows = Array.from({ length: 25 }, (_, index) => row(index + 1));
    const pump = new Pump(rows).open();
    expect(pump.sends).toHaveLength(20);
    for (let seq = 1; seq <= 20; seq++) pump.unsent(seq, "closed");
    pump.until(linkRetry);
    expect(pump.sends).toHaveLength(21);
    pump.tell({ type: "queue.offer", rows: [row(26)] });
    pump.until(10 * linkRetry);
    expect(pump.sends).toHaveLength(21);
  });

  it("is nothing while too many outcomes wait for the store", () => {
    const pump = new Pump([row(1), row(2), row(3), row(4)], { perDevice: 1, recordLimit: 2, recordBatch: 1 }).open();
    pump.isStoreSilent = true;
    for (let seq = 1; seq <= 3; seq++) pump.sent(seq).proved(seq);
    expect(pump.sends).toEqual(["m1 1", "m2 1", "m3 1"]);
    pump.isStoreSilent = false;
    pump.tell({ type: "store.recorded", answer: { op: "outbox.record", kind: "ok" } } as never);
    expect(pump.sends).toHaveLength(4);
  });

  it("leaves the other seats of the account their share as soon as it has passed the gate", () => {
    const buckets = new Buckets({ [ACCOUNT]: { perSecond: 1, burst: 1 } }, 0);
    const first = new Pump([row(1)], { buckets }).open().until(1000);
    const other = new Pump([row(2)], { buckets, seat: seatId(lineId("sales"), accountId("m2")) }).open();
    other.until(2500);
    expect([first.sends, other.sends]).toEqual([["m1 1"], []]);
    first.until(2500).sent(1);
    other.until(3000);
    expect(other.sends).toEqual(["m2 1"]);
  });
});

describe("the list of held messages", () => {
  it("is asked for again, twice as long, until all of it is here, and nothing is sent before", () => {
    const pump = new Pump([row(1)], {}, true).open();
    for (let time = 0; time < 2; time++)
      pump.tell({ type: "store.rows", answer: { op: "outbox.list", rows: [], more: true } } as never);
    expect(pump.limits).toEqual([1024, 2048, 4096]);
    pump.isStoreSilent = false;
    expect(pump.sends).toEqual([]);
    pump.tell({ type: "store.rows", answer: { op: "outbox.list", rows: [], more: false } } as never);
    expect(pump.sends).toEqual(["m1 1"]);
  });
});

describe("a store that fails", () => {
  it("is read again after pauses that double, at most ten seconds, and begin anew with its first answer", () => {
    const pump = new Pump([row(1)], {}, true);
    const pauses = Array.from({ length: 8 }, () => {
      const from = pump.now;
      const reads = pump.reads.length;
      pump.tell({ type: "store.failed", answer: { op: "outbox.list", kind: "failed" } } as never);
      while (pump.reads.length === reads) pump.until(pump.now + 10);
      return pump.now - from;
    });
    expect(pauses).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
    expect(new Set(pump.reads)).toEqual(new Set(["outbox.list"]));
    pump.tell({ type: "store.rows", answer: { op: "outbox.list", rows: [], more: false } } as never);
    expect(pump.reads.at(-1)).toBe("outbox.open");
    const from = pump.now;
    pump.tell({ type: "store.failed", answer: { op: "outbox.open", kind: "failed" } } as never);
    const reads = pump.reads.length;
    while (pump.reads.length === reads) pump.until(pump.now + 10);
    expect(pump.now - from).toBe(250);
  });
});
