import { describe, expect, it } from "vitest";
import { balanceOf } from "../../machines/delivery/balance/settings.ts";
import { seatId } from "../../machines/ports/ids.ts";
import { judge } from "../../sim/chaos/judge.ts";
import { eventsOf } from "../../sim/checkers/life.ts";
import { movesAreUnheard } from "../../sim/checkers/rebalance.ts";
import { type Fault, faultKinds } from "../../sim/faults/catalogue.ts";
import { drawSwarmPlan } from "../../sim/plan/draw.ts";
import { lifeOf } from "../../sim/plan/life.ts";
import type { Plan } from "../../sim/plan/plan.ts";
import { runPlan } from "../../sim/plan/run.ts";
import { plantNamed } from "../../sim/plants/index.ts";

/** A seed's plan with a slow master on each line, many people, and an operator who has what waits shared out again, faults or not. */
const planOf = (seed: number, rebalance: "manual" | "auto"): Plan => {
  const drawn = drawSwarmPlan(seed, { fleet: null, for: 300_000, kinds: faultKinds });
  const settings = { ...drawn.fleet.settings, ...plantNamed("moves-of-the-heard")?.settings };
  const lines = Object.fromEntries(Object.entries(settings.lines ?? {}).map(([id, line]) => [id, { ...line, rebalance }]));
  const orders: Fault[] = [40, 70, 90, 110, 130, 150].flatMap((second) =>
    drawn.fleet.lines.flatMap(({ id, masters: [first] }) =>
      first
        ? [
            {
              kind: "operator",
              target: { seat: seatId(id, first) },
              at: second * 1000 + seed * 37,
              for: 0,
              order: "rebalance",
              twice: second === 90,
            },
          ]
        : [],
    ),
  );
  return {
    ...drawn,
    fleet: { ...drawn.fleet, settings: { ...settings, lines } },
    workload: { ...drawn.workload, peoplePerLine: 300, sends: 2 },
    faults: [...drawn.faults, ...orders].toSorted((one, other) => one.at - other.at),
  };
};

describe("what waits, shared out again in the midst of faults", () => {
  it("is neither lost nor doubled nor out of order, and nobody who has heard from a number hears from another", {
    timeout: 120_000,
  }, () => {
    // At 6, 23 and 27 a seat reads its outbox just as a conversation comes.
    for (const seed of [6, 23, 27]) expect(judge(planOf(seed, "auto")).violations).toEqual([]);
  });

  it("goes by order alone unless the line wants it so", { timeout: 120_000 }, () => {
    const plan = { ...planOf(1, "manual"), faults: [] };
    const moved = (each: Plan) =>
      eventsOf(lifeOf(each, runPlan(each)), "said").filter(({ type }) => type === "conversation.moved");
    expect(moved(plan)).toEqual([]);
    const ordered = planOf(1, "manual").faults.filter(({ kind }) => kind === "operator");
    const byOrder = moved({ ...plan, faults: ordered });
    expect(byOrder.length).toBeGreaterThan(5);
    expect(new Set(byOrder.map(({ data }) => data["by"]))).toEqual(new Set(["operator:sim"]));
    const auto = planOf(1, "auto");
    expect(moved({ ...auto, faults: [] }).map(({ data }) => data["by"])).toContain("supervisor");
    // Of a region of its own nothing goes elsewhere.
    const { settings } = auto.fleet;
    const apart = auto.fleet.lines.map(({ id, masters }) => {
      const regions = [masters.slice(0, 1), masters.slice(1)].map((own, no) => ({
        name: `region ${no}`,
        countries: [],
        masters: own,
        distances: {},
      }));
      const balance = { ...balanceOf(id, masters), strategy: "geo", geo: { regions, otherwise: null } };
      return [id, { ...settings.lines?.[id], balance }];
    });
    const inRegions = {
      ...auto,
      fleet: { ...auto.fleet, settings: { ...settings, lines: Object.fromEntries(apart) } },
      faults: ordered,
    };
    expect(moved(inRegions)).toEqual([]);
  });
});

describe("the checker notices", () => {
  it("a move of what has left before, one that nobody wrote down, and what leaves behind it", { timeout: 120_000 }, () => {
    const { workload, ...drawn } = planOf(2, "auto");
    // Nobody refuses a first message, so no account is restricted, and nothing is given back.
    const plan = { ...drawn, workload: { ...workload, warm: 1 }, faults: [] };
    const life = lifeOf(plan, runPlan(plan));
    expect([...movesAreUnheard.broken(life)]).toEqual([]);
    const [gate] = eventsOf(life, "gate");
    const conversation = life.tables.outbox.find(({ id }) => id === gate?.message)?.conversation ?? "";
    const move = { kind: "said", type: "conversation.moved", subject: conversation, data: { from: gate?.seat ?? "" } } as const;
    const withMove = (at: number) => ({
      ...life,
      events: [...life.events, { ...move, at }, ...(gate ? [{ ...gate, at: at + 1 }] : [])],
    });
    const texts = [...movesAreUnheard.broken(withMove(life.to))].map(({ text }) => text);
    expect(texts).toEqual([
      expect.stringContaining("had left from"),
      expect.stringContaining("no audit entry says so"),
      expect.stringContaining("had gone to another seat"),
    ]);
  });
});
