import { describe, expect, it } from "vitest";
import { endOf, healthMachine, type HealthTimers } from "../../machines/account/health.ts";
import type { CloseReason } from "../../machines/ports/connection.ts";
import { accountId, deviceId } from "../../machines/ports/ids.ts";
import { Host } from "./host.ts";

const T: HealthTimers = {
  late: 2000,
  overdue: 3500,
  gone: 4500,
  bootGrace: 20_000,
  probation: 10_000,
  repairCooldown: 60_000,
};
const device = deviceId(accountId("sales"), "a");
const HEALTH = `health:${device}` as const;
const CONNECTION = `connection:${device}` as const;

describe("health of a device", () => {
  it("is unknown until its link serves, and failed when it does not do so in time", () => {
    const host = started();
    host.advance(19_999);
    expect(host.value(HEALTH)).toBe("unknown");
    host.advance(1);
    expect(reports(host)).toEqual(["failed startup"]);
    serve(host, 1);
    expect(reports(host)).toEqual(["failed startup", "recovering"]);
  });

  it("waits for the boot to end when a first dial fails, but not when it can't succeed", () => {
    const host = started();
    close(host, 1, "refused");
    expect(host.value(HEALTH)).toBe("unknown");
    close(host, 2, "loggedOut");
    expect(reports(host)).toEqual(["failed loggedOut final"]);
  });

  it("is failed as soon as the link ends, with the reason, and critical when no dial can heal it", () => {
    const brief = serving();
    close(brief, 1, "dropped");
    expect(reports(brief)).toEqual(["healthy", "failed closed"]);
    expect(brief.of("raise").map(({ level, at }) => [level, at])).toEqual([["warning", brief.now]]);
    const final = serving();
    close(final, 1, "banned");
    expect(reports(final)).toEqual(["healthy", "failed banned final"]);
    expect(final.of("raise").map(({ level }) => level)).toEqual(["critical"]);
  });

  it("asks for one re-dial when evidence is overdue, and is healthy again at the first stanza", () => {
    const host = serving();
    edge(host, "late");
    edge(host, "overdue");
    expect(redials(host)).toBe(1);
    close(host, 1, "dropped");
    expect(host.value(HEALTH)).toBe("repairing");
    open(host, 2);
    edge(host, "fresh");
    expect(reports(host)).toEqual(["healthy", "suspect", "repairing", "healthy"]);
    expect(host.of("raise")).toEqual([]);
  });

  it("gives the device up when the re-dial fails, or when evidence is gone", () => {
    const refused = serving();
    edge(refused, "late");
    edge(refused, "overdue");
    close(refused, 1, "dropped");
    close(refused, 2, "refused");
    expect(reports(refused).at(-1)).toBe("failed closed");
    const silent = serving();
    for (const word of ["late", "overdue", "gone"] as const) edge(silent, word);
    expect(reports(silent).at(-1)).toBe("failed silent");
    const unacknowledged = serving();
    for (const word of ["late", "overdue", "gone"] as const) edge(unacknowledged, word, "ack");
    expect(reports(unacknowledged).at(-1)).toBe("failed unacknowledged");
  });

  it("asks for no second re-dial within the cool-down, but for one after it if the link is still up and silent", () => {
    const host = serving();
    edge(host, "late");
    edge(host, "overdue");
    close(host, 1, "dropped");
    open(host, 2);
    edge(host, "fresh");
    host.advance(10_000);
    for (const word of ["late", "overdue", "gone"] as const) edge(host, word);
    expect(redials(host)).toBe(1);
    host.advance(49_999);
    expect(redials(host)).toBe(1);
    host.advance(1);
    expect(redials(host)).toBe(2);
    close(host, 2, "dropped");
    const said = reports(host).length;
    host.advance(200_000);
    expect(redials(host)).toBe(2);
    expect(reports(host)).toHaveLength(said);
  });

  it("repairs again when a last stanza averted, but the link that we dropped ends afterwards", () => {
    const host = serving();
    edge(host, "late");
    edge(host, "overdue");
    edge(host, "fresh");
    close(host, 1, "dropped");
    expect(host.value(HEALTH)).toBe("repairing");
    host.advance(1000);
    expect(reports(host).at(-1)).toBe("failed silent");
  });

  it("gives a device up in the end even if the detector has nothing more to say", () => {
    const host = serving();
    edge(host, "late");
    edge(host, "overdue");
    host.advance(10_000);
    expect(host.value(HEALTH)).toBe("failed");
  });

  it("is healthy only after a probation without a new suspicion, and reports every flap", () => {
    const host = serving();
    close(host, 1, "dropped");
    serve(host, 2);
    host.advance(9000);
    close(host, 2, "dropped");
    serve(host, 3);
    host.advance(5000);
    edge(host, "late");
    edge(host, "fresh");
    host.advance(9999);
    expect(reports(host)).toEqual([
      "healthy",
      "failed closed",
      "recovering",
      "failed closed",
      "recovering",
      "failed silent",
      "recovering",
    ]);
    host.advance(1);
    expect(reports(host).at(-1)).toBe("healthy");
    expect(host.of("resolve").at(-1)).toMatchObject({ key: `device.failed:${device}`, at: host.now });
  });

  it("does not trust a link that serves while sends are still unanswered", () => {
    const host = serving();
    for (const word of ["late", "overdue", "gone"] as const) edge(host, word, "ack");
    close(host, 1, "dropped");
    serve(host, 2);
    expect(host.value(HEALTH)).toBe("failed");
    edge(host, "fresh");
    expect(host.value(HEALTH)).toBe("recovering");
  });

  it("does not recover through what an older dial says", () => {
    const host = serving();
    open(host, 2);
    close(host, 2, "dropped");
    host.tell(HEALTH, { type: "connection.serving", dial: 1 });
    expect(host.value(HEALTH)).toBe("failed");
  });

  it("says when what was passing turns out to be final", () => {
    const host = serving();
    close(host, 1, "dropped");
    close(host, 2, "refused");
    close(host, 3, "loggedOut");
    expect(reports(host)).toEqual(["healthy", "failed closed", "failed loggedOut final"]);
  });

  it("reports the time of the last stanza", () => {
    const host = serving();
    host.advance(2000);
    edge(host, "late", "link", host.now - 2000);
    expect(host.told("roster").at(-1)).toMatchObject({ lastEvidenceAt: host.now - 2000 });
  });

  it("is not dialled anew while it never had a link: that is the connection's own business", () => {
    const host = started();
    host.advance(20_000);
    host.advance(600_000);
    expect(host.value(HEALTH)).toBe("failed");
    expect(redials(host)).toBe(0);
  });

  it.each(["link", "ack"] as const)("is failed when evidence is gone before it ever served (%s)", (clock) => {
    const host = started();
    edge(host, "gone", clock);
    expect(reports(host)).toEqual([clock === "link" ? "failed silent" : "failed unacknowledged"]);
  });

  it("ends at its first service an alarm that is left from before the start", () => {
    expect(serving().of("resolve")).toMatchObject([{ key: `device.failed:${device}`, text: expect.stringContaining(device) }]);
  });

  it("has its link dialled anew if that is up and silent, as soon as it could have been overdue again", () => {
    const host = serving();
    close(host, 1, "dropped");
    serve(host, 2);
    edge(host, "late");
    expect(host.value(HEALTH)).toBe("failed");
    host.advance(T.overdue - T.late - 1);
    expect(redials(host)).toBe(0);
    host.advance(1);
    expect(redials(host)).toBe(1);
  });

  it.each([
    ["opens and does not serve", "connection.opened"],
    ["serves while the device is accused", "connection.serving"],
  ])("has a link dialled anew that %s", (_, type) => {
    const host = serving();
    for (const word of ["late", "overdue", "gone"] as const) edge(host, word);
    close(host, 1, "dropped");
    host.advance(T.repairCooldown);
    expect(redials(host)).toBe(1);
    host.tell(HEALTH, { type, dial: 2 });
    close(host, 2, "dropped");
    host.tell(HEALTH, { type, dial: 3 });
    edge(host, "fresh");
    edge(host, "late");
    host.advance(T.repairCooldown);
    expect(redials(host)).toBe(2);
  });

  it("is accused of silence, and people are told, if the link after a restart by order opens and does not serve", () => {
    const host = serving();
    host.tell(HEALTH, { type: "end.ordered", reason: "dropped" });
    close(host, 1, "dropped");
    open(host, 2);
    expect(host.of("raise")).toEqual([]);
    host.advance(T.repairCooldown);
    expect(reports(host)).toEqual(["healthy", "failed operator", "failed silent"]);
    expect(host.of("raise")).toMatchObject([{ rule: "device.failed" }]);
  });

  it("keeps its cause through a re-dial that heals nothing", () => {
    const host = serving();
    for (const word of ["late", "overdue", "gone"] as const) edge(host, word, "ack");
    host.advance(T.repairCooldown);
    expect(redials(host)).toBe(2);
    expect(reports(host).slice(-2)).toEqual(["failed unacknowledged", "failed unacknowledged"]);
  });

  it.each(["late", "overdue", "gone"] as const)("does not recover through a link that serves after evidence was %s", (word) => {
    const host = serving();
    close(host, 1, "dropped");
    open(host, 2);
    edge(host, word);
    host.tell(HEALTH, { type: "connection.serving", dial: 2 });
    expect(host.value(HEALTH)).toBe("failed");
    edge(host, "fresh");
    expect(host.value(HEALTH)).toBe("recovering");
  });

  it("recovers through the next link that serves, unless the end of the last one was an answer to silence", () => {
    const late = serving();
    edge(late, "late");
    close(late, 1, "dropped");
    serve(late, 2);
    expect(late.value(HEALTH)).toBe("recovering");
    const overdue = serving();
    edge(overdue, "late");
    edge(overdue, "overdue");
    close(overdue, 1, "dropped");
    close(overdue, 2, "refused");
    serve(overdue, 3);
    expect(overdue.value(HEALTH)).toBe("failed");
    edge(overdue, "fresh");
    close(overdue, 3, "dropped");
    serve(overdue, 4);
    expect(overdue.value(HEALTH)).toBe("recovering");
  });

  it("does not hear an older dial: its words are no evidence, and its end ends nothing", () => {
    const host = serving();
    host.advance(1000);
    open(host, 2);
    const openedAt = host.now;
    host.advance(1000);
    open(host, 1);
    close(host, 1, "loggedOut");
    for (const word of ["late", "overdue"] as const) edge(host, word, "link", openedAt);
    open(host, 1);
    host.advance(10_000);
    expect(host.told("roster").at(-1)).toMatchObject({ state: "failed", lastEvidenceAt: openedAt });
    close(host, 1, "dropped");
    host.advance(T.repairCooldown);
    expect(redials(host)).toBe(2);
  });

  it("counts as heard of when its link serves, not only when that opened", () => {
    const host = serving();
    close(host, 1, "dropped");
    open(host, 2);
    host.advance(500);
    host.tell(HEALTH, { type: "connection.serving", dial: 2 });
    expect(host.told("roster").at(-1)).toMatchObject({ state: "recovering", lastEvidenceAt: host.now });
  });
});

