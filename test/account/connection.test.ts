import { describe, expect, it } from "vitest";
import { CLOSINGS } from "../../machines/account/closing.ts";
import { connectionMachine, type ConnectionInput } from "../../machines/account/connection.ts";
import { endOf } from "../../machines/account/ending.ts";
import { CANARY_EVERY, dialler } from "../../machines/account/dialler.ts";
import type { CloseReason } from "../../machines/ports/connection.ts";
import { accountId, deviceId, type Millis } from "../../machines/ports/ids.ts";
import type { Standing } from "../../machines/ports/store.ts";
import { Host } from "./host.ts";

const account = accountId("sales");
const device = deviceId(account, "a");
const CONNECTION = `connection:${device}` as const;

describe("the connection of a device", () => {
  it("dials with a lease and a grant of the budget, and not before", () => {
    const host = staged({}, false);
    host.tell(CONNECTION, { type: "start" });
    expect(host.told(`lease:${device}`).map(({ type }) => type)).toEqual(["start"]);
    expect(commands(host, "open")).toEqual([]);
    host.tell(CONNECTION, { type: "lease.granted", term: 7 });
    expect(host.told("dialler").map(({ type }) => type)).toEqual(["dial.request"]);
    expect(commands(host, "open")).toEqual([]);
    host.tell(CONNECTION, { type: "dial.granted" });
    expect(commands(host, "open")).toMatchObject([{ dial: 1, leaseTerm: 7, connectTimeout: 5000 }]);
  });

  it("dials at once when a link that had lasted breaks", () => {
    const host = serving(30_000);
    close(host, "dropped");
    expect(commands(host, "open").at(-1)).toMatchObject({ dial: 2, at: host.now });
  });

  it("backs off when the link breaks again and again", () => {
    const host = serving(30_000);
    close(host, "dropped");
    const pauses: number[] = [];
    for (let count = 0; count < 12; count++) {
      const from = host.now;
      close(host, "refused");
      while (host.value(CONNECTION) === "backingOff") host.advance(10);
      pauses.push(host.now - from);
    }
    expect(pauses[0]).toBeGreaterThanOrEqual(400);
    expect(pauses[0]).toBeLessThanOrEqual(600);
    for (let index = 1; index < 6; index++) expect(pauses[index]).toBeGreaterThan((pauses[index - 1] ?? 0) * 1.3);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(60_000);
    expect(host.of("raise").map(({ rule }) => rule)).toEqual(["device.unreachable"]);
    serve(host);
    expect(host.of("resolve").at(-1)?.key).toBe(`device.unreachable:${device}`);
  });

  it("begins anew once a link has lasted", () => {
    const host = serving(0);
    for (let count = 0; count < 6; count++) {
      close(host, "unavailable");
      while (host.value(CONNECTION) === "backingOff") host.advance(10);
    }
    serve(host);
    host.advance(30_000);
    close(host, "unavailable");
    const from = host.now;
    while (host.value(CONNECTION) === "backingOff") host.advance(10);
    expect(host.now - from).toBeLessThanOrEqual(600);
  });

  it("does not dial at once twice when links break soon after they serve", () => {
    const host = serving(30_000);
    close(host, "dropped");
    serve(host);
    host.advance(1000);
    close(host, "dropped");
    expect(host.value(CONNECTION)).toBe("backingOff");
  });

  it("drops the link and dials anew when health asks, and ignores what the old link still says", () => {
    const host = serving(30_000);
    host.tell(CONNECTION, { type: "redial.request" });
    const order = host.of("connection").map(({ command }) => command.op);
    expect(order.slice(-2)).toEqual(["terminate", "open"]);
    host.tell(CONNECTION, { type: "connection.closed", dial: 1, reason: "dropped", code: null, until: null });
    host.tell(CONNECTION, { type: "connection.opened", dial: 1 });
    expect(host.value(CONNECTION)).toBe("connecting");
    serve(host);
    expect(host.value(CONNECTION)).toBe("serving");
  });

  it("gives up a dial that the port never answers, and a login after which nothing is replayed", () => {
    const host = staged();
    host.advance(6000);
    expect(host.value(CONNECTION)).toBe("backingOff");
    expect(commands(host, "terminate")).toHaveLength(2);
    host.advance(1000);
    host.tell(CONNECTION, { type: "connection.opened", dial: 2 });
    host.advance(60_000);
    expect(host.value(CONNECTION)).toBe("backingOff");
    expect(commands(host, "terminate")).toHaveLength(3);
  });

  it("terminates the link in the turn in which the lease is lost, and waits for another", () => {
    const host = serving(1000);
    host.tell(CONNECTION, { type: "lease.lost" });
    expect(commands(host, "terminate").at(-1)).toMatchObject({ at: host.now });
    host.advance(60_000);
    expect(commands(host, "open")).toHaveLength(1);
    host.tell(CONNECTION, { type: "lease.granted", term: 8 });
    expect(commands(host, "open").at(-1)).toMatchObject({ dial: 2, leaseTerm: 8 });
  });

  it("forgets dead credentials before it may be linked again", () => {
    const host = serving(1000);
    close(host, "loggedOut", 401);
    expect(host.value(CONNECTION)).toBe("wiping");
    expect(host.of("write")).toMatchObject([{ ask: { op: "device.update", link: "loggedOut", jid: null } }]);
    expect(host.told("roster").at(-1)).toMatchObject({ type: "device.linked", linked: false });
    expect(host.of("raise")).toMatchObject([{ key: `device.loggedOut:${device}`, level: "critical" }]);
    host.tell(CONNECTION, { type: "store.failed", answer: {} });
    host.advance(5000);
    host.tell(CONNECTION, { type: "link.request", method: { kind: "qr" } });
    expect(commands(host, "link")).toEqual([]);
    expect(host.of("store").map(({ ask }) => ask.op)).toEqual(["keys.wipe", "keys.wipe"]);
    host.tell(CONNECTION, { type: "store.wiped", answer: {} });
    host.tell(CONNECTION, { type: "lease.granted", term: 1 });
    expect(commands(host, "link")).toMatchObject([{ dial: 2, method: { kind: "qr" } }]);
  });

  it("is linked, dialled at once, and in service", () => {
    const host = staged({ link: "unlinked" }, false);
    host.tell(CONNECTION, { type: "start" });
    expect(host.value(CONNECTION)).toBe("unlinked");
    host.tell(CONNECTION, { type: "link.request", method: { kind: "code", phone: "1" } });
    host.tell(CONNECTION, { type: "lease.granted", term: 1 });
    host.tell(CONNECTION, { type: "connection.linked", dial: 1 });
    expect(host.told("roster").at(-1)).toMatchObject({ type: "device.linked", linked: true });
    close(host, "restartRequired", 515);
    host.tell(CONNECTION, { type: "dial.granted" });
    expect(commands(host, "open")).toMatchObject([{ dial: 2 }]);
    serve(host);
    expect(host.value(CONNECTION)).toBe("serving");
  });

  it("does not link again by itself when WhatsApp refuses the linking", () => {
    const host = staged({ link: "unlinked" });
    host.tell(CONNECTION, { type: "link.request", method: { kind: "qr" } });
    host.tell(CONNECTION, { type: "lease.granted", term: 1 });
    close(host, "loggedOut", 401);
    host.tell(CONNECTION, { type: "store.wiped", answer: {} });
    expect(host.value(CONNECTION)).toBe("loggedOut");
  });

  it("waits for its owner again when the code expires", () => {
    const host = staged({ link: "unlinked" });
    host.tell(CONNECTION, { type: "link.request", method: { kind: "qr" } });
    host.tell(CONNECTION, { type: "lease.granted", term: 1 });
    close(host, "unlinked", 408);
    expect(host.value(CONNECTION)).toBe("unlinked");
    host.tell(CONNECTION, { type: "link.request", method: { kind: "qr" } });
    host.tell(CONNECTION, { type: "lease.granted", term: 1 });
    close(host, "timedOut", 408);
    expect(host.value(CONNECTION)).toBe("unlinked");
  });

  it("dials carefully after it was replaced: verifies its lease, waits twice as long each time, and stops in the end", () => {
    const host = serving(1000);
    const pauses: number[] = [];
    for (let count = 0; count < 4; count++) {
      const from = host.now;
      close(host, "replaced", 440);
      expect(host.value(CONNECTION)).toBe("replaced");
      while (host.value(CONNECTION) === "replaced") host.advance(100);
      pauses.push(host.now - from);
      expect(host.told(`lease:${device}`).at(-1)).toMatchObject({ type: "start", at: host.now });
      host.tell(CONNECTION, { type: "lease.granted", term: 1 });
      serve(host);
      host.advance(5000);
    }
    expect(pauses).toEqual([30_000, 60_000, 120_000, 240_000]);
    close(host, "replaced", 440);
    expect(host.value(CONNECTION)).toBe("evicted");
    const dials = commands(host, "open").length;
    host.advance(86_400_000);
    expect(commands(host, "open")).toHaveLength(dials);
    host.tell(CONNECTION, { type: "start" });
    expect(host.value(CONNECTION)).toBe("unleased");
  });

  it("counts replacements anew after ten minutes of service", () => {
    const host = serving(1000);
    for (let count = 0; count < 8; count++) {
      close(host, "replaced", 440);
      host.advance(30_000);
      host.tell(CONNECTION, { type: "lease.granted", term: 1 });
      serve(host);
      host.advance(600_000);
    }
    expect(host.value(CONNECTION)).toBe("serving");
  });

  it("leaves a banned account alone until the ban ends, however long it is", () => {
    const host = serving(1000);
    const until = host.now + 40 * 86_400_000;
    host.tell(CONNECTION, { type: "connection.closed", dial: 1, reason: "banned", code: 402, until });
    expect(host.told(`standing:${account}`).at(-1)).toMatchObject({ standing: "banned", until });
    host.advance(40 * 86_400_000 - 1);
    expect(host.value(CONNECTION)).toBe("suspended");
    host.advance(1);
    host.tell(CONNECTION, { type: "lease.granted", term: 1 });
    serve(host);
    expect(host.told(`standing:${account}`).at(-1)).toMatchObject({ standing: "good", until: null });
  });

  it("does not dial a banned account after a restart either, until a person says so", () => {
    const forever = staged({ standing: "banned" });
    expect(forever.value(CONNECTION)).toBe("banned");
    forever.tell(CONNECTION, { type: "start" });
    expect(forever.value(CONNECTION)).toBe("unleased");
    const host = staged({ standing: "banned", standingUntil: 1_000_000 + 5000 });
    expect(host.value(CONNECTION)).toBe("suspended");
    host.advance(5000);
    expect(host.value(CONNECTION)).toBe("unleased");
  });

  it("says of its account at a login that a ban is over, once, and nothing of any other standing", () => {
    const toldBy = (standing: Standing): Host => {
      const host = staged({ standing });
      if (standing === "banned") {
        host.tell(CONNECTION, { type: "start" });
        host.tell(CONNECTION, { type: "lease.granted", term: 1 });
      }
      serve(host);
      host.advance(30_000);
      close(host, "dropped");
      serve(host);
      expect(host.value(CONNECTION)).toBe("serving");
      return host;
    };
    for (const standing of ["good", "restricted"] as const) expect(toldBy(standing).told(`standing:${account}`)).toEqual([]);
    const host = toldBy("banned");
    expect(host.told(`standing:${account}`)).toMatchObject([{ standing: "good", until: null }]);
    host.tell(CONNECTION, { type: "stop" });
    host.tell(CONNECTION, { type: "start" });
    expect(host.value(CONNECTION)).toBe("unleased");
  });

  it("raises one alert for a refused version, whatever the device, and tries again when its turn comes, with its lease", () => {
    const host = serving(1000);
    close(host, "outdated", 405);
    expect(host.of("raise")).toMatchObject([{ key: "device.outdated", subject: "fleet" }]);
    host.advance(CANARY_EVERY - 1);
    expect(host.value(CONNECTION)).toBe("outdated");
    host.advance(1);
    expect(host.value(CONNECTION)).toBe("unleased");
    host.tell(CONNECTION, { type: "lease.granted", term: 2 });
    expect(host.value(CONNECTION)).toBe("connecting");
    expect(commands(host, "open").at(-1)).toMatchObject({ leaseTerm: 2 });
  });

  it("dials at once with a refused version when a person starts it", () => {
    const host = serving(1000);
    close(host, "outdated", 405);
    host.tell(CONNECTION, { type: "start" });
    host.tell(CONNECTION, { type: "lease.granted", term: 2 });
    expect(host.value(CONNECTION)).toBe("connecting");
  });

  it("pauses longer each time it is refused, and anew after a login", () => {
    const host = serving(1000);
    const refusedFor = (): Millis => {
      close(host, "outdated", 405);
      const from = host.now;
      while (host.value(CONNECTION) === "outdated") host.advance(1000);
      host.tell(CONNECTION, { type: "lease.granted", term: 2 });
      return host.now - from;
    };
    expect([refusedFor(), refusedFor(), refusedFor()]).toEqual([30_000, 60_000, 120_000]);
    serve(host);
    expect(refusedFor()).toBe(30_000);
  });

  it("stops: no link, no lease, no dial waiting", () => {
    const host = staged({}, false);
    host.tell(CONNECTION, { type: "start" });
    host.tell(CONNECTION, { type: "lease.granted", term: 1 });
    host.tell(CONNECTION, { type: "stop" });
    expect(host.told("dialler").at(-1)).toMatchObject({ type: "dial.cancel" });
    expect(host.told(`lease:${device}`).at(-1)).toMatchObject({ type: "stop" });
    host.tell(CONNECTION, { type: "dial.granted" });
    host.tell(CONNECTION, { type: "lease.granted", term: 1 });
    expect(commands(host, "open")).toEqual([]);
  });

  it("is not troubled by the end of a link that it has given up", () => {
    const host = serving(1000);
    host.tell(CONNECTION, { type: "redial.request" });
    serve(host);
    host.advance(30_000);
    host.tell(CONNECTION, { type: "connection.closed", dial: 1, reason: "refused", code: null, until: null });
    close(host, "dropped");
    expect(commands(host, "open").at(-1)).toMatchObject({ dial: 3, at: host.now });
  });

  it("judges a dial after a lost lease by itself: that the link before it had lasted says nothing", () => {
    const host = serving(30_000);
    close(host, "dropped");
    serve(host);
    host.advance(40_000);
    host.tell(CONNECTION, { type: "lease.lost" });
    host.tell(CONNECTION, { type: "lease.granted", term: 2 });
    expect(commands(host, "open").at(-1)).toMatchObject({ dial: 3, leaseTerm: 2 });
    close(host, "dropped");
    expect(host.value(CONNECTION)).toBe("backingOff");
  });

  it.each(["dropped", "timedOut"] as const)(
    "dials by itself after it was linked, though that link ended otherwise (%s)",
    (reason) => {
      const host = staged({ link: "unlinked" });
      host.tell(CONNECTION, { type: "link.request", method: { kind: "qr" } });
      host.tell(CONNECTION, { type: "lease.granted", term: 1 });
      host.tell(CONNECTION, { type: "connection.linked", dial: 1 });
      close(host, reason);
      host.advance(60_000);
      expect(commands(host, "open")[0]).toMatchObject({ dial: 2 });
    },
  );

  it("resolves with its first service what an earlier life may have left open", () => {
    const host = serving(0);
    expect(host.of("resolve").map(({ key }) => key)).toContain(`device.loggedOut:${device}`);
    expect(host.of("resolve").map(({ key }) => key)).toContain("device.outdated");
  });

  it("goes on counting dials where an earlier actor of the device stopped", () => {
    expect(commands(staged({ lastDial: 9 }), "open")).toMatchObject([{ dial: 10 }]);
  });

  it.each(Object.keys(CLOSINGS) as CloseReason[])(
    "has one arrow for %s out of service, and leaves it by itself or by a person",
    (reason) => {
      const host = serving(30_000);
      close(host, reason);
      expect(["serving", "opened"]).not.toContain(host.value(CONNECTION));
      const { redial, isFinal } = CLOSINGS[reason];
      host.advance(3600_000);
      const dials = commands(host, "open").length;
      expect(dials > 1).toBe(redial === "atOnce" || redial === "backoff");
      expect(isFinal).toBe(redial !== "atOnce" && redial !== "backoff");
    },
  );
});

