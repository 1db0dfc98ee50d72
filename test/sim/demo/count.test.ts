import { describe, expect, it } from "vitest";
import type { DeviceId, MessageId, Millis, SeatTerm, WaId } from "../../../machines/ports/ids.ts";
import type { AttemptOutcome, OutboxRow } from "../../../machines/ports/store.ts";
import {
  type AcceptedMessage,
  countInbound,
  countOutbound,
  type Heard,
  isIntact,
  type Phone,
  type Written,
} from "../../../sim/demo/count.ts";

describe("what was accepted", () => {
  it("is intact when every phone got every message once and in order", () => {
    const counts = countOutbound([message(1), message(2)], rows(row(1), row(2)), [phone(1, 2)]);
    expect(counts).toMatchObject({ accepted: 2, acknowledged: 2, held: 0, open: 0, lost: 0, outOfOrder: 0, troubles: [] });
    expect(isIntact(counts, countInbound([], [], linked, unheard))).toBe(true);
  });

  it.each<[string, Parameters<typeof rows>, Phone]>([
    ["called acknowledged and never at the phone", [row(1)], phone()],
    ["failed", [row(1, "failed")], phone()],
    ["failed, though the phone has it", [row(1, "failed")], phone(1)],
    ["not in the outbox", [], phone(1)],
    ["still under way when there was time enough", [row(1, "dispatched", ["pending"])], phone()],
  ])("is lost if it is %s", (_, outbox, at) => {
    const counts = countOutbound([message(1)], rows(...outbox), [at]);
    expect(counts.lost).toBe(1);
    expect(counts.troubles).toHaveLength(1);
    expect(isIntact(counts, countInbound([], [], linked, unheard))).toBe(false);
  });

  it("is not lost while it is under way in a run that was cut short", () => {
    const counts = countOutbound([message(1)], rows(row(1, "accepted", [])), [phone()], { wasCutShort: true });
    expect(counts).toMatchObject({ open: 1, lost: 0 });
  });

  it("is held, not lost, while it waits for an operator", () => {
    expect(countOutbound([message(1)], rows(row(1, "held", ["unanswered"])), [phone()])).toMatchObject({ held: 1, lost: 0 });
  });

  it("is not at the phone if the phone could not read it", () => {
    const unread = { number: "1", arrivals: [{ id: "W1", outcome: "undecryptable" }] };
    expect(countOutbound([message(1)], rows(row(1)), [unread]).lost).toBe(1);
  });
});

describe("a repetition at a phone", () => {
  it.each<[string, readonly AttemptOutcome[], number]>([
    ["one attempt", ["acknowledged"], 0],
    ["two attempts, none of them unanswered", ["unsent", "acknowledged"], 0],
    ["two attempts, one of them unanswered", ["unanswered", "acknowledged"], 1],
  ])("with %s", (_, attempts, marked) => {
    const counts = countOutbound([message(1)], rows(row(1, "delivered", attempts)), [phone(1, 1)]);
    expect(counts).toMatchObject({ duplicatesMarked: marked, duplicatesUnmarked: 1 - marked, lost: 0, outOfOrder: 0 });
  });

  it("is counted each time", () => {
    expect(countOutbound([message(1)], rows(row(1)), [phone(1, 1, 1)]).duplicatesUnmarked).toBe(2);
  });

  it("does not disturb the order", () => {
    expect(countOutbound([message(1), message(2)], rows(row(1), row(2)), [phone(1, 2, 1)]).outOfOrder).toBe(0);
  });
});

describe("the order at a phone", () => {
  it("is judged by the first arrival of each message", () => {
    const three = [message(1), message(2), message(3)];
    const counts = countOutbound(three, rows(row(1), row(2), row(3)), [phone(2, 1, 3)]);
    expect(counts.outOfOrder).toBe(1);
    expect(counts.troubles[0]).toContain("after #2: #1");
  });

  it("is each person's own", () => {
    const other = { ...message(2), person: "2" };
    expect(countOutbound([message(1), other], rows(row(1), row(2)), [phone(1), phone(2)]).outOfOrder).toBe(0);
  });

  it("is not disturbed by what somebody else sent", () => {
    expect(countOutbound([message(1)], rows(row(1)), [phone(9, 1)])).toMatchObject({ outOfOrder: 0, lost: 0 });
  });
});

