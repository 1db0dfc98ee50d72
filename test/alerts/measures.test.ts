import { describe, expect, it } from "vitest";
import { RULES, type WatchedRule } from "../../machines/alerts/rules.ts";
import type { Measure } from "../../machines/alerts/watch.ts";
import type { ConnectionCommand, ConnectionFact } from "../../machines/ports/connection.ts";
import type { AccountId, DeviceId, LineId, SeatId } from "../../machines/ports/ids.ts";
import type { FailoverRecord } from "../../machines/ports/records.ts";
import {
  diskMeasure,
  failoverMeasures,
  holderMeasures,
  type LineSeen,
  pauseMeasure,
  phoneMeasure,
  queueMeasures,
  seatFailoverMeasures,
  type SeatSeen,
  seatMeasures,
  storeMeasure,
  trafficMeasures,
  webhookMeasures,
} from "../../src/alerts/measures.ts";
import { reportOf } from "../../src/alerts/report.ts";
import { Grants } from "../../src/metrics/grants.ts";
import type { AlertHistoryRow } from "../../src/alerts/store.ts";

const NOW = 1_760_000_000_000;
const SEAT = "sales/sales-1" as SeatId;

describe("what is measured", () => {
  it("is the age of the oldest open message of a seat, and how many are held", () => {
    const queues = [
      { seat: SEAT, state: "accepted", count: 2, oldest: NOW - 61_000 },
      { seat: SEAT, state: "unanswered", count: 1, oldest: NOW - 90_000 },
      { seat: SEAT, state: "read", count: 9, oldest: NOW - 900_000 },
      { seat: SEAT, state: "held", count: 3, oldest: NOW - 900_000 },
    ] as const;
    expect(beyond(queueMeasures(queues, NOW))).toEqual(["queue.age sales/sales-1 90", "queue.held sales/sales-1 3"]);
    expect(beyond(queueMeasures(queues.slice(2, 3), NOW))).toEqual([]);
  });

  it("is whether anybody speaks for a seat, under which number, and who could take over", () => {
    const line: LineSeen = { id: "sales" as LineId, devices: [device("sales-1/a"), device("sales-2/a")] };
    const seats = [seat("sales-1", "sales-1/a", "serving"), seat("sales-2", "sales-2/a", "serving")];
    expect(beyond(seatMeasures(seats, [line]))).toEqual([]);
    const failed: LineSeen = { ...line, devices: [device("sales-1/a", false), device("sales-2/a")] };
    const moved = [seat("sales-1", "sales-2/a", "serving"), seat("sales-2", "sales-2/a", "serving")];
    expect(beyond(seatMeasures(moved, [failed]))).toEqual(["seat.away sales/sales-1 1", "standby.none sales 0"]);
    expect(beyond(seatMeasures([seat("sales-1", null, "vacant")], [line]))).toEqual(["seat.vacant sales/sales-1 1"]);
    // Whose account has left the line has nowhere to go back to.
    const left: LineSeen = { ...line, devices: [device("sales-2/a")] };
    expect(seatMeasures(moved, [left]).find(({ rule, subject }) => rule === "seat.away" && subject === SEAT)).toMatchObject({
      value: 0,
      over: "sales-1 is no master of sales any more, and sales/sales-1 goes on with another number",
    });
    // It has an alert of its own.
    expect(beyond(seatMeasures([seat("sales-1", "sales-1/a", "stranded")], [line]))).toEqual([]);
    // One that never had a second device has none to lose, and one without any link yet is still being set up.
    const alone: LineSeen = { ...line, devices: [device("sales-1/a"), { ...device("sales-2/a", false), isLinked: false }] };
    expect(beyond(seatMeasures(seats.slice(0, 1), [alone]))).toEqual([]);
    const fresh: LineSeen = { ...line, devices: [{ ...device("sales-1/a", false), isLinked: false }] };
    expect(beyond(seatMeasures([seat("sales-1", null, "vacant")], [fresh]))).toEqual([]);
  });

  it("is how many messages fail and how long acks take, once there are enough of them", () => {
    const sample = (answered: number, failed: number, p99: number | null) => ({ seat: SEAT, at: NOW, answered, failed, p99 });
    expect(beyond(trafficMeasures([sample(100, 5, 9000), sample(108, 6, 9000)]))).toEqual([]);
    expect(beyond(trafficMeasures([sample(100, 5, 9000), sample(120, 5, 9000)]))).toEqual(["ack.latency sales/sales-1 9"]);
    expect(beyond(trafficMeasures([sample(100, 5, 100), sample(115, 10, 100)]))).toEqual(["error.rate sales/sales-1 0.25"]);
    expect(trafficMeasures([])).toEqual([]);
  });

  it("is the share of failovers that were false alarms, and the room on the disk", () => {
    const record = (outcome: FailoverRecord["outcome"], cause: FailoverRecord["cause"] = "silent", ago = 1000) =>
      ({ outcome, cause, detectedAt: NOW - ago }) as FailoverRecord;
    const averted = ["averted", "averted", "averted"] as const;
    const some = [...averted.map((outcome) => record(outcome)), record("inService"), record("inService")];
    expect(beyond(failoverMeasures(some, NOW))).toEqual(["failover.averted fleet 0.6"]);
    expect(
      failoverMeasures([...some.slice(1), record("averted", "operator"), record("averted", "silent", 90_000_000)], NOW),
    ).toEqual([]);
    expect(failoverMeasures([...some.slice(1), record("running")], NOW)).toEqual([]);
    expect(beyond([diskMeasure(5e9)])).toEqual([]);
    expect(beyond([diskMeasure(9e8)])).toEqual(["disk.low fleet 900"]);
  });

  it("is for how many days a phone has confirmed nothing, with how many are left and until when", () => {
    const DAY = 86_400_000;
    const account = "sales-1" as AccountId;
    const since = (days: number) => phoneMeasure(account, NOW - days * DAY, NOW);
    expect(beyond([since(10), phoneMeasure(account, null, NOW)])).toEqual([]);
    expect(beyond([since(10.5)])).toEqual(["account.phone sales-1 10.5"]);
    expect(since(10).says).toContain("since 2025-09-29. ");
    expect(since(10).says).toContain("4 days are left at most, until 2025-10-13. Open WhatsApp on the phone");
    expect(since(20).says).toContain("0 days are left");
  });

  it("is how long the store takes to answer, and how long the fleet has been paused", () => {
    expect(beyond([storeMeasure(500), pauseMeasure(3_600_000)])).toEqual([]);
    expect(beyond([storeMeasure(null)])).toEqual(["store.slow fleet Infinity"]);
    expect(beyond([storeMeasure(600), pauseMeasure(3_601_000)])).toEqual(["store.slow fleet 0.6", "fleet.paused fleet 3601"]);
  });
});

