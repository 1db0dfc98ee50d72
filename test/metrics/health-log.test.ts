import { expect, it } from "vitest";
import type { ConnectionFact } from "../../machines/ports/connection.ts";
import type { AccountId } from "../../machines/ports/ids.ts";
import { HealthLog } from "../../src/metrics/health-log.ts";

const probed = (at: number, rtt: number | null) =>
  ({ kind: "probed", device: "sales-1/a", dial: 1, at, probe: 1, rtt }) as unknown as ConnectionFact;
const checked = (at: number, finding: object | null) =>
  ({ kind: "checked", device: "sales-1/b", at, reqId: "r", finding }) as unknown as ConnectionFact;
const ACCOUNT = "sales-1" as AccountId;

it("counts an account's probes by minute, and keeps an hour of them", () => {
  const log = new HealthLog();
  for (const [at, rtt] of [
    [60_000, 10],
    [61_000, 30],
    [62_000, null],
    [120_000, null],
  ] as const)
    log.note(probed(at, rtt));
  expect(log.minutes(ACCOUNT)).toEqual([
    { at: 60_000, probes: 3, unanswered: 1, mean: 20, longest: 30 },
    { at: 120_000, probes: 1, unanswered: 1, mean: null, longest: null },
  ]);
  for (let minute = 3; minute < 100; minute++) log.note(probed(minute * 60_000, 5));
  expect(log.minutes(ACCOUNT).map(({ at }) => at / 60_000)).toEqual(Array.from({ length: 60 }, (_, n) => n + 40));
});

it("keeps what deep checks found, and that one was not answered", () => {
  const log = new HealthLog();
  log.note(checked(1, { standing: "restricted", until: null, cap: 3, preKeys: 40 }));
  log.note(checked(2, null));
  expect(log.checks(ACCOUNT)).toEqual([
    { at: 1, device: "sales-1/b", standing: "restricted", cap: 3, preKeys: 40 },
    { at: 2, device: "sales-1/b", standing: null, cap: null, preKeys: null },
  ]);
  for (let at = 3; at < 1000; at++) log.note(checked(at, null));
  expect(log.checks(ACCOUNT).length).toBe(120);
  expect(log.checks("nobody" as AccountId)).toEqual([]);
});