describe("the alarm about a device", () => {
  it.each<[string, (host: Host) => void, RegExp]>([
    ["silent", (host) => edge(host, "gone"), /nothing is heard/],
    ["unacknowledged", (host) => edge(host, "gone", "ack"), /does not acknowledge/],
    ["late at its start", (host) => host.advance(T.bootGrace), /did not come into service/],
    ["opened elsewhere", (host) => close(host, 1, "replaced"), /make sure that nothing else runs/],
    ["removed", (host) => close(host, 1, "loggedOut"), /link it again/],
    ["refused", (host) => close(host, 1, "banned"), /look at the phone/],
  ])("that is %s names it and says what to do", (_, happens, what) => {
    const host = started();
    happens(host);
    const raised = host.of("raise");
    expect(raised).toMatchObject([{ rule: "device.failed", key: `device.failed:${device}`, subject: device }]);
    expect(raised[0]?.text).toContain(device);
    expect(raised[0]?.text).toMatch(what);
  });
});

describe("what the end of a link means to health", () => {
  it.each([
    [{ dial: 3, ownDial: 0 }, { dial: 2, reason: "loggedOut" }, "old"],
    [{ dial: 3, ownDial: 3 }, { dial: 3, reason: "dropped" }, "ourOwn"],
    [{ dial: 3, ownDial: 3 }, { dial: 3, reason: "replaced" }, "ourOwn"],
    [{ dial: 3, ownDial: 3 }, { dial: 3, reason: "loggedOut" }, "final"],
    [{ dial: 3, ownDial: 3 }, { dial: 4, reason: "refused" }, "passing"],
    [{ dial: 3, ownDial: 0 }, { dial: 3, reason: "replaced" }, "final"],
  ] as const)("%o and %o: %s", (known, closed, end) => {
    expect(endOf(known, closed)).toBe(end);
  });
});

// ---- helpers ----

function started(): Host {
  const host = new Host();
  host.chart(HEALTH, healthMachine, { device, at: host.now, timers: T });
  return host;
}
function serving(): Host {
  const host = started();
  serve(host, 1);
  return host;
}
function open(host: Host, dial: number): void {
  host.tell(HEALTH, { type: "connection.opened", dial });
}
function serve(host: Host, dial: number): void {
  open(host, dial);
  host.tell(HEALTH, { type: "connection.serving", dial });
}
function close(host: Host, dial: number, reason: CloseReason): void {
  host.tell(HEALTH, { type: "connection.closed", dial, reason, code: null, until: null });
}
function edge(host: Host, word: "late" | "overdue" | "gone" | "fresh", clock: "link" | "ack" = "link", lastEvidenceAt = 0): void {
  host.tell(HEALTH, { type: `evidence.${word}`, lastEvidenceAt, clock });
}
function redials(host: Host): number {
  return host.told(CONNECTION).filter(({ type }) => type === "redial.request").length;
}
function reports(host: Host): readonly string[] {
  return host.told("roster").map(({ state, cause, isFinal }) => [state, cause, isFinal && "final"].filter(Boolean).join(" "));
}
