import { describe, expect, it } from "vitest";
import { filmOf } from "../../machines/driver/camera.ts";
import { type Film, GONE, NO_STATE, NOBODY } from "../../machines/driver/film.ts";
import type { JournalRecord } from "../../machines/driver/journal.ts";
import type { DeviceId } from "../../machines/ports/ids.ts";
import { Fleet } from "../../sim/world/harness.ts";
import { demoFleet } from "../../sim/world/reference.ts";
import { withTwin } from "../sim/world/story.ts";

const { records, fleet, holder, brokenAt } = story();
const { film, result } = filmOf(records, "a story");

describe("the film of a story with a silent link, a failover and a crash", () => {
  it("follows all of the journal", () => {
    expect(result.outcome).toBe("identical");
    expect(film).toMatchObject({ film: 1, title: "a story", isPartial: false, notes: [] });
    expect(new Set(Object.values(film.steps).map(({ length }) => length)).size).toBe(1);
    expect(film.steps.after.every((ms) => ms >= 0)).toBe(true);
    expect(film.from + film.steps.after.reduce((sum, ms) => sum + ms, 0)).toBe(film.to);
  });

  it("ends with every chart in the state in which the node has it", () => {
    const { driver } = fleet.node ?? {};
    const last = lastStates(film);
    const charts = (driver?.addresses() ?? []).filter((address) =>
      records.some((record) => "to" in record && record.to === address),
    );
    expect(charts.length).toBeGreaterThan(30);
    expect(charts.map((address) => [address, last.get(address)])).toEqual(
      charts.map((address) => [address, driver?.peek(address)?.value]),
    );
  });

  it("gives each timer the time at which it fired", () => {
    const { steps, events, actors } = film;
    let at = film.from;
    const fired = steps.after.flatMap((after, row) => {
      at += after;
      const event = events[steps.event[row] ?? -1] ?? "";
      const actor = actors[steps.actor[row] ?? -1]?.address ?? "";
      return event.startsWith("xstate.after.untilCommit") && actor === `failover:${withTwin}` ? [at] : [];
    });
    // Silence: 5.5 s after the last evidence the seat moves to the twin; the last evidence is up to a second before the fault.
    expect(fired).toHaveLength(1);
    expect((fired[0] ?? 0) - brokenAt).toBeGreaterThan(4_000);
    expect((fired[0] ?? 0) - brokenAt).toBeLessThan(6_000);
  });

  it("tells the change of holder with its evidence, its candidates and its reasons", () => {
    const change = film.failovers.find(({ cause, seat }) => cause === "silent" && seat === withTwin);
    expect(change).toMatchObject({ from: holder, outcome: "inService", ladder: "twin" });
    expect(change?.steps.map(({ text }) => text).join(" ")).toContain(`chose ${change?.to} (twin`);
    const ranking = film.rankings.find(({ seat, at }) => seat === withTwin && at >= brokenAt);
    expect(ranking?.ranked[0]).toMatchObject({ device: change?.to, why: expect.stringContaining("same number") });
    expect(film.said.some(({ type, subject }) => type === "holder.failed" && subject === withTwin)).toBe(true);
  });

  it("says who told whom", () => {
    const told = (to: string, event: string): string[] => {
      const { steps, actors, events } = film;
      return steps.event.flatMap((place, row) =>
        events[place] === event && actors[steps.actor[row] ?? -1]?.address === to
          ? [steps.cause[row] === NOBODY ? "nobody" : (actors[steps.cause[row] ?? -1]?.address ?? "")]
          : [],
      );
    };
    expect(told("orchestrator", "failover.request")).toContain(`seat:${withTwin}`);
    expect(told(`seat:${withTwin}`, "seat.changed")).toContain(`failover:${withTwin}`);
    expect(told(`health:${holder}`, "evidence.gone")).toContain("detector");
    expect(told(`connection:${holder}`, "redial.request")).toEqual([`health:${holder}`]);
    expect(told("roster", "device.health")).toContain(`health:${holder}`);
  });

  it("ends all charts where the node died, and marks both starts", () => {
    expect(film.marks.map(({ name, text }) => [name, text])).toEqual([
      ["node.started", "n1 starts"],
      ["node.started", "n1 starts again: whatever it knew is read from the store"],
    ]);
    const { steps, events } = film;
    const died = steps.event.flatMap((place, row) => (events[place] === "the process ended" ? [steps.state[row]] : []));
    expect(died.length).toBeGreaterThan(30);
    expect(new Set(died)).toEqual(new Set([GONE]));
  });
});

describe("the film of a journal that is not whole", () => {
  it("shows what comes before a gap and after the next start, and says what is missing", () => {
    const { film: partial } = filmOf([...records.slice(0, 300), ...records.slice(310)], "cut");
    expect(partial.isPartial).toBe(true);
    expect(partial.notes[0]).toContain("are missing");
    expect(partial.marks.filter(({ kind }) => kind === "gap")).toHaveLength(1);
    expect(partial.to).toBe(film.to);
    expect(partial.steps.after.length).toBeLessThan(film.steps.after.length);
    expect(lastStates(partial)).toEqual(lastStates(film));
  });

  it("of another version, or with nothing to begin at, has no step", () => {
    const old = [{ ...records[0], version: 1 } as JournalRecord, ...records.slice(1)];
    expect(filmOf(old, "old").film).toMatchObject({ isPartial: true, steps: { after: [] } });
    expect(filmOf([], "none").film).toMatchObject({ isPartial: true, from: 0, to: 0 });
  });
});

function story() {
  const written: JournalRecord[] = [];
  const told = new Fleet({
    seed: "film",
    declaration: demoFleet(),
    workload: { sends: 2, writes: 1, peoplePerLine: 40 },
    journal: (record) => written.push(record),
  });
  told.until(() => told.allServing, 120_000);
  told.run(70_000);
  const before = told.seat(withTwin)?.holder as DeviceId;
  const at = told.world.clock.now();
  told.inject({ kind: "silent-path", target: { device: before }, for: 40_000, keeps: false } as never);
  told.run(60_000);
  told.inject({ kind: "node-crash", target: { node: "n1" }, for: 0, tells: true, downFor: 2_000 } as never);
  told.run(60_000);
  // As it comes back from a file.
  return {
    records: written.map((record) => JSON.parse(JSON.stringify(record)) as JournalRecord),
    fleet: told,
    holder: before,
    brokenAt: at,
  };
}

function lastStates({ steps, actors, states }: Film): Map<string, string> {
  const last = new Map<string, string>();
  for (const [row, place] of steps.actor.entries()) {
    const address = actors[place]?.address ?? "";
    const state = steps.state[row] ?? NO_STATE;
    if (state === GONE) last.delete(address);
    else if (state !== NO_STATE) last.set(address, states[state] ?? "");
  }
  return last;
}