describe("what a seat and a webhook go through", () => {
  it("is how often a seat failed over, or nearly did, within an hour", () => {
    const record = (outcome: FailoverRecord["outcome"], ago: number, cause: FailoverRecord["cause"] = "closed") =>
      ({ seat: SEAT, outcome, cause, detectedAt: NOW - ago }) as FailoverRecord;
    const three = [1, 2, 3].map((ago) => record("inService", ago));
    expect(beyond(seatFailoverMeasures(three, NOW))).toEqual(["failover.often sales/sales-1 3"]);
    expect(beyond(seatFailoverMeasures([...three.slice(1), record("inService", 1, "operator")], NOW))).toEqual([]);
    expect(beyond(seatFailoverMeasures([...three.slice(1), record("inService", 3_600_001)], NOW))).toEqual([]);
    const averted = [1, 2, 3].map((ago) => record("averted", ago));
    expect(beyond(seatFailoverMeasures(averted, NOW))).toEqual(["failover.calledOff sales/sales-1 3"]);
    // Once it is calm, it is measured as such, so that the alert ends.
    expect(seatFailoverMeasures(three, NOW + 3_700_000).map(({ value }) => value)).toEqual([0, 0]);
  });

  it("is what a webhook did not get", () => {
    expect(beyond(webhookMeasures({ crm: 0, shop: 2 }))).toEqual(["webhook.dead shop 2"]);
  });

  it("is who may write for it: two masters are one too many, a servant is none", () => {
    const grants = new Grants();
    const say = (op: "grant" | "revoke" | "terminate", id: string): void =>
      grants.onCommand({ op, device: id as DeviceId, seat: SEAT, term: 1 } as unknown as ConnectionCommand);
    const seen = (): string[] => beyond(holderMeasures(grants.bySeat, (account) => account !== "bulk-1"));
    say("grant", "sales-1/a");
    say("grant", "bulk-1/a");
    expect(seen()).toEqual([]);
    say("grant", "sales-1/b");
    expect(seen()).toEqual(["seat.doubled sales/sales-1 2"]);
    say("revoke", "sales-1/a");
    expect(seen()).toEqual([]);
    say("grant", "sales-2/a");
    expect(seen()).toEqual(["seat.doubled sales/sales-1 2"]);
    say("terminate", "sales-1/b");
    expect(seen()).toEqual([]);
    say("grant", "sales-1/b");
    grants.onFact({ kind: "closed", device: "sales-2/a" } as unknown as ConnectionFact);
    expect(seen()).toEqual([]);
  });
});

