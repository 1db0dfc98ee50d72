import { describe, expect, it } from "vitest";
import { standingMachine } from "../../machines/account/standing.ts";
import { accountId } from "../../machines/ports/ids.ts";
import type { Standing } from "../../machines/ports/store.ts";
import type { Address } from "../../machines/protocol.ts";
import { Host } from "./host.ts";

const ACCOUNT = accountId("sales-1");
const STANDING: Address = `standing:${ACCOUNT}`;
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

describe("the standing of an account", () => {
  it.each<[Standing, Standing]>([
    ["restricted", "good"],
    ["banned", "good"],
    ["capped", "good"],
    ["restricted", "restricted"],
  ])("is not what it was (%s) before it was told: it stays as it is (%s)", (was, is) => {
    const host = staged(is, is === "good" ? null : Date.UTC(2030, 0));
    const before = host.log.length;
    report(host, was, host.now);
    report(host, was, host.now - 1);
    expect(host.log).toHaveLength(before);
    expect(host.value(STANDING)).toBe(is);
  });

  it("is written down, told to the roster and the deep check, and alerted, each time that it changes", () => {
    const host = staged("good", null);
    const until = host.now + HOUR;
    const at = new Date(until).toISOString();
    report(host, "restricted", until);
    report(host, "banned", null);
    report(host, "good", null);
    expect(host.of("write").map(({ ask }) => ask)).toMatchObject(
      [
        { standing: "restricted", until, text: `sales-1 is restricted until ${at}` },
        { standing: "banned", until: null, text: "sales-1 is banned" },
        { standing: "good", until: null, text: "sales-1 is in good standing" },
      ].map(({ text, ...now }) => ({
        op: "account.update",
        account: ACCOUNT,
        ...now,
        audit: { at: host.now, actor: "supervisor", action: "account.standing", subject: ACCOUNT, text, evidence: now },
      })),
    );
    expect(host.told("roster").map(({ type, standing }) => [type, standing])).toEqual(
      ["restricted", "banned", "good"].map((standing) => ["account.standing", standing]),
    );
    expect(host.told(`checkup:${ACCOUNT}`).map(({ type, standing, until: end }) => [type, standing, end])).toEqual([
      ["standing.noted", "restricted", until],
      ["standing.noted", "banned", null],
      ["standing.noted", "good", null],
    ]);
    expect(alerts(host)).toEqual([
      "resolve account.restricted",
      "resolve account.banned",
      "resolve account.banned",
      "raise account.restricted warning",
      "resolve account.restricted",
      "raise account.banned critical",
      "resolve account.restricted",
      "resolve account.banned",
    ]);
  });

  it("is news when its end is another, and none when all is as it was", () => {
    const host = staged("good", null);
    for (const [standing, until] of [
      ["good", null],
      ["restricted", 5 * HOUR + host.now],
      ["restricted", 5 * HOUR + host.now],
      ["restricted", 6 * HOUR + host.now],
      ["banned", 6 * HOUR + host.now],
      ["banned", 6 * HOUR + host.now],
      ["banned", null],
    ] as const)
      report(host, standing, until);
    expect(host.of("write")).toHaveLength(4);
    expect(host.value(STANDING)).toBe("banned");
  });

  it("is capped when that is so: told and alerted as a restriction is, with what it comes from, until it is said to be over", () => {
    const host = staged("good", null);
    const until = host.now + HOUR;
    report(host, "capped", until);
    expect(host.of("write").map(({ ask }) => ask)).toMatchObject([{ standing: "capped", until }]);
    const [alert] = host.of("raise");
    expect(alert).toMatchObject({ key: `account.restricted:${ACCOUNT}`, level: "warning" });
    expect(alert?.text).toMatch(/^WhatsApp lets sales-1 start no new chats until .*: it has begun as many as it may\. /);
    report(host, "restricted", until);
    expect(host.of("raise").at(-1)?.text).not.toContain("as many as it may");
    report(host, "capped", until);
    report(host, "good", null);
    expect(host.told("roster").map(({ standing }) => standing)).toEqual(["capped", "restricted", "capped", "good"]);
    expect(alerts(host).at(-2)).toBe("resolve account.restricted");
  });

  it.each(["good", "capped", "restricted", "banned"] as const)(
    "that was %s is so after a start, and nothing is written of it",
    (standing) => {
      const host = staged(standing, null);
      expect(host.value(STANDING)).toBe(standing);
      expect([...host.of("write"), ...host.told("roster")]).toEqual([]);
      host.advance(100 * 24 * HOUR);
      expect(host.value(STANDING)).toBe(standing);
    },
  );

  it.each(["capped", "restricted", "banned"] as const)(
    "that was %s is good when that ends, also one that ended before the start",
    (standing) => {
      const long = staged(standing, 1_000_000 + 30 * HOUR);
      long.advance(30 * HOUR - 1);
      expect(long.value(STANDING)).toBe(standing);
      long.advance(1);
      expect(long.value(STANDING)).toBe("good");
      expect(long.of("write").at(-1)?.ask).toMatchObject({ standing: "good", until: null, audit: { at: long.now } });
      const over = staged(standing, 999_999);
      over.advance(0);
      expect(over.value(STANDING)).toBe("good");
    },
  );
});

// ---- helpers ----

function staged(standing: Standing, until: number | null): Host {
  const host = new Host();
  host.chart(STANDING, standingMachine, { account: ACCOUNT, at: host.now, standing, until });
  return host;
}
function report(host: Host, standing: string, until: number | null): void {
  host.tell(STANDING, { type: "standing.reported", standing, until });
}
function alerts(host: Host): string[] {
  return host.log.flatMap(({ effect }) => {
    if (effect.op !== "raise" && effect.op !== "resolve") return [];
    const [rule, account] = effect.key.split(":");
    if (account !== ACCOUNT) throw new Error(`an alert about ${account}`);
    return effect.op === "raise" ? [`raise ${rule} ${effect.level}`] : [`resolve ${rule}`];
  });
}
