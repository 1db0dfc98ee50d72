/** Laws of every strategy, ours and one that misbehaves: who may be chosen, how fairly, and what stays as it was. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Acceptance } from "../../machines/delivery/acceptance.ts";
import { Balancer } from "../../machines/delivery/balance/balancer.ts";
import { SeatTable } from "../../machines/delivery/balance/seat-table.ts";
import { balanceOf } from "../../machines/delivery/balance/settings.ts";
import { STRATEGIES, strategiesBy } from "../../machines/delivery/balance/strategies.ts";
import type { LineBalance, Newcomer, Strategy } from "../../machines/delivery/balance/strategy.ts";
import { nearestFirst } from "../../machines/delivery/balance/geo.ts";
import { urgencyOf } from "../../machines/delivery/balance/priority.ts";
import { accountId, lineId, type RequestId, type SeatId, seatId } from "../../machines/ports/ids.ts";
import { createClock } from "../../sim/world/clock.ts";
import { createRandom } from "../../sim/world/random.ts";
import { createMemoryStore } from "../../sim/world/store.ts";

const LINE = lineId("sales");
const COUNTRIES = ["DE", "US", "JP"] as const;
const REGIONS = ["eu", "us", "asia"] as const;
const anyone: Newcomer = { country: null, tier: null, region: null };

type Step =
  | { readonly kind: "choose"; readonly newcomer: Newcomer }
  | { readonly kind: "able"; readonly place: number; readonly able: boolean }
  | { readonly kind: "wait"; readonly place: number; readonly answer: number; readonly freeAt: number };

const newcomers = fc.record({
  country: fc.constantFrom(null, "XX", ...COUNTRIES),
  tier: fc.constantFrom(null, "vip", "gold", "none"),
  region: fc.constantFrom(null, "nowhere", ...REGIONS),
});
const steps = (size: number): fc.Arbitrary<Step[]> => {
  const place = fc.nat(size - 1);
  return fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant("choose" as const), newcomer: newcomers }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("able" as const), place, able: fc.boolean() }) },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant("wait" as const), place, answer: fc.nat(5000), freeAt: fc.nat(100_000) }),
      },
    ),
    { maxLength: 120 },
  );
};
const weightsFor = (size: number): fc.Arbitrary<number[]> =>
  fc.oneof(
    fc.constant(Array.from({ length: size }, () => 1)),
    fc.array(fc.constantFrom(0.01, 0.5, 1, 2, 3, 7, 100), { minLength: size, maxLength: size }),
  );
const stories = fc
  .integer({ min: 1, max: 12 })
  .chain((size) => fc.record({ size: fc.constant(size), weights: weightsFor(size), steps: steps(size) }));

interface Stage {
  readonly table: SeatTable;
  readonly balancer: Balancer;
  readonly faults: string[];
}
const settingsFor = (size: number): LineBalance => {
  const masters = Array.from({ length: size }, (_, no) => accountId(`m${no}`));
  return balanceOf(LINE, masters, {
    priority: { tiers: ["vip", "gold"], reserved: Math.floor(size / 3) },
    geo: {
      regions: REGIONS.map((name, no) => ({
        name,
        countries: [COUNTRIES[no] ?? ""],
        // Seats 0, 3, 6, … are in no region.
        masters: masters.filter((_, place) => place % 4 === no + 1),
        distances: name === "eu" ? { us: 10, asia: 20 } : {},
      })),
      otherwise: "us",
    },
  });
};
const stageFor = (strategy: Strategy, weights: readonly number[]): Stage => {
  const line = settingsFor(weights.length);
  const table = new SeatTable(
    line.masters.map((account, place) => ({ seat: seatId(LINE, account), account, weight: weights[place] ?? 1 })),
  );
  for (let place = 0; place < table.size; place++) table.setEligible(place, true);
  const faults: string[] = [];
  return {
    table,
    faults,
    balancer: new Balancer({ seats: table, policy: strategy.begin(line, table), onFault: (what) => faults.push(what) }),
  };
};
/** The place of each choice, and what was able then. */
const play = ({ table, balancer }: Stage, story: readonly Step[]): { place: number | undefined; able: readonly number[] }[] =>
  story.flatMap((step, at) => {
    if (step.kind === "choose") return [{ place: balancer.choose(step.newcomer, at), able: [...table.able] }];
    if (step.kind === "able") table.setEligible(step.place, step.able);
    else table.setWait(step.place, { answer: step.answer, freeAt: step.freeAt, unansweredSince: Number.POSITIVE_INFINITY });
    return [];
  });

const tally = (places: readonly (number | undefined)[], size: number): number[] =>
  Array.from({ length: size }, (_, place) => places.filter((each) => each === place).length);

