/** What is open about a fleet that is not there any more: ended at a start, because nobody else ever will. */
import { describe, expect, it } from "vitest";
import type { Loaded } from "../../machines/driver/boot.ts";
import { alertsOfBefore } from "../../machines/driver/leaving.ts";

const alert = (rule: string, subject: string) => ({ key: `${rule}:${subject}`, rule, subject });
const loaded = (accounts: readonly string[], alerts: readonly object[] = []): Loaded =>
  ({ accounts: accounts.map((id) => ({ id })), devices: [], seats: [], alerts }) as unknown as Loaded;

describe("alerts of an earlier life", () => {
  it("end if they are about what has left the fleet, or about what only that life knew; the others stay open", () => {
    const alerts = [alert("account.banned", "gone"), alert("fleet.brake", "fleet"), alert("account.banned", "here")];
    expect(alertsOfBefore(loaded(["here"], alerts), loaded(["here", "gone"]))).toEqual([
      { op: "resolve", key: "account.banned:gone", text: "gone is no longer in the fleet" },
      { op: "resolve", key: "fleet.brake:fleet", text: expect.stringContaining("started anew") },
    ]);
  });
});
