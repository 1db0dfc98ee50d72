import { describe, expect, it } from "vitest";
import { configErrorText } from "../../src/config/index.ts";
import { parseFleet } from "../../src/config/load.ts";
import { renderFleet } from "../../src/config/render.ts";
import { nodeConfigOf } from "../../src/runtime/node-config.ts";

const fleet = (pacing: string): string => `fleet: acme
accounts:
  m1: { role: master, devices: [a], pacing: ${pacing} }
  m2: { role: master, devices: [a] }
  s1: { role: servant, devices: [a] }
lines:
  sales: { masters: [m1, m2], servants: [s1] }
pacing: { perSecond: 2, newContacts: { perDay: 90 } }
`;
const loaded = (text: string) => {
  const parsed = parseFleet("fleet.yaml", text, {});
  if (!parsed.ok) throw new Error(parsed.errors.map(configErrorText).join("\n"));
  return parsed.fleet;
};
const errors = (pacing: string, more = ""): readonly string[] => {
  const parsed = parseFleet("fleet.yaml", fleet(pacing) + more, {});
  return parsed.ok ? [] : parsed.errors.map(configErrorText);
};

const YOUNG = `{ burst: 3, newContacts: { perHour: 5 }, warmUp: [{ days: 3, messagesPerDay: 40, newContactsPerDay: 4 }, { days: 14, newContactsPerDay: 20 }] }`;

describe("caps in a fleet file", () => {
  it("stand beside an account's pace, and those of the fleet hold for accounts that have no pacing of their own", () => {
    const { caps, queue } = nodeConfigOf(loaded(fleet(YOUNG)));
    expect(caps).toEqual({
      m1: {
        newContacts: { perHour: 5, perDay: null },
        warmUp: [
          { days: 3, messagesPerDay: 40, newContactsPerDay: 4 },
          { days: 14, messagesPerDay: null, newContactsPerDay: 20 },
        ],
      },
      m2: { newContacts: { perHour: null, perDay: 90 }, warmUp: [] },
      s1: { newContacts: { perHour: null, perDay: 90 }, warmUp: [] },
    });
    expect(queue("sales" as never).pacing).toEqual({ m2: { perSecond: 2, burst: 1 }, s1: { perSecond: 2, burst: 1 } });
  });

  it("are nobody's unless the file says so", () => {
    expect(nodeConfigOf(loaded(fleet("{ perSecond: 1 }").replace(/^pacing.*$/m, ""))).caps).toEqual({});
  });

  it("are written out as they were read", () => {
    const once = loaded(fleet(YOUNG));
    const again = loaded(renderFleet(once, { redacted: true }));
    expect(again.accounts).toEqual(once.accounts);
  });

  it("are refused when they say nothing, or their steps are in disorder", () => {
    expect(errors("{}")).toEqual([expect.stringContaining("accounts.m1.pacing: expected perSecond, newContacts or warmUp")]);
    expect(errors("{ warmUp: [{ days: 9 }, { days: 3 }] }")).toEqual([
      expect.stringContaining(
        "accounts.m1.pacing.warmUp: expected steps in the order of their days, each longer than the one before",
      ),
    ]);
    expect(errors("{ newContacts: { perDay: -1 } }")).toHaveLength(1);
  });

  it("are not read from an audit that is shortened to less than a warm-up", () => {
    const faults = (days: number) => errors(YOUNG, `retention: { auditDays: ${days} }\n`);
    expect(faults(14)).toEqual([]);
    expect(faults(13)).toEqual([expect.stringContaining("retention.auditDays: a warm-up lasts 14 days")]);
  });
});
