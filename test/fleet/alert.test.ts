import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { alertMachine } from "../../machines/fleet/alert.ts";
import type { AlertLevel, AlertRow } from "../../machines/ports/records.ts";
import { Host } from "../account/host.ts";

const ALERT = "alert:device.failed:m1/a" as const;

describe("an alert", () => {
  it("is written down as soon as it is raised, with its audit entry and event", () => {
    const host = raised("warning");
    expect(rows(host)).toMatchObject([{ state: "open", level: "warning", repeats: 0, resolvedAt: null }]);
    expect(audits(host)).toEqual(["alert.raised"]);
    expect(host.of("event").map(({ event }) => event.type)).toEqual(["alert.raised"]);
  });

  it("that is rebuilt from its row writes nothing until something changes", () => {
    const host = raised("critical", true);
    expect(host.log).toEqual([]);
    host.tell(ALERT, { type: "resolve", text: "well again" });
    expect(audits(host)).toEqual(["alert.resolved"]);
  });

  it("becomes critical when it is raised as such, and says so once", () => {
    const host = raised("warning");
    host.tell(ALERT, { type: "raise", level: "warning", text: "again" });
    host.tell(ALERT, { type: "raise", level: "critical", text: "worse" });
    host.tell(ALERT, { type: "raise", level: "critical", text: "still" });
    host.tell(ALERT, { type: "raise", level: "warning", text: "less" });
    expect(audits(host)).toEqual(["alert.raised", "alert.escalated"]);
    expect(host.value(ALERT)).toBe("critical");
    host.tell(ALERT, { type: "resolve", text: "well again" });
    expect(rows(host).at(-1)).toMatchObject({ level: "critical", repeats: 4, state: "resolved", text: "well again" });
  });

  it("whatever is said: is raised once, resolved at most once, never less severe than it was, and ends with the resolve", () => {
    const event = fc.oneof(
      { weight: 4, arbitrary: fc.record({ type: fc.constant("raise"), level: fc.constantFrom("warning", "critical") }) },
      { weight: 1, arbitrary: fc.record({ type: fc.constant("resolve") }) },
    );
    fc.assert(
      fc.property(fc.constantFrom<AlertLevel>("warning", "critical"), fc.array(event, { maxLength: 20 }), (level, events) => {
        const host = raised(level);
        for (const said of events) host.tell(ALERT, { ...said, text: said.type });
        const written = rows(host);
        const levels = written.map((row) => (row.level === "critical" ? 1 : 0));
        expect(levels).toEqual(levels.toSorted((one, other) => one - other));
        const isResolved = events.some(({ type }) => type === "resolve");
        expect(written.filter(({ state }) => state === "resolved")).toHaveLength(isResolved ? 1 : 0);
        expect(audits(host).filter((action) => action === "alert.raised")).toHaveLength(1);
        expect(audits(host).at(-1) === "alert.resolved").toBe(isResolved);
        expect(host.value(ALERT) === "resolved").toBe(isResolved);
      }),
    );
  });
});

function raised(level: AlertLevel, known = false): Host {
  const host = new Host();
  const row: AlertRow = {
    key: "device.failed:m1/a",
    rule: "device.failed",
    subject: "m1/a",
    level,
    state: "open",
    text: "m1/a failed",
    raisedAt: host.now,
    resolvedAt: null,
    repeats: 0,
  };
  host.chart(ALERT, alertMachine, { row, known });
  return host;
}
function writes(host: Host) {
  return host.of("write").flatMap(({ ask }) => (ask.op === "alert.record" ? [ask] : []));
}
function rows(host: Host): readonly AlertRow[] {
  return writes(host).map(({ alert }) => alert);
}
function audits(host: Host): readonly (string | undefined)[] {
  return writes(host).map(({ audit }) => audit?.action);
}
