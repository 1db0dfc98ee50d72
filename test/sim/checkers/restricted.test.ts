import { describe, expect, it } from "vitest";
import type { AccountId, MessageId } from "../../../machines/ports/ids.ts";
import { restrictedBeginNothing } from "../../../sim/checkers/restricted.ts";
import type { Recorded } from "../../../sim/world/ledger.ts";
import { after, brokenIn, first, honest } from "./doctored.ts";

const account = "support-1" as AccountId;

/** A restriction is told of, and `later` a message that passes the gate is refused. */
const refusedAfter = (later: number, ending: readonly Recorded[] = []): string[] => {
  const life = honest();
  const gate = first(life, "gate", ({ device }) => device.startsWith(`${account}/`));
  const said = (type: string, at: number): Recorded => ({
    at,
    kind: "said",
    type,
    subject: account,
    data: { key: `account.restricted:${account}`, level: "warning", text: "" },
  });
  const message = "another" as MessageId;
  const passed: Recorded = { ...gate, at: gate.at + later, message };
  const { device, waId } = gate;
  const refused: Recorded = { at: passed.at + 100, kind: "refused", account, device, message, waId, code: 463 };
  return brokenIn(restrictedBeginNothing, after(life, gate, said("alert.raised", gate.at), ...ending, passed, refused));
};

describe("an account that is known to be restricted", () => {
  it("has nothing more refused", () => {
    expect(refusedAfter(2_001)).toHaveLength(1);
  });

  it("may have had messages under way", () => {
    expect(refusedAfter(1_999)).toEqual([]);
  });

  it("is one no longer when that was said to be over", () => {
    const life = honest();
    const { at } = first(life, "gate", ({ device }) => device.startsWith(`${account}/`));
    const over = { at, kind: "said", type: "alert.resolved", subject: account, data: { key: `account.restricted:${account}` } };
    expect(refusedAfter(60_000, [over as Recorded])).toEqual([]);
  });
});
