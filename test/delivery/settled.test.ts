/** What a seat's queue keeps of messages that are over, and what late facts change about them. */
import { describe, expect, it } from "vitest";
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

  it("stays failed, whatever is said of it, if nothing of it has ever left", () => {
    const pump = new Pump([row(1, 400)]).until(400);
    expect(pump.changes.at(-1)).toMatchObject({ id: id(1), state: "failed", reason: "expired" });
    const before = pump.changes.length;
    pump.proved(1).proved(1, "receipt", "read");
    expect(pump.changes).toHaveLength(before);
  });
});