describe("what the end of a link means to the connection", () => {
  type Known = Parameters<typeof endOf>[0];
  const known: Known = { dial: 3, replacements: 0, servingSince: 0, failures: 0, hasRedialled: false };
  const hour = 3_600_000;
  it.each<[string, Partial<Known>, { reason: CloseReason; dial?: number; until?: Millis }, string]>([
    ["an older dial", {}, { reason: "loggedOut", dial: 2 }, "old"],
    ["removed from the account", {}, { reason: "loggedOut" }, "loggedOut"],
    ["a ban without an end", {}, { reason: "banned" }, "banned"],
    ["a ban that ends", {}, { reason: "banned", until: hour + 1 }, "suspended"],
    ["opened elsewhere", { replacements: 3, servingSince: hour }, { reason: "replaced" }, "replaced"],
    ["opened elsewhere once too often", { replacements: 4, servingSince: hour }, { reason: "replaced" }, "contested"],
    [
      "opened elsewhere once more after ten minutes",
      { replacements: 4, servingSince: hour - 600_000 },
      { reason: "replaced" },
      "replaced",
    ],
    ["and a moment before that", { replacements: 4, servingSince: hour - 599_999 }, { reason: "replaced" }, "contested"],
    ["a version that is refused", {}, { reason: "outdated" }, "outdated"],
    ["what a person has to mend", {}, { reason: "mismatch" }, "unlinkable"],
    ["nobody there", {}, { reason: "refused" }, "backoff"],
    ["broken for the first time", { servingSince: null }, { reason: "dropped" }, "atOnce"],
    ["broken after a dial that failed", { servingSince: null, failures: 1 }, { reason: "dropped" }, "backoff"],
    ["broken soon after a dial at once", { servingSince: hour - 29_999, hasRedialled: true }, { reason: "dropped" }, "backoff"],
    [
      "broken after it had lasted",
      { servingSince: hour - 30_000, failures: 1, hasRedialled: true },
      { reason: "dropped" },
      "atOnce",
    ],
  ])("%s", (_, change, { reason, dial = 3, until = null }, end) => {
    expect(endOf({ ...known, ...change }, { dial, reason, until, at: hour })).toBe(end);
  });
});

