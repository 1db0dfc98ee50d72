import { describe, expect, it } from "vitest";
import type { Fault } from "../../../sim/faults/catalogue.ts";
import { harmOf } from "../../../sim/faults/harm.ts";

const oneWay = (dead: "up" | "down"): Fault => ({ kind: "one-way", target: { all: true }, at: 0, for: "permanent", dead });

describe("the harm of a link that is dead in one direction", () => {
  it("is silence where we hear nothing", () => {
    expect(harmOf(oneWay("down"))).toBe("silent");
  });
  it("shows only in what is sent where WhatsApp hears nothing: what it still says is evidence", () => {
    expect(harmOf(oneWay("up"))).toBe("unacknowledged");
  });
});
