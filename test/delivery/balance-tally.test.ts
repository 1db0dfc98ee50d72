import { describe, expect, it } from "vitest";
import { Tally } from "../../machines/delivery/balance/tally.ts";

describe("what is counted of a seat", () => {
  it("has quantiles of the last answers only, and counts of all", () => {
    const tally = new Tally();
    expect(tally.figures).toEqual({ handedOver: 0, answered: 0, failed: 0, p50: null, p99: null });
    for (let took = 1; took <= 1000; took++) {
      tally.handOver();
      tally.answer(took);
    }
    tally.fail();
    // 745 to 1000.
    expect(tally.figures).toEqual({ handedOver: 1000, answered: 1000, failed: 1, p50: 872, p99: 998 });
  });
});