describe("what people wrote", () => {
  it("is lost if the inbox does not have it, and repeated if it has it twice", () => {
    const inbox = [{ waId: "A" }, { waId: "C" }, { waId: "C" }];
    const counts = countInbound([written("A", 1), written("B", 1), written("C", 1)], inbox, linked, unheard);
    expect(counts).toMatchObject({ written: 3, stored: 2, lost: 1, repeated: 1 });
    expect(counts.troubles).toEqual([
      "never in the inbox: written by 7 to 1 after 1.5 s; its phone has heard nothing of it; it waits for device 1 (linked and live)",
    ]);
    expect(isIntact(countOutbound([], rows(), []), counts)).toBe(false);
  });

  it("is told with what became of it: whether a device took it, could not read it, has not come to it, or never got it", () => {
    const told = (heard: Heard) => countInbound([written("B", 1)], [], linked, () => heard).troubles;
    expect(told({ confirmed: true, askedAgain: 1, waiting: [] })).toEqual([
      expect.stringMatching(/; its phone was told that it has arrived$/),
    ]);
    expect(told({ confirmed: false, askedAgain: 5, waiting: [] })).toEqual([
      expect.stringMatching(/; its phone was asked for it 5 times again; whoever it was for said that it may be forgotten$/),
    ]);
    expect(told({ confirmed: false, askedAgain: 0, waiting: [{ device: 2, live: false }] })).toEqual([
      expect.stringMatching(/; its phone has heard nothing of it; it waits for device 2 \(away\)$/),
    ]);
  });

  it("is nobody's loss if every device that it was written for was removed, and a loss if one is still there", () => {
    const counts = countInbound(
      [written("A"), written("B", 9), written("C", 9, 1), written("D", 9)],
      [{ waId: "D" }],
      linked,
      unheard,
    );
    expect(counts).toMatchObject({ written: 2, stored: 1, lost: 1, unreachable: 2 });
  });

  it("is under way, not lost, in a run that was cut short", () => {
    const counts = countInbound([written("A", 1)], [], linked, unheard, { wasCutShort: true });
    expect(counts).toMatchObject({ written: 1, stored: 0, open: 1, lost: 0, troubles: [] });
  });
});

function written(id: string, ...devices: number[]): Written {
  return { id, from: "7", to: "1", devices, at: 1500 };
}
function unheard(): Heard {
  return { confirmed: false, askedAgain: 0, waiting: [{ device: 1, live: true }] };
}
function linked(number: string): number[] {
  return number === "1" ? [1, 2] : [];
}
function message(order: number): AcceptedMessage {
  return { id: `m${order}` as MessageId, waId: `W${order}` as WaId, person: "1", order };
}
function row(
  order: number,
  state: OutboxRow["state"] = "acknowledged",
  outcomes: readonly AttemptOutcome[] = ["acknowledged"],
): Pick<OutboxRow, "id" | "state" | "attempts"> {
  const attempts = outcomes.map((outcome, index) => ({
    number: index + 1,
    device: "sales-1/a" as DeviceId,
    seatTerm: 1 as SeatTerm,
    at: 0 as Millis,
    outcome,
    detail: null,
  }));
  return { id: `m${order}` as MessageId, state, attempts };
}
function rows(...list: ReturnType<typeof row>[]): Map<MessageId, ReturnType<typeof row>> {
  return new Map(list.map((each) => [each.id, each]));
}
function phone(...orders: number[]): Phone {
  return {
    number: "1",
    arrivals: orders.map((order, place) => ({
      id: `W${order}`,
      outcome: orders.indexOf(order) === place ? "received" : "duplicate",
    })),
  };
}
