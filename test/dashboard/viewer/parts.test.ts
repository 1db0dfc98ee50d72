import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FilmFailover } from "../../../machines/driver/film.ts";
import { clamped, following, panned, zoomed } from "../../../src/dashboard/viewer/extent.ts";
import { actorFor, FIRST_KINDS, lanesOf, shownLanes, withFirst } from "../../../src/dashboard/viewer/lanes.ts";
import { lightsOf } from "../../../src/dashboard/viewer/lights.ts";
import { readLink, writeLink } from "../../../src/dashboard/viewer/link.ts";
import { foundIn, happeningAt, happeningsOf } from "../../../src/dashboard/viewer/story.ts";
import { clockText, spanText, ticks } from "../../../src/dashboard/viewer/times.ts";
import { hasTone, toneOf } from "../../../src/dashboard/viewer/tones.ts";
import { isAnotherTry, isWithin, phasesOf, signsOf, untoldOf } from "../../../src/dashboard/viewer/waterfall.ts";
import { CHARTS } from "../../../src/drawing/catalogue.ts";
import { ANY, graphOf } from "../../../src/drawing/graph.ts";
import { filmWith } from "./films.ts";

describe("lanes", () => {
  const lanes = lanesOf(filmWith([]));
  it("stand in the order in which one reads them: who decides first", () => {
    expect(lanes.map(({ address }) => address)).toEqual(["orchestrator", "roster", "seat:sales/sales-1", "health:sales-1/a"]);
  });
  it("are chosen by kind, or by every word of a search", () => {
    const kinds = new Set(FIRST_KINDS);
    const found = (search: string): string[] => shownLanes(lanes, kinds, search).map(({ address }) => address);
    expect(found("")).toHaveLength(4);
    expect(found("Sales-1")).toEqual(["seat:sales/sales-1", "health:sales-1/a"]);
    expect(found("sales-1 health")).toEqual(["health:sales-1/a"]);
    expect(found("nobody")).toEqual([]);
  });
  it("that a change of holder is told by come first, the others stay in order", () => {
    const order = withFirst(lanes, new Set(["sales-1/a", "roster"])).map(({ address }) => address);
    expect(order).toEqual(["roster", "health:sales-1/a", "orchestrator", "seat:sales/sales-1"]);
  });
  it("lead from what is said to the actor that explains it", () => {
    expect(actorFor(lanes, "sales/sales-1")).toBe(1);
    expect(actorFor(lanes, "sales-1/a")).toBe(2);
    expect(actorFor(lanes, "somebody")).toBeNull();
  });
});

describe("tones", () => {
  it("are given to every state of every chart, on purpose", () => {
    const states = CHARTS.filter(({ name }) => name !== "outbox").flatMap(({ name, machine, delays }) =>
      graphOf(name, machine, delays).states.map(({ id }) => id),
    );
    expect(states.filter((state) => state !== ANY && !hasTone(state))).toEqual([]);
  });
  it("say what is well and what is not", () => {
    expect(["serving", "suspect", "failed", "stopped", "outer.failed", "unheard of"].map(toneOf)).toEqual([
      "good",
      "warn",
      "bad",
      "idle",
      "bad",
      "idle",
    ]);
  });
});

describe("times", () => {
  it("are read as people do", () => {
    expect([0, 1_234, 61_000, 3_599_999, 3_723_400].map((ms) => clockText(ms))).toEqual([
      "0:00.000",
      "0:01.234",
      "1:01.000",
      "59:59.999",
      "1:02:03.400",
    ]);
    expect(clockText(59_600, 0)).toBe("0:59");
    expect([0, 23, 4_520, 10_000, 192_000].map(spanText)).toEqual(["0 ms", "23 ms", "4.52 s", "10 s", "3.2 min"]);
  });
  it("are marked at round moments, never more than asked for", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1e9 }),
        fc.integer({ min: 1, max: 1e9 }),
        fc.integer({ min: 1, max: 20 }),
        (from, length, most) => {
          const { every, at } = ticks(from, from + length, 0, most);
          expect(at.length).toBeLessThanOrEqual(most + 1);
          expect(at.every((moment) => moment >= from && moment <= from + length && moment % every === 0)).toBe(true);
        },
      ),
    );
  });
});

describe("the stretch on the screen", () => {
  const whole = { from: 1_000, to: 101_000 };
  const anywhere = fc.tuple(fc.integer({ min: -50_000, max: 200_000 }), fc.integer({ min: 0, max: 300_000 }));
  it("never leaves the film, whatever is done to it", () => {
    fc.assert(
      fc.property(
        anywhere,
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.integer({ min: 1_000, max: 101_000 }),
        ([from, length], factor, moment) => {
          const extent = clamped({ from, to: from + length }, whole);
          for (const each of [
            extent,
            zoomed(extent, factor, moment, whole),
            panned(extent, from, whole),
            following(extent, moment, whole),
          ]) {
            expect(each.from).toBeGreaterThanOrEqual(whole.from);
            expect(each.to).toBeLessThanOrEqual(whole.to);
            // But for what doubles round off.
            expect(each.to - each.from).toBeGreaterThanOrEqual(20 - 1e-6);
          }
          const { from: begin, to: end } = following(extent, moment, whole);
          expect(moment >= begin && moment <= end).toBe(true);
        },
      ),
    );
  });
});