describe("a report", () => {
  it("says by rule, day or account how many alerts there were, and how soon they were seen and over", () => {
    const row = (rule: string, subject: string, raisedAt: number, seen: number | null, over: number | null): AlertHistoryRow => ({
      key: `${rule}:${subject}`,
      rule,
      subject,
      level: rule === "account.banned" ? "critical" : "warning",
      state: over === null ? "open" : "resolved",
      text: "",
      raisedAt,
      resolvedAt: over === null ? null : raisedAt + over,
      repeats: 0,
      acknowledged: seen === null ? null : { at: raisedAt + seen, by: "ann" },
    });
    const day = Date.parse("2026-11-01T00:00:00Z");
    const rows = [
      row("device.failed", "sales-1/a", day, 5000, 20_000),
      row("device.failed", "sales-1/b", day + 1000, null, 60_000),
      row("device.failed", "sales-2/a", day + 86_400_000, 7000, 40_000),
      row("account.banned", "sales-2", day + 86_400_000, null, null),
    ];
    const account = (subject: string): string | null => subject.split("/")[0] ?? null;
    expect(reportOf(rows, "rule", account)).toEqual([
      {
        name: "device.failed",
        alerts: 3,
        critical: 0,
        open: 0,
        acknowledged: 2,
        toAcknowledge: 5000,
        toResolve: 40_000,
        longest: 60_000,
      },
      {
        name: "account.banned",
        alerts: 1,
        critical: 1,
        open: 1,
        acknowledged: 0,
        toAcknowledge: null,
        toResolve: null,
        longest: null,
      },
    ]);
    expect(reportOf(rows, "day", account).map(({ name, alerts }) => `${name} ${alerts}`)).toEqual([
      "2026-11-01 2",
      "2026-11-02 2",
    ]);
    expect(reportOf(rows, "account", account).map(({ name, alerts }) => `${name} ${alerts}`)).toEqual(["sales-1 2", "sales-2 2"]);
  });
});

function beyond(measures: readonly Measure[]): string[] {
  return measures.flatMap(({ rule, subject, value }) => {
    const { isLow, warning, critical } = RULES[rule as WatchedRule];
    const isBeyond = [warning, critical].some((limit) => limit !== null && (isLow ? value < limit : value > limit));
    return isBeyond ? [`${rule} ${subject} ${value}`] : [];
  });
}
function device(id: string, isAble = true): LineSeen["devices"][number] {
  return { id: id as DeviceId, isLinked: true, isAble };
}
function seat(account: string, holder: string | null, phase: string): SeatSeen {
  return {
    id: `sales/${account}` as SeatId,
    line: "sales" as LineId,
    account: account as AccountId,
    holder: holder as DeviceId | null,
    phase,
  };
}
