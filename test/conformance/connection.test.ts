/** The connection suite on the simulated WhatsApp and on Baileys, and the suite itself: no fault is forgotten. */
import { describe, expect, it } from "vitest";
import { faultKinds } from "../../sim/faults/catalogue.ts";
import { connectionConformance, titles } from "./connection.ts";
import { baileys } from "./connection-baileys.ts";
import { faultCases } from "./connection-faults.ts";
import { elsewhere } from "./connection-kit.ts";
import { model } from "./connection-model.ts";

connectionConformance(model);
connectionConformance(baileys);

describe("the connection suite", () => {
  it("has a case for each fault that the simulator knows, or a reason why it is not the port's", () => {
    const covered = new Set<string>([...faultCases.map(({ fault }) => fault), ...Object.keys(elsewhere)]);
    expect(faultKinds.filter((kind) => !covered.has(kind))).toEqual([]);
    expect(Object.values(elsewhere).every((reason) => reason.length > 20)).toBe(true);
  });

  it("leaves out on an arm only what exists, with a reason", () => {
    for (const { skips } of [model, baileys]) {
      expect(Object.keys(skips).filter((title) => !titles.includes(title))).toEqual([]);
      expect(Object.values(skips).every((reason) => reason.length > 20)).toBe(true);
    }
  });

  it("names each case once", () => {
    expect(new Set(titles).size).toBe(titles.length);
  });
});