/** Who is as good as any other for an ordinary contact from the United States. */
const peersOf = (strategy: string, size: number): readonly number[] => {
  const all = Array.from({ length: size }, (_, place) => place);
  if (strategy === "priority") return all.filter((place) => place >= Math.floor(size / 3));
  if (strategy === "geo") return all.filter((place) => place % 4 === 2);
  return all;
};
const american: Newcomer = { country: "US", tier: null, region: null };

/** How far apart two peers may be: turns a round, and one turn of each. */
const unfairness = (counts: readonly number[], weights: readonly number[], peers: readonly number[]): number => {
  const heaviest = Math.max(...peers.map((place) => weights[place] ?? 1));
  const share = (place: number): number => (weights[place] ?? 1) / heaviest;
  const excess = (one: number, other: number): number =>
    Math.abs((counts[one] ?? 0) / share(one) - (counts[other] ?? 0) / share(other)) - (1 + 1 / share(one) + 1 / share(other));
  return Math.max(0, ...peers.flatMap((one) => peers.map((other) => excess(one, other))));
};

describe.each(STRATEGIES)("%s", (name) => {
  const strategy = strategiesBy().get(name) as Strategy;

  it("chooses an eligible seat whenever there is one, and the first when there is none", () => {
    fc.assert(
      fc.property(stories, ({ weights, steps: story }) => {
        const stage = stageFor(strategy, weights);
        for (const { place = -1, able } of play(stage, story)) expect(able[place]).toBe(able.includes(1) ? 1 : 0);
        expect(stage.faults).toEqual([]);
      }),
    );
  });

  it("chooses the same again when the same happens again", () => {
    fc.assert(
      fc.property(stories, ({ weights, steps: story }) => {
        expect(play(stageFor(strategy, weights), story)).toEqual(play(stageFor(strategy, weights), story));
      }),
    );
  });

  it("gives seats that are equally good as many as their weights say, to a turn", () => {
    fc.assert(
      fc.property(stories, fc.nat(400), ({ size, weights }, count) => {
        const stage = stageFor(strategy, weights);
        const places = Array.from({ length: count }, (_, at) => stage.balancer.choose(american, at));
        const peers = peersOf(name, size);
        const counts = tally(places, size);
        expect(unfairness(counts, weights, peers)).toBeLessThan(1e-6);
        const taken = peers.reduce((sum, place) => sum + (counts[place] ?? 0), 0);
        expect(taken).toBe(peers.length > 0 ? count : 0);
      }),
    );
  });

  it("is as fair to all others while one seat fails and comes back, which gets no more than its turns", () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 2, max: 12 })
          .chain((size) => fc.record({ size: fc.constant(size), weights: weightsFor(size), out: fc.nat(size - 1) })),
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 2, maxLength: 6 }),
        ({ size, weights, out }, spans) => {
          const stage = stageFor(strategy, weights);
          const peers = peersOf(name, size);
          const rest = peers.filter((place) => place !== out);
          const all: (number | undefined)[] = [];
          for (const [no, span] of spans.entries()) {
            stage.table.setEligible(out, no % 2 === 0);
            const places = Array.from({ length: span }, () => stage.balancer.choose(american, 0));
            all.push(...places);
            const isIn = no % 2 === 0;
            expect(!isIn && places.includes(out)).toBe(false);
            // Of this span alone: nothing was saved up while it was out.
            expect(isIn ? unfairness(tally(places, size), weights, peers) : 0).toBeLessThan(1e-6);
          }
          // A round is another one while the heaviest is out.
          const isHeaviest = rest.every((place) => (weights[place] ?? 1) < (weights[out] ?? 1));
          expect(unfairness(tally(all, size), weights, isHeaviest ? [] : rest)).toBeLessThan(1e-6);
        },
      ),
    );
  });

  it("leaves a conversation on its seat, whatever happens to the seat", () => {
    const story = fc.integer({ min: 1, max: 6 }).chain((size) =>
      fc.record({
        size: fc.constant(size),
        acts: fc.array(
          fc.oneof(
            fc.nat(9).map((to) => ({ to })),
            fc.record({ place: fc.nat(size - 1), able: fc.boolean() }),
          ),
          {
            maxLength: 40,
          },
        ),
      }),
    );
    fc.assert(
      fc.property(story, ({ size, acts }) => {
        const stage = stageFor(
          strategy,
          Array.from({ length: size }, () => 1),
        );
        const office = officeFor(stage);
        const seats = new Map<number, SeatId[]>();
        for (const act of acts) {
          if ("place" in act) stage.table.setEligible(act.place, act.able);
          else seats.set(act.to, [...(seats.get(act.to) ?? []), office.accept(act.to)]);
        }
        expect([...seats.values()].map((each) => new Set(each).size)).toEqual([...seats.keys()].map(() => 1));
      }),
      { numRuns: 50 },
    );
  });
});