describe("a link to a moment", () => {
  it("leads back to it", () => {
    expect(writeLink(12_345, "seat:sales/sales-1")).toBe("#t=12.345&actor=seat:sales/sales-1");
    fc.assert(
      fc.property(fc.nat(1e9), fc.option(fc.string({ minLength: 1 })), (ms, actor) => {
        expect(readLink(writeLink(ms, actor))).toEqual({ seconds: ms / 1000, actor, failover: null });
      }),
    );
  });
  it("that says nothing sensible is none", () => {
    expect(readLink("#failover=sales%2Fsales-1:2")).toEqual({ seconds: null, actor: null, failover: "sales/sales-1:2" });
    for (const hash of ["", "#", "#t=", "#t=-3", "#t=soon"]) expect(readLink(hash).seconds).toBeNull();
  });
});

describe("what happened", () => {
  const film = filmWith([], {
    marks: [
      { kind: "fault", at: 20, until: 30, name: "close", text: "the link is closed", hits: ["sales-1/a"] },
      { kind: "property", at: 25, until: null, name: "nothing-lost", text: "m1 is lost", hits: [] },
    ],
    said: [
      { at: 21, type: "holder.failed", subject: "sales/sales-1", data: { device: "sales-1/a", cause: "closed" } },
      { at: 22, type: "alert.raised", subject: "sales-1/a", data: { level: "critical", text: "sales-1/a has failed" } },
    ],
  });
  const happenings = happeningsOf(film);
  it("is told in words and in order", () => {
    expect(happenings.map(({ text }) => text)).toEqual([
      "fault: the link is closed",
      "sales-1/a no longer speaks for sales/sales-1 (closed): choosing somebody else",
      "critical: sales-1/a has failed",
      "BROKEN nothing-lost: m1 is lost",
      "over: the link is closed",
    ]);
  });
  it("is found by its kind, by its words, and by its moment", () => {
    expect(foundIn(happenings, new Set(["fault", "alert"]), "sales-1 failed")).toEqual([happenings[2]]);
    expect([19, 20, 24, 99].map((at) => happeningAt(happenings, at))).toEqual([-1, 0, 2, 4]);
  });
});

describe("a change of holder, phase by phase", () => {
  const failover = {
    faultAt: 1_000,
    lastEvidenceAt: 900,
    detectedAt: 5_500,
    chosenAt: 5_600,
    committedAt: 6_600,
    inServiceAt: 12_000,
    firstAckAt: null,
  } as FilmFailover;
  it("is measured against what is owed", () => {
    const measured = phasesOf(failover).map((phase) => [phase.name, phase.to - phase.from, phase.bound, isWithin(phase)]);
    expect(measured).toEqual([
      ["fault to detected", 4_500, 5_000, true],
      ["detected to chosen", 100, 1_000, true],
      ["chosen to moved", 1_000, null, true],
      ["moved to in service", 5_400, 5_000, false],
    ]);
  });
  it("is measured from the last evidence where nobody knows when the fault struck", () => {
    expect(phasesOf({ ...failover, faultAt: null })[0]).toMatchObject({ name: "last evidence to detected", from: 900 });
  });
  it("says what set it off, in order: the fault with whom it hit, how the link ended, the last that was heard", () => {
    const given = { ...failover, cause: "silent", from: "sales-1/a" } as FilmFailover;
    const fault = { kind: "fault", at: 1_000, until: null, name: "x", text: "its path is silent", hits: ["sales-1/a"] } as const;
    const elsewhere = { ...fault, text: "something else", hits: ["sales-2/a"] };
    const over = { ...fault, text: "long over", at: 100, until: 200 };
    const later = { ...fault, text: "later", at: 500_000 };
    const film = { from: 0, marks: [elsewhere, over, fault, later] };
    expect(signsOf(film, { ...given, closed: { at: 1_200, reason: "loggedOut", code: 401 } })).toEqual([
      "At 0:00.900, the last that was heard from sales-1/a.",
      "At 0:01.000, the fault: its path is silent; it hit sales-1/a.",
      "At 0:01.200, the link of sales-1/a ended (loggedOut, code 401).",
    ]);
    expect(signsOf({ from: 0, marks: [] }, { ...given, closed: null })).toHaveLength(1);
    expect(signsOf(film, { ...given, cause: "startup" })).toEqual([]);
  });
  it("that tries again owes no detection: that was the first one's", () => {
    const again = { ...failover, id: "2", detectedAt: failover.detectedAt + 9_000 } as FilmFailover;
    expect(isAnotherTry([failover, again], again)).toBe(true);
    expect(isAnotherTry([failover, again], failover)).toBe(false);
    expect(phasesOf(again, true).map(({ name }) => name)).not.toContain("fault to detected");
  });
  it("says what it can't tell, and why", () => {
    const given = { ...failover, outcome: "inService" } as FilmFailover;
    expect(untoldOf({ source: "journal" }, { ...given, faultAt: null, firstAckAt: null })).toContain("Not known from a journal");
    expect(untoldOf({ source: "run" }, { ...given, faultAt: 1, firstAckAt: null })).toContain("No message was acknowledged");
    expect(untoldOf({ source: "run" }, { ...given, faultAt: 1, firstAckAt: 2 })).toBeNull();
  });
});

describe("the lights in a chart", () => {
  const drawing = {
    arrows: [
      { from: "healthy", to: "suspect" },
      { from: ANY, to: "failed" },
    ],
  } as unknown as Parameters<typeof lightsOf>[0];
  const lit = (state: string | null, before: string | null) => [...lightsOf(drawing, { state, before, since: 0 })];
  it("are its state and the arrow that led there, be it from any state", () => {
    expect(lit("suspect", "healthy")).toEqual(["suspect", "healthy -> suspect"]);
    expect(lit("failed", "suspect")).toEqual(["failed", `${ANY} -> failed`]);
    expect(lit("a.b", null)).toEqual(["a", "a.b"]);
    expect(lit(null, "healthy")).toEqual([]);
  });
});
