/** Attempts that never left: what is written of them, and what the message is then. */
import { describe, expect, it } from "vitest";
import { QUEUE_DEFAULTS } from "../../machines/delivery/queue-config.ts";
import { HOLDER, id, Pump, row } from "./pump.ts";

const { orphanedFor, linkRetry } = QUEUE_DEFAULTS;
const SAME = { conversation: "sales:c1" as never };

/** Its first attempt is unanswered, its second is being prepared by the same holder. */
const again = (): Pump => {
  const pump = new Pump([row(1), { ...row(2), ...SAME }]).open().sent(1);
  pump.tell({ type: "link.lost", device: HOLDER });
  pump.open(HOLDER, 2).until(1000);
  expect(pump.sends).toEqual(["m1 1", "m1 2"]);
  return pump;
};
const newest = ({ changes }: Pump, count = 1): object[] =>
  changes.slice(-count).map(({ state, attempt }) => ({ state, number: attempt?.number, outcome: attempt?.outcome }));

describe("an attempt that did not leave", () => {
  it("leaves the message as it was: accepted, or unanswered if an earlier one may have arrived", () => {
    const first = new Pump([row(1)]).open().unsent(1, "store");
    expect(newest(first)).toEqual([{ state: "accepted", number: 1, outcome: "unsent" }]);
    expect(first.state.view.underWay).toBe(0);
    expect(newest(again().unsent(1, "store"))).toEqual([{ state: "unanswered", number: 2, outcome: "unsent" }]);
  });

  it("says nothing of another attempt than the one under way, and nothing twice", () => {
    const pump = again();
    const before = pump.changes.length;
    pump.unsent(1, "store", 1);
    expect(pump.changes).toHaveLength(before);
    expect(pump.phase(1)).toBe("asked");
    pump.unsent(1, "store", 2).unsent(1, "store", 2);
    expect(pump.changes).toHaveLength(before + 1);
  });

  it("was refused twice under one opening: it is looked up, and sent under the next one if it still waits here", () => {
    const pump = new Pump([row(1), { ...row(2), ...SAME }]).open().unsent(1, "stale");
    pump.until(pump.now + linkRetry).unsent(1, "stale");
    pump.open(HOLDER, 2).until(pump.now + linkRetry);
    // The store of this test knows of no attempts.
    expect(pump.sends).toEqual(["m1 1", "m1 2", "m1 1"]);
  });

  it("is over when proof of the earlier one came meanwhile: that one arrived, this one never left, and what follows goes on", () => {
    const pump = again().proved(1, "receipt", "read");
    expect(pump.sends).toHaveLength(2);
    pump.unsent(1, "closed");
    expect(newest(pump, 2)).toEqual([
      { state: "read", number: 2, outcome: "unsent" },
      { state: "read", number: 1, outcome: "acknowledged" },
    ]);
    expect(pump.phase(1)).toBe("settled");
    expect(pump.until(pump.now + linkRetry).sends.at(-1)).toBe("m2 1");
  });

  it("was waited for too long, and is known not to have left after all: the message is sent again", () => {
    const pump = new Pump([row(1)]).open();
    pump.tell({ type: "queue.close" });
    pump.until(orphanedFor);
    expect(pump.phase(1)).toBe("unanswered");
    pump.unsent(1, "store");
    expect(newest(pump)).toEqual([{ state: "accepted", number: 1, outcome: "unsent" }]);
    expect(pump.state.view.unanswered).toBe(0);
    expect(pump.phase(1)).toBe("delayed");
    expect(pump.open(HOLDER, 2).until(pump.now + 250).sends).toEqual(["m1 1", "m1 2"]);
  });

  it("was waited for too long, while an earlier one is in doubt: so the message stays unanswered", () => {
    const pump = again();
    pump.tell({ type: "queue.close" });
    pump.until(1000 + orphanedFor);
    expect(pump.phase(1)).toBe("unanswered");
    pump.unsent(1, "store", 2);
    expect(newest(pump)).toEqual([{ state: "unanswered", number: 2, outcome: "unsent" }]);
  });

  it("of a message that was released is not held again for that", () => {
    const pump = new Pump([row(1)]).open().sent(1);
    pump.tell({ type: "link.lost", device: HOLDER });
    pump.tell({ type: "queue.open", device: "m2/a" as never, account: "m2" as never, term: 3 as never, resolveFor: 1000 });
    pump.until(1000);
    expect(pump.phase(1)).toBe("held");
    pump.tell({ type: "held.release", message: id(1) });
    expect(pump.sends).toEqual(["m1 1", "m1 2"]);
    pump.tell({ type: "unsent", device: "m2/a" as never, message: id(1), attempt: 2, why: "store", detail: "" });
    expect(newest(pump)).toEqual([{ state: "accepted", number: 2, outcome: "unsent" }]);
    expect(pump.until(2000).sends).toEqual(["m1 1", "m1 2", "m1 3"]);
  });
});