/** An acceptance over a store, which forgets at every message what it had in memory. */
const officeFor = ({ table, balancer }: Stage): { accept(to: number): SeatId } => {
  const clock = createClock(1000);
  const store = createMemoryStore({ clock, latency: 1 });
  const masters = Array.from({ length: table.size }, (_, place) => table.account(place));
  const draws = createRandom(1).stream("draws");
  let no = 0;
  const nextRequest = (): RequestId => `t${++no}` as RequestId;
  const accounts = masters.map((id) => ({ id, role: "master" as const, devices: [] }));
  const lines = [{ id: LINE, masters, servants: [], strategy: "x" }];
  store.ask({ op: "fleet.declare", reqId: nextRequest(), fleet: { accounts, lines } }, () => {});
  clock.run(clock.now() + 10);
  return {
    accept(to) {
      const acceptance = new Acceptance({
        clock,
        store,
        draw: () => draws.float(),
        nextRequest,
        choose: (_, newcomer) => {
          const place = balancer.choose(newcomer, clock.now());
          return place === undefined ? undefined : table.seat(place);
        },
        tierOf: () => null,
        urgency: () => 5,
        offer: () => {},
        reload: () => {},
        outboxLimit: () => 10_000,
      });
      let seat: SeatId | undefined;
      acceptance.accept({ line: LINE, to: { lid: `${to}@lid`, pn: null }, content: { kind: "text", text: "x" } }, (answer) => {
        if (answer.kind !== "accepted") throw new Error(JSON.stringify(answer));
        ({ seat } = answer);
      });
      clock.run(clock.now() + 100);
      if (seat === undefined) throw new Error("it was not accepted");
      return seat;
    },
  };
};

describe("a strategy of one's own", () => {
  const bad: readonly [string, Strategy["begin"]][] = [
    [
      "throws",
      () => () => {
        throw new Error("no idea");
      },
    ],
    ["names a place that is not there", () => () => 99],
    ["names no number", () => () => Number.NaN],
    ["names nobody", () => () => -1],
    ["names whoever comes first, able or not", () => () => 0],
  ];

  it.each(bad)("that %s harms nobody: the turn is taken by round-robin, and it is reported", (_, begin) => {
    fc.assert(
      fc.property(stories, ({ size, steps: story }) => {
        const stage = stageFor(
          { name: "bad", begin },
          Array.from({ length: size }, () => 1),
        );
        const choices = play(stage, story);
        for (const { place = -1, able } of choices) expect(able[place]).toBe(able.includes(1) ? 1 : 0);
        const wrong = choices.filter(({ place, able }) => able.includes(1) && place !== 0);
        expect(stage.faults.length).toBeGreaterThanOrEqual(wrong.length);
      }),
    );
  });

  it("is known by its name, and can't take one of ours", () => {
    const mine: Strategy = { name: "mine", begin: () => () => 0 };
    expect(strategiesBy([mine]).get("mine")).toBe(mine);
    expect(() => strategiesBy([{ ...mine, name: "geo" }])).toThrow("there is a strategy geo already");
  });
});

describe("least-loaded", () => {
  it("takes turns among those about as good as the best, as if all others were not there, whatever they weigh", () => {
    const strategy = strategiesBy().get("least-loaded") as Strategy;
    const spans = fc.integer({ min: 1, max: 8 }).chain((size) =>
      fc.record({
        weights: weightsFor(size),
        spans: fc.array(
          fc.record({
            count: fc.integer({ min: 1, max: 30 }),
            least: fc.constantFrom(0, 100),
            // Beyond what is about as good: a quarter more, and 25 ms.
            beyond: fc.array(fc.constantFrom(-25, 0, 1, 10_000), { minLength: size - 1, maxLength: size - 1 }),
          }),
          { minLength: 1, maxLength: 5 },
        ),
      }),
    );
    fc.assert(
      fc.property(spans, (drawn) => {
        const [real, ideal] = [stageFor(strategy, drawn.weights), stageFor(strategy, drawn.weights)];
        for (const { count, least, beyond } of drawn.spans) {
          const waits = [least, ...beyond.map((ms) => least * 1.25 + 25 + ms)];
          for (const [place, answer] of waits.entries()) {
            real.table.setWait(place, { answer, freeAt: 0, unansweredSince: Number.POSITIVE_INFINITY });
            ideal.table.setEligible(place, answer <= least * 1.25 + 25);
          }
          const [chosen, wanted] = [real, ideal].map(({ balancer }) =>
            Array.from({ length: count }, () => balancer.choose(anyone, 0)),
          );
          expect(chosen).toEqual(wanted);
        }
      }),
    );
  });

  it("goes where a message waits least: before it, for the pace, for an answer that is owed", () => {
    const stage = stageFor(strategiesBy().get("least-loaded") as Strategy, [1, 1, 1]);
    const idle = { answer: 100, freeAt: 0, unansweredSince: Number.POSITIVE_INFINITY };
    const chosen = (first: object, second: object): number | undefined => {
      stage.table.setWait(0, { ...idle, ...first });
      stage.table.setWait(1, { ...idle, ...second });
      stage.table.setWait(2, { ...idle, answer: 1000 });
      return stage.balancer.choose(anyone, 10_000);
    };
    expect(chosen({ answer: 500 }, {})).toBe(1);
    expect(chosen({}, { freeAt: 10_600 })).toBe(0);
    expect(chosen({ unansweredSince: 9_000 }, {})).toBe(1);
    expect(chosen({ answer: 3000 }, { freeAt: 13_000 })).toBe(2);
  });
});

