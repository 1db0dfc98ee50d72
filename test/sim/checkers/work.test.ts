/** What a fleet at work owes: each checker sees a record that was falsified, and nothing in one that was not. */
import { describe, expect, it } from "vitest";
import { type AccountId, type ConversationId, type DeviceId, lineId, type SeatId } from "../../../machines/ports/ids.ts";
import { movesAreFew } from "../../../sim/checkers/evening.ts";
import { check } from "../../../sim/checkers/index.ts";
import { eventsOf, type Life } from "../../../sim/checkers/life.ts";
import { nobodyStarves } from "../../../sim/checkers/overtaking.ts";
import { movesKeepToTheirs } from "../../../sim/checkers/regions.ts";
import { sharesAreFair } from "../../../sim/checkers/sharing.ts";
import { conversationsStay } from "../../../sim/checkers/stays.ts";
import { switchoversLeadBack } from "../../../sim/checkers/switchovers.ts";
import { lifeOf } from "../../../sim/plan/life.ts";
import type { FleetSettings, Plan } from "../../../sim/plan/plan.ts";
import { runPlan } from "../../../sim/plan/run.ts";
import { brokenIn, first, plan as doctored, withEvents, withTables } from "./doctored.ts";
import { HOLDER, History, OTHER, TWIN } from "./history.ts";

const masters = ["sales-1", "sales-2"] as AccountId[];
const [FIRST, SECOND] = masters.map((id) => `sales/${id}` as SeatId) as [SeatId, SeatId];

type Balance = NonNullable<NonNullable<FleetSettings["lines"]>[keyof FleetSettings["lines"]]["balance"]>;
const lived = (balance: Partial<Balance>, workload: Partial<Plan["workload"]> = {}): Life => {
  const sales = {
    whenNumberChanges: "hold" as const,
    outboxLimit: 10_000,
    failback: "manual" as const,
    balance: {
      strategy: "round-robin",
      weights: {},
      adaptive: false,
      priority: { tiers: [], reserved: 0 },
      geo: { regions: [], otherwise: null },
      ...balance,
    },
  };
  const plan: Plan = {
    ...doctored,
    seed: "at work",
    fleet: { ...doctored.fleet, settings: { lines: { [lineId("sales")]: sales } } },
    workload: { ...doctored.workload, from: 30_000, peoplePerLine: 60, bursts: { every: 20_000, size: 10 }, ...workload },
    faults: [],
    liveness: null,
    for: 200_000,
  };
  const life = lifeOf(plan, runPlan(plan));
  expect(check(life)).toEqual([]);
  return life;
};
/** Of all that was accepted on the line, as if the first seat had got it. */
const allTo = (life: Life, seat: SeatId): Life => ({
  ...life,
  accepted: life.accepted.map((each) => (each.line === "sales" ? { ...each, seat } : each)),
});

describe("new conversations", () => {
  it("that all go to one seat are seen, where each seat has its turn", () => {
    expect(brokenIn(sharesAreFair, allTo(lived({}), FIRST))).toContainEqual(expect.stringContaining(`${FIRST} has been given`));
  });

  it("are shared out by weight, and seen when they are not", () => {
    const life = lived({ weights: { ["sales-1" as AccountId]: 3 } });
    const even = life.accepted.filter(({ line }) => line === "sales");
    const halves = new Map(even.map(({ id }, i) => [id, i % 2 === 0 ? FIRST : SECOND]));
    const falsified = { ...life, accepted: life.accepted.map((each) => ({ ...each, seat: halves.get(each.id) ?? each.seat })) };
    expect(brokenIn(sharesAreFair, falsified)).not.toEqual([]);
  });

  it("of a region that go far away are seen", () => {
    const regions = [
      { name: "eu", countries: ["DE"], masters: masters.slice(0, 1), distances: { us: 1 } },
      { name: "us", countries: ["US"], masters: masters.slice(1), distances: {} },
    ];
    const life = lived({ strategy: "geo", geo: { regions, otherwise: null } }, { countries: ["DE", "US", "JP"] });
    expect(brokenIn(sharesAreFair, allTo(life, FIRST))).toContainEqual(expect.stringContaining(`${SECOND} is nearer`));
  });

  it("of ordinary people that go to a seat which is kept for others are seen", () => {
    const life = lived({ strategy: "priority", priority: { tiers: ["vip"], reserved: 1 } }, { vips: 6 });
    expect(eventsOf(life, "gate").some(({ seat }) => seat === FIRST)).toBe(true);
    expect(brokenIn(sharesAreFair, allTo(life, FIRST))).toContainEqual(expect.stringContaining("which is kept for others"));
  });
});

