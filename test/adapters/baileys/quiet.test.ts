import { afterEach, describe, expect, it, vi } from "vitest";
import { redact, silenceLibsignal } from "../../../src/adapters/baileys/quiet.ts";

const original = { ...console };
afterEach(() => Object.assign(console, original));

describe("logs", () => {
  it("never show libsignal's sessions, and leave everybody else's lines alone", () => {
    const seen: unknown[][] = [];
    for (const method of ["info", "warn", "error"] as const) {
      vi.spyOn(console, method).mockImplementation((...args: unknown[]) => void seen.push(args));
    }
    silenceLibsignal();
    silenceLibsignal();
    console.info("Closing session:", { privKey: "secret" });
    console.warn("Session already closed", { privKey: "secret" });
    console.error("Session error:Error: Bad MAC", "stack");
    console.info("Closing the shop", 1);
    console.error(new Error("ours"));
    expect(seen).toHaveLength(2);
    expect(JSON.stringify(seen)).not.toContain("secret");
  });

  it("show no numbers", () => {
    expect(redact("Invalid LID-PN mapping: 4917012345678@lid, 12@x")).toBe("Invalid LID-PN mapping: …@lid, 12@x");
  });
});
