import { describe, expect, it } from "vitest";
import { alertTimes, judge, type Owed, type Seen } from "../../../sim/demo/judge.ts";

const twin: Owed = { ladder: "twin", isDetected: true, isAlarming: false };
const account: Owed = { ladder: "account", isDetected: true, isAlarming: false };
const reconnect: Owed = { ladder: "reconnect", isDetected: true, isAlarming: false };
const averted: Owed = { ladder: "reconnect", isDetected: false, isAlarming: false };
const alarming: Owed = { ladder: "reconnect", isDetected: true, isAlarming: true };
const rerouted: Owed = { ladder: "rerouted", isDetected: true, isAlarming: false };
const nothing: Owed = { ladder: "none", isDetected: false, isAlarming: false };

const moved: Seen = {
  ladder: "twin",
  detectedMs: 4500,
  toldMs: 4910,
  selectionMs: 3,
  serviceMs: 60,
  firstAckMs: 5600,
  wasAlarmed: false,
};
const back: Seen = {
  ladder: "reconnect",
  detectedMs: 10,
  toldMs: 420,
  selectionMs: null,
  serviceMs: 400,
  firstAckMs: 600,
  wasAlarmed: false,
};
const elsewhere: Seen = { ...back, ladder: "rerouted", serviceMs: null };
const still: Seen = { ...back, ladder: "none", detectedMs: null, toldMs: null, serviceMs: null, firstAckMs: 50 };

describe("a fault is met", () => {
  it.each<[string, Seen, Owed]>([
    ["by a twin in time", moved, twin],
    ["by another number in time", { ...moved, ladder: "account", firstAckMs: 9999 }, account],
    ["at the last millisecond of every bound", { ...moved, detectedMs: 4999, selectionMs: 999, serviceMs: 4999 }, twin],
    ["by a new link", back, reconnect],
    ["by a new link before anything was detected, where that is enough", { ...back, detectedMs: null, toldMs: null }, averted],
    ["by an alarm and service afterwards", { ...back, wasAlarmed: true }, alarming],
    ["by a word at the last millisecond", { ...moved, toldMs: 5999 }, twin],
    ["by another seat", elsewhere, rerouted],
    ["by doing nothing where nothing is needed", still, nothing],
  ])("%s", (_, seen, owed) => {
    expect(judge(seen, owed)).toEqual([]);
  });
});

describe("a fault is missed", () => {
  it.each<[string, Seen, Owed, string]>([
    ["another rung", { ...moved, ladder: "account" }, twin, "ladder account, expected twin"],
    ["nobody moved", { ...still, firstAckMs: null }, twin, "ladder none, expected twin"],
    ["something moved that should not", moved, nothing, "ladder twin, expected none"],
    ["no detection", { ...moved, detectedMs: null }, twin, "detection never happened"],
    ["a late detection", { ...moved, detectedMs: 5000 }, twin, "detection took 5000 ms, less than 5000 allowed"],
    ["no detection of a link that closed", { ...back, detectedMs: null }, reconnect, "detection never happened"],
    ["no detection of a restriction", { ...elsewhere, detectedMs: null }, rerouted, "detection never happened"],
    [
      "a detection too late to count as averted",
      { ...back, detectedMs: 6000 },
      averted,
      "detection took 6000 ms, less than 5000 allowed",
    ],
    ["no word to anybody", { ...moved, toldMs: null }, twin, "the first notice never happened"],
    ["a late word", { ...moved, toldMs: 6000 }, twin, "the first notice took 6000 ms, less than 6000 allowed"],
    ["no choice", { ...moved, selectionMs: null }, twin, "the choice never happened"],
    ["a late choice", { ...moved, selectionMs: 1000 }, twin, "the choice took 1000 ms, less than 1000 allowed"],
    ["no service", { ...moved, serviceMs: null }, twin, "service after the commit never happened"],
    ["late service", { ...moved, serviceMs: 5000 }, twin, "service after the commit took 5000 ms, less than 5000 allowed"],
    ["no service after a reconnect", { ...back, serviceMs: null }, reconnect, "service never happened"],
    ["no ack", { ...moved, firstAckMs: null }, twin, "first acknowledged message never happened"],
    ["no ack where nothing had to happen", { ...still, firstAckMs: null }, nothing, "first acknowledged message never happened"],
    ["a late ack", { ...moved, firstAckMs: 10_000 }, twin, "first acknowledged message took 10000 ms, less than 10000 allowed"],
    ["no alarm", back, alarming, "nobody was called"],
  ])("for %s", (_, seen, owed, why) => {
    expect(judge(seen, owed)).toContain(why);
  });
});

describe("the times of the alerts", () => {
  const row = (toldMs: number | null, owesAlert = true): { owesAlert: boolean; toldMs: number | null } => ({ owesAlert, toldMs });

  it("are of those that are owed, all of which have to be told in time", () => {
    expect(alertTimes([row(500), row(5999), row(700), row(null, false)])).toEqual({
      owed: 3,
      told: 3,
      p50Ms: 700,
      maxMs: 5999,
      boundMs: 6000,
      met: true,
    });
    expect(alertTimes([row(500), row(null)])).toMatchObject({ owed: 2, told: 1, met: false });
    expect(alertTimes([row(500), row(6000)])).toMatchObject({ told: 2, met: false });
    expect(alertTimes([])).toMatchObject({ owed: 0, p50Ms: null, maxMs: null, met: true });
  });
});