describe("what a connection tells people", () => {
  it.each<[string, CloseReason, string, RegExp]>([
    ["loggedOut", "loggedOut", "critical", /Link it again: greenroom device link sales\/a/],
    ["banned", "banned", "critical", /sales\/a\. Look at the phone/],
    ["replaced", "replaced", "warning", /sales\/a were opened elsewhere\. Make sure that nothing else uses them/],
    ["outdated", "outdated", "critical", /first seen on sales\/a/],
  ])("an alert about a link that is %s says what to do", (rule, reason, level, text) => {
    const host = serving(1000);
    close(host, reason);
    expect(host.of("raise")).toMatchObject([{ rule: `device.${rule}`, level, text: expect.stringMatching(text) }]);
  });

  it("nothing more of a device that could not be reached and then proves to be unlinked as ordered", () => {
    const host = serving(1000);
    host.tell(CONNECTION, { type: "unlink.request" });
    for (let count = 0; count < 5; count++) {
      close(host, "refused");
      while (host.value(CONNECTION) === "backingOff") host.advance(10);
    }
    expect(host.of("raise").map(({ rule }) => rule)).toEqual(["device.unreachable"]);
    const before = host.of("resolve").length;
    close(host, "loggedOut", 401);
    expect(host.of("raise")).toHaveLength(1);
    expect(host.of("resolve").slice(before)).toMatchObject([{ key: `device.unreachable:${device}` }]);
  });

  it("an alert about a ban names its end", () => {
    const host = serving(1000);
    const until = Date.UTC(2026, 10, 26, 12);
    host.tell(CONNECTION, { type: "connection.closed", dial: 1, reason: "banned", code: 402, until });
    expect(host.of("raise")[0]?.text).toContain("until 2026-11-26T12:00:00.000Z");
  });

  it("one alert that a device is unreachable, at the fifth dial that fails or when it was away for half a minute", () => {
    const often = staged();
    for (let count = 1; count <= 6; count++) {
      close(often, "refused");
      expect(often.of("raise")).toHaveLength(count < 5 ? 0 : 1);
      while (often.value(CONNECTION) === "backingOff") often.advance(10);
    }
    expect(often.of("raise")[0]).toMatchObject({
      level: "warning",
      text: expect.stringContaining("sales/a can't be connected (5 dials"),
    });
    const awayFor = (span: Millis): Host => {
      const host = serving(1000);
      close(host, "refused");
      host.tell(CONNECTION, { type: "lease.lost" });
      host.advance(span);
      host.tell(CONNECTION, { type: "lease.granted", term: 2 });
      close(host, "refused");
      return host;
    };
    expect(awayFor(29_999).of("raise")).toEqual([]);
    expect(awayFor(30_000).of("raise")).toMatchObject([{ rule: "device.unreachable" }]);
    // From the end of the link on, also where it was nobody's turn to dial.
    const replaced = serving(1000);
    close(replaced, "replaced");
    replaced.advance(30_000);
    replaced.tell(CONNECTION, { type: "lease.granted", term: 2 });
    close(replaced, "refused");
    expect(replaced.of("raise").map(({ rule }) => rule)).toEqual(["device.replaced", "device.unreachable"]);
  });

  it.each<[CloseReason, number | null]>([
    ["replaced", null],
    ["outdated", null],
    ["banned", null],
    ["banned", 60_000],
    ["loggedOut", null],
  ])("that it is in service, once for what was raised (%s, until %s)", (reason, span) => {
    const host = serving(30_000);
    const until = span && host.now + span;
    host.tell(CONNECTION, { type: "connection.closed", dial: dial(host), reason, code: null, until });
    host.tell(CONNECTION, { type: "store.wiped", answer: {} });
    host.tell(CONNECTION, { type: reason === "loggedOut" ? "link.request" : "start", method: { kind: "qr" } });
    host.tell(CONNECTION, { type: "lease.granted", term: 1 });
    host.tell(CONNECTION, { type: "connection.linked", dial: dial(host) });
    if (reason === "loggedOut") close(host, "restartRequired");
    const before = host.of("resolve").length;
    serve(host);
    const raised = host.of("raise").map(({ key }) => ({ key, text: `${device} is in service` }));
    expect(raised).toHaveLength(1);
    expect(host.of("resolve").slice(before)).toMatchObject(raised);
    host.advance(30_000);
    close(host, "dropped");
    serve(host);
    expect(host.of("resolve").slice(before)).toHaveLength(1);
  });

  it("of a removal what was written down, with WhatsApp's code, and what was forgotten", () => {
    const host = serving(1000);
    close(host, "loggedOut", 401);
    expect(host.of("write")[0]?.ask).toMatchObject({
      device,
      lid: null,
      audit: { at: host.now, actor: "supervisor", action: "device.loggedOut", subject: device, evidence: { code: 401 } },
    });
    expect(host.of("store")[0]?.ask).toMatchObject({
      device,
      audit: { at: host.now, actor: "supervisor", action: "keys.wiped", subject: device, evidence: {} },
    });
  });

  it.each(Object.keys(CLOSINGS) as CloseReason[])("whatever ended a linking (%s), if its owner may try again", (reason) => {
    const host = staged({ link: "unlinked" });
    host.tell(CONNECTION, { type: "link.request", method: { kind: "qr" } });
    host.tell(CONNECTION, { type: "lease.granted", term: 1 });
    close(host, reason);
    const ended = { type: "device.linkEnded", subject: device, data: { reason } };
    expect(host.of("event").map(({ event }) => event)).toEqual(host.value(CONNECTION) === "unlinked" ? [ended] : []);
  });

  it("that a device is linked, and why a linking came to nothing", () => {
    const host = staged({ link: "unlinked" });
    const linking = (): void => {
      host.tell(CONNECTION, { type: "link.request", method: { kind: "qr" } });
      host.tell(CONNECTION, { type: "lease.granted", term: 1 });
    };
    linking();
    close(host, "unlinked", 408);
    expect(host.of("event").map(({ event }) => event)).toEqual([
      { type: "device.linkEnded", subject: device, data: { reason: "unlinked" } },
    ]);
    linking();
    host.tell(CONNECTION, { type: "connection.linked", dial: dial(host) - 1 });
    expect(host.of("event")).toHaveLength(1);
    host.tell(CONNECTION, { type: "connection.linked", dial: dial(host) });
    expect(host.of("event").at(-1)?.event).toEqual({ type: "device.linked", subject: device, data: {} });
  });
});