describe("priority", () => {
  it("keeps the first masters free for contacts of a tier, as long as another can", () => {
    const stage = stageFor(strategiesBy().get("priority") as Strategy, [1, 1, 1]);
    const vip: Newcomer = { ...anyone, tier: "vip" };
    for (const place of [1, 2])
      stage.table.setWait(place, { answer: 1000, freeAt: 0, unansweredSince: Number.POSITIVE_INFINITY });
    expect([anyone, anyone, vip, vip, anyone].map((who) => stage.balancer.choose(who, 0))).toEqual([1, 2, 0, 0, 1]);
    for (const place of [1, 2]) stage.table.setEligible(place, false);
    expect(stage.balancer.choose(anyone, 0)).toBe(0);
  });

  it("makes messages to contacts of a tier more urgent, the first tier most", () => {
    const tiers = { tiers: ["vip", "gold", "c", "d", "e", "f"], reserved: 0 };
    expect(["vip", "gold", "d", "e", "f", "x", null].map((tier) => urgencyOf(tiers, tier))).toEqual([9, 8, 6, 6, 6, 5, 5]);
  });
});

describe("geo", () => {
  it("always takes the nearest region that has an eligible seat", () => {
    const strategy = strategiesBy().get("geo") as Strategy;
    fc.assert(
      fc.property(stories, ({ size, weights, steps: story }) => {
        const { geo } = settingsFor(size);
        const stage = stageFor(strategy, weights);
        const asked = story.flatMap((step) => (step.kind === "choose" ? [step.newcomer] : []));
        for (const [no, { place = -1, able }] of play(stage, story).entries()) {
          const { region, country } = asked[no] ?? anyone;
          const byCountry = REGIONS[COUNTRIES.findIndex((each) => each === country)];
          const home = REGIONS.find((each) => each === region) ?? byCountry ?? "us";
          const regionOf = (seat: number): string | undefined => REGIONS[(seat % 4) - 1];
          const serving = new Set(able.flatMap((is, seat) => (is === 1 ? [regionOf(seat)] : [])));
          const nearest = nearestFirst(geo, home).find((each) => serving.has(each as (typeof REGIONS)[number]));
          expect(able.includes(1) ? regionOf(place) : nearest).toBe(nearest);
        }
      }),
    );
  });

  it("counts a seat for which another number speaks to no region", () => {
    const stage = stageFor(strategiesBy().get("geo") as Strategy, [1, 1, 1, 1]);
    stage.table.setEligible(2, true, false);
    expect(stage.balancer.choose(american, 0)).toBe(1);
    for (const place of [0, 1, 3]) stage.table.setEligible(place, false);
    expect(stage.balancer.choose(american, 0)).toBe(2);
  });

  it("goes by distance, and by order where none is given", () => {
    const regions = ["a", "b", "c", "d"].map((name) => ({
      name,
      countries: [],
      masters: [],
      distances: name === "a" ? { c: 1, b: 5 } : name === "b" ? { d: 2 } : {},
    }));
    expect(nearestFirst({ regions, otherwise: null }, "a")).toEqual(["a", "c", "b", "d"]);
    expect(nearestFirst({ regions, otherwise: null }, "c")).toEqual(["c", "a", "b", "d"]);
    // The way back is as long.
    expect(nearestFirst({ regions, otherwise: null }, "d")).toEqual(["d", "b", "a", "c"]);
  });
});
