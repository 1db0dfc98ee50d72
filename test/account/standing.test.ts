import { describe, expect, it } from "vitest";
import { standingMachine } from "../../machines/account/standing.ts";
import { accountId } from "../../machines/ports/ids.ts";
import type { Address } from "../../machines/protocol.ts";
import { Host } from "./host.ts";

const STANDING: Address = `standing:${accountId("sales-1")}`;
const HOUR = 3_600_000;

/** Told again each half hour, as a deep check does. */
const restrictedFor = (hours: number, { isToldAgain }: { readonly isToldAgain: boolean }): Host => {
  const host = new Host();
  host.chart(STANDING, standingMachine, { account: accountId("sales-1"), at: host.now, standing: "good", until: null });
  const until = host.now + hours * HOUR;
  const report = (): void => host.tell(STANDING, { type: "standing.reported", standing: "restricted", until, at: host.now });
  report();
  for (let half = 1; half < 2 * hours; half++) {
    host.advance(HOUR / 2);
    if (isToldAgain) report();
    if (host.value(STANDING) !== "restricted") throw new Error(`over after ${half / 2} of ${hours} hours`);
  }
  return host;
};

describe("a restriction with a known end", () => {
  it.each([1, 24, 44, 25, 100])("of %i hours lasts so long, whether it is told again or not", (hours) => {
    for (const isToldAgain of [false, true]) {
      const host = restrictedFor(hours, { isToldAgain });
      host.advance(HOUR / 2);
      expect(host.value(STANDING)).toBe("good");
      expect(host.told("roster").map(({ standing }) => standing)).toEqual(["restricted", "good"]);
    }
  });
});