// ---- helpers ----

/** With a lease that is granted at once, and a real budget, unless told otherwise. */
function staged(input: Partial<ConnectionInput> = {}, isStarted = true): Host {
  const host = new Host();
  const timers = { connectTimeout: 5000 };
  host.chart(CONNECTION, connectionMachine, {
    device,
    at: host.now,
    link: "linked",
    standing: "good",
    standingUntil: null,
    seed: 1,
    timers,
    ...input,
  });
  if (!isStarted) return host;
  host.reducer("dialler", dialler, { perSecond: 25 });
  host.tell("dialler", { type: "dial.rank", device, rank: 0 });
  host.tell(CONNECTION, { type: "start" });
  if (host.value(CONNECTION) === "unleased" && input.standing !== "banned")
    host.tell(CONNECTION, { type: "lease.granted", term: 1 });
  return host;
}
function serving(since: number): Host {
  const host = staged();
  serve(host);
  host.advance(since);
  return host;
}
function dial(host: Host): number {
  return (host.context(CONNECTION) as { dial: number }).dial;
}
function serve(host: Host): void {
  host.tell(CONNECTION, { type: "connection.opened", dial: dial(host) });
  host.tell(CONNECTION, { type: "connection.serving", dial: dial(host) });
}
function close(host: Host, reason: CloseReason, code: number | null = null): void {
  host.tell(CONNECTION, { type: "connection.closed", dial: dial(host), reason, code, until: null });
}
function commands(host: Host, op: "open" | "link" | "terminate") {
  return host.of("connection").flatMap(({ command, at }) => (command.op === op ? [{ ...command, at }] : []));
}
