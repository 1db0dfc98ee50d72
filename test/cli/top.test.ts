import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FleetEventRow } from "../../machines/ports/records.ts";
import type { StatusAnswer } from "../../src/runtime/control-protocol.ts";
import { frameOf } from "../../src/cli/top/frame.ts";
import { EMPTY, heard, pressed, type TopState } from "../../src/cli/top/state.ts";

const same = (text: string): string => text;
const PLAIN = { good: same, bad: same, warn: same, dim: same, bold: same };
const statusOf = (seats: number, more: Partial<StatusAnswer> = {}): StatusAnswer =>
  ({
    fleet: "acme",
    pid: 1,
    now: 7_500_000,
    startedAt: 0,
    mode: "automatic",
    lines: [],
    accounts: [],
    seats: Array.from({ length: seats }, (_, n) => ({
      id: `sales/sales-${n}`,
      line: "sales",
      holder: `sales-${n}/a`,
      term: 1,
      phase: n === 1 ? "stranded" : "serving",
      queue: { open: n, oldestMs: n === 0 ? null : n * 1000, held: 0 },
      last: null,
    })),
    devices: [{ id: "sales-0/a", link: "linked", state: "serving", health: "healthy", lastEvidenceMs: 5, holds: [] }],
    alerts: [],
    ...more,
  }) as unknown as StatusAnswer;
const eventsOf = (count: number): FleetEventRow[] =>
  Array.from({ length: count }, (_, n) => ({ seq: n, at: n, type: "device.linked", subject: `device-${n}`, data: {} }));
const keyed = (state: TopState, ...keys: string[]): TopState => keys.reduce((before, key) => pressed(before, key)[0], state);

describe("the screen of top", () => {
  it("fits the terminal, whatever is on it", () => {
    const shape = fc.record({
      columns: fc.integer({ min: 72, max: 200 }),
      rows: fc.integer({ min: 12, max: 60 }),
      seats: fc.integer({ min: 0, max: 500 }),
      events: fc.integer({ min: 0, max: 300 }),
      alerts: fc.integer({ min: 0, max: 50 }),
      keys: fc.array(fc.constantFrom("up", "down", "pagedown", "s", "p", "y", "n", "escape"), { maxLength: 30 }),
    });
    fc.assert(
      fc.property(shape, ({ columns, rows, seats, events, alerts, keys }) => {
        const list = Array.from({ length: alerts }, () => ({ level: "critical", text: "x".repeat(300) }));
        const status = statusOf(seats, { alerts: list as unknown as StatusAnswer["alerts"] });
        const state = keyed(heard(EMPTY, status, eventsOf(events)), ...keys);
        const frame = frameOf(state, { columns, rows }, PLAIN);
        expect(frame).toHaveLength(rows);
        expect(Math.max(...frame.map((line) => line.length))).toBeLessThanOrEqual(columns);
        // Whoever acts on a seat sees which.
        const isChosenShown = frame.some((line) => line.startsWith(`> sales/sales-${state.selected} `));
        expect(seats === 0 || isChosenShown).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("shows on 80 by 24 what a person on call wants to know", () => {
    const state = heard(EMPTY, statusOf(3), eventsOf(2));
    const frame = frameOf(state, { columns: 80, rows: 24 }, PLAIN);
    expect(frame[0]).toMatch(/^acme .* up 2 h 5 min {2}failover automatic {2}2\/3 seats in service$/);
    expect(frame).toContain("1 device linked and well; 3 waiting, 0 held");
    expect(frame.find((line) => line.includes("sales/sales-1"))).toMatch(/sales-1\/a +stranded +1 +1\.0 s +0/);
    expect(frame.some((line) => line.includes("device-1 is linked"))).toBe(true);
    expect(frame.at(-1)).toMatch(/w why {2}s switch over/);
  });

  it("shows the worst alerts, however new the others are, and how many more there are", () => {
    const alerts = ["warning", "warning", "critical", "warning"].map((level, no) => ({ level, text: `alert ${no}` }));
    const of = (list: readonly object[]) => {
      const state = heard(EMPTY, statusOf(1, { alerts: list as unknown as StatusAnswer["alerts"] }), []);
      return frameOf(state, { columns: 80, rows: 24 }, PLAIN).filter((line) => /alert/.test(line));
    };
    expect(of(alerts)).toEqual(["CRITICAL alert 2", "WARNING  alert 0", "and 2 alerts more: greenroom alerts"]);
    expect(of(alerts.slice(0, 3))).toEqual(["CRITICAL alert 2", "WARNING  alert 0", "WARNING  alert 1"]);
  });

  it("says of what happened on another day on which", () => {
    const now = Date.parse("2026-11-26T12:00:00");
    const at = (time: string) => ({ ...eventsOf(1)[0], at: Date.parse(time) }) as FleetEventRow;
    const state = heard(EMPTY, statusOf(1, { now }), [at("2026-11-24T09:00:00"), at("2026-11-26T11:00:00")]);
    const frame = frameOf(state, { columns: 80, rows: 24 }, PLAIN).filter((line) => line.includes("is linked"));
    expect(frame).toEqual(["2026-11-24 09:00:00  device-0 is linked", "11:00:00  device-0 is linked"]);
  });

  it("says why nothing is shown before the supervisor has answered", () => {
    expect(frameOf({ ...EMPTY, note: "no supervisor listens" }, { columns: 80, rows: 24 }, PLAIN)).toContain(
      "no supervisor listens",
    );
  });
});

describe("a key", () => {
  const state = heard(EMPTY, statusOf(3), []);

  it("chooses a seat, within the list", () => {
    expect(keyed(state, "down", "down", "down").selected).toBe(2);
    expect(keyed(state, "up").selected).toBe(0);
    expect(pressed(keyed(state, "down"), "w")[1]).toEqual({ kind: "why", seat: "sales/sales-1" });
  });

  it("moves or pauses nothing before it was confirmed with y", () => {
    for (const key of ["s", "p"]) {
      const [asked, wish] = pressed(state, key);
      expect(wish).toBeNull();
      expect(asked.pane?.kind).toBe("question");
      for (const other of ["n", "enter", "escape", "s", "down"])
        expect(pressed(asked, other)).toMatchObject([{ pane: null }, null]);
    }
    expect(pressed(keyed(state, "down", "s"), "y")[1]).toEqual({
      kind: "order",
      order: { op: "switchover", request: { seat: "sales/sales-1" } },
    });
    expect(pressed(keyed(state, "p"), "y")[1]).toMatchObject({ order: { op: "pause" } });
    const paused = heard(EMPTY, statusOf(1, { mode: "paused" }), []);
    expect(pressed(keyed(paused, "p"), "y")[1]).toMatchObject({ order: { op: "resume" } });
  });

  it("q closes what is open, and then ends it; Ctrl-C ends it at once", () => {
    const reading: TopState = { ...state, pane: { kind: "text", title: "why", lines: ["a", "b"], from: 0 } };
    expect(pressed(reading, "q")).toMatchObject([{ pane: null }, null]);
    expect(pressed(reading, "down")[0].pane).toMatchObject({ from: 1 });
    expect(pressed(state, "q")[1]).toEqual({ kind: "quit" });
    expect(pressed(keyed(state, "s"), "ctrl-c")[1]).toEqual({ kind: "quit" });
  });

  it("stays with a seat that is there when the fleet shrinks", () => {
    expect(heard(keyed(state, "down", "down"), statusOf(1), []).selected).toBe(0);
  });
});