describe("a message", () => {
  const life = lived({});

  it("that leaves from another seat than the one before it is seen", () => {
    const conversations = new Map(life.tables.outbox.map(({ id, conversation }) => [id, conversation]));
    const heard = new Set<ConversationId | undefined>();
    const again = first(life, "gate", ({ message, seat }) => {
      const conversation = conversations.get(message);
      const isSecond = heard.has(conversation);
      heard.add(conversation);
      return isSecond && seat === FIRST;
    });
    const moved = withEvents(life, (events) => events.map((event) => (event === again ? { ...again, seat: SECOND } : event)));
    expect(brokenIn(conversationsStay, moved)).toEqual([expect.stringContaining(`${again.message} left from ${SECOND}`)]);
    // The number that speaks for the seat is one that the contact does not know.
    const row = {
      at: again.at - 1,
      kind: "seat",
      seat: FIRST,
      holder: "sales-2/a" as DeviceId,
      term: 2,
      phase: "serving",
    } as never;
    const taken = withEvents(moved, (events) =>
      events.flatMap((event) => (event.at === again.at && event.kind === "gate" ? [row, event] : [event])),
    );
    expect(brokenIn(conversationsStay, taken)).toEqual([]);
  });

  it("that others overtake for longer than their urgency is worth is seen", () => {
    const late = first(life, "gate", ({ at, seat }) => at > life.from + 130_000 && seat === FIRST);
    const older = (priority: number) => ({
      outbox: life.tables.outbox
        .map((row) =>
          row.id === late.message ? { ...row, priority, acceptedAt: late.at - 60_000, conversation: "alone" as never } : row,
        )
        .toSorted((one, other) => one.acceptedAt - other.acceptedAt),
    });
    expect(brokenIn(nobodyStarves, withTables(life, older(5)))).toEqual([
      expect.stringContaining(`before ${late.message} (priority 5)`),
    ]);
    // So little was it worth.
    expect(brokenIn(nobodyStarves, withTables(life, older(0)))).toEqual([]);
  });
});

describe("conversations that go elsewhere", () => {
  const life = lived({});
  const movedIn = (before: Life, by: string, count: number, [from, to] = [FIRST, SECOND]): Life =>
    withEvents(before, (events) => [
      ...events,
      ...Array.from({ length: count }, (_, i) => ({
        at: before.to,
        kind: "said" as const,
        type: "conversation.moved",
        subject: `sales|c:${i}`,
        data: { from, to, by },
      })),
    ]);
  const moved = (by: string, count: number): Life => movedIn(life, by, count);

  it("without an order, or more than were ordered, are seen", () => {
    expect(brokenIn(movesAreFew, moved("operator:sim", 1))).toEqual(["1 conversations of sales went elsewhere by 0 orders"]);
    const order = { kind: "operator", order: "rebalance", target: { seat: FIRST }, at: 0, for: 0, twice: false } as const;
    expect(brokenIn(movesAreFew, { ...moved("operator:sim", 20), faults: [order] })).toEqual([]);
    expect(brokenIn(movesAreFew, { ...moved("operator:sim", 21), faults: [order] })).toHaveLength(1);
  });

  it("by themselves, more than two looks at the line are good for, are seen", () => {
    expect(brokenIn(movesAreFew, moved("supervisor", 40))).toEqual([]);
    expect(brokenIn(movesAreFew, moved("supervisor", 41))).toHaveLength(1);
  });

  it("to another region, or to a seat that is kept for others, are seen", () => {
    expect(brokenIn(movesKeepToTheirs, moved("supervisor", 1))).toEqual([]);
    const regions = [{ name: "eu", countries: ["DE"], masters: masters.slice(0, 1), distances: {} }];
    const abroad = movedIn(lived({ strategy: "geo", geo: { regions, otherwise: null } }), "supervisor", 1);
    expect(brokenIn(movesKeepToTheirs, abroad)).toEqual([`sales|c:0 went from ${FIRST} to ${SECOND}, which is in no region`]);
    const kept = lived({ strategy: "priority", priority: { tiers: ["vip"], reserved: 1 } });
    expect(brokenIn(movesKeepToTheirs, movedIn(kept, "supervisor", 1))).toEqual([]);
    expect(brokenIn(movesKeepToTheirs, movedIn(kept, "supervisor", 1, [SECOND, FIRST]))).toEqual([
      `sales|c:0 went from ${SECOND} to ${FIRST}, which is kept for others`,
    ]);
  });
});

describe("a switchover that fails", () => {
  const story = () =>
    new History()
      .up(HOLDER)
      .row(10, HOLDER, 1)
      .row(100, TWIN, 2, "moving")
      .failover({ cause: "operator", termBefore: 1, termAfter: 3, outcome: "inService", detected: 100 });

  it("and goes on to a third device is seen, while its former holder is well", () => {
    const onwards = story().row(102, OTHER, 3, "moving");
    expect(brokenIn(switchoversLeadBack, onwards.life())).toEqual([
      expect.stringContaining(`went on to ${OTHER}, and ${HOLDER}`),
    ]);
  });

  it("may go back, or on if its former holder is not well", () => {
    expect(brokenIn(switchoversLeadBack, story().row(102, HOLDER, 3).life())).toEqual([]);
    const ill = story()
      .row(102, OTHER, 3, "moving")
      .fault({ kind: "silent-path", target: { device: HOLDER } } as never, 99, 120);
    expect(brokenIn(switchoversLeadBack, ill.life())).toEqual([]);
  });
});
