/** What a seat's queue keeps of messages that are over, and what late facts change about them. */
import { describe, expect, it } from "vitest";
import { accountId, seatId } from "../../machines/ports/ids.ts";
import { id, Pump, row } from "./pump.ts";

describe("a message that is over", () => {
  it("is forgotten once so many others are over, and not before", () => {
    const remember = 4;
    const pump = new Pump([], { remember }).open();
    for (let seq = 1; seq <= 30; seq++) {
      pump.tell({ type: "queue.offer", rows: [row(seq)] });
      pump.sent(seq).proved(seq);
      const known = Array.from({ length: seq }, (_, no) => no + 1).filter((each) => pump.phase(each) !== undefined);
      expect(known).toEqual(Array.from({ length: Math.min(seq, remember) }, (_, no) => seq - no).toReversed());
    }
  });

  it("but lies with another seat in the store is told to that seat's queue, too, which may still wait for a word about it", () => {
    const pump = new Pump([]).open();
    const other = seatId(row(1).line, accountId("m2"));
    const found = (stored: object): void => {
      pump.proved(1, "receipt", "read");
      pump.tell({ type: "store.row", answer: { op: "outbox.get", kind: "row", row: stored } } as never);
    };
    found({ ...row(1), seat: other, state: "unanswered" });
    expect(pump.told(`queue:${other}`)).toEqual(["proved"]);
    expect(pump.changes.at(-1)).toMatchObject({ id: id(1), state: "read" });
    const own = new Pump([]).open();
    own.proved(2, "receipt", "read");
    own.tell({ type: "store.row", answer: { op: "outbox.get", kind: "row", row: row(2) } } as never);
    expect(own.told("queue:")).toEqual([]);
  });

  it("stays failed, whatever is said of it, if nothing of it has ever left", () => {
    const pump = new Pump([row(1, 400)]).until(400);
    expect(pump.changes.at(-1)).toMatchObject({ id: id(1), state: "failed", reason: "expired" });
    const before = pump.changes.length;
    pump.proved(1).proved(1, "receipt", "read");
    expect(pump.changes).toHaveLength(before);
  });
});

describe("a post that is to be given away", () => {
  const settled = (pump: Pump): number => pump.told("roster").filter((type) => type === "post.settled").length;
  const recorded = (pump: Pump): void => pump.tell({ type: "store.recorded", answer: { op: "outbox.record" } } as never);

  it("is settled once nothing is under way, and the store knows what became of everything; and says so once", () => {
    const pump = new Pump([row(1)], {}).open();
    pump.isStoreSilent = true;
    pump.tell({ type: "queue.settle" });
    expect(settled(pump)).toBe(0);
    pump.sent(1).proved(1);
    expect(settled(pump)).toBe(0);
    pump.tell({ type: "store.failed", answer: { op: "outbox.record" } } as never);
    expect(settled(pump)).toBe(0);
    pump.until(60_000);
    recorded(pump);
    expect(settled(pump)).toBe(1);
    pump.tell({ type: "wake" });
    expect(settled(pump)).toBe(1);
  });

  it("is settled at once if nothing has left, and not any more once somebody stands there again", () => {
    const pump = new Pump([]);
    pump.tell({ type: "queue.settle" });
    expect(settled(pump)).toBe(1);
    const busy = new Pump([row(1)]).open();
    busy.tell({ type: "queue.settle" });
    busy.open(undefined, 2).sent(1).proved(1);
    expect(settled(busy)).toBe(0);
  });
});
