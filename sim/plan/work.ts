/**
 * A plan for each seed, of a fleet that has much to do: bursts and campaigns, contacts of a tier and of many countries, lines that
 * share them out by different strategies, accounts at their pace; seats that are switched over and lines that are evened out by
 * order, and a fault that falls into most of those moves.
 *
 * The swarm's plans (draw.ts) are about faults; these are about who gets what, and in which order, while things break.
 */
import type { LineBalance } from "../../machines/delivery/balance/strategy.ts";
import type { Work } from "../../machines/delivery/work.ts";
import { type LineId, type Millis, seatId, type SeatId } from "../../machines/ports/ids.ts";
import { catalogue, drawFault, type Fault, type FaultKind } from "../faults/catalogue.ts";
import type { Target } from "../faults/rule.ts";
import { NODE } from "../world/harness.ts";
import { createRandom, type Random } from "../world/random.ts";
import { referenceFleet } from "../world/reference.ts";
import { drawSwarmPlan, type SwarmPlans } from "./draw.ts";
import type { FleetSettings, Plan, PlannedFleet, PlannedWorkload } from "./plan.ts";

/** Beside a fleet's moves and what falls into them, at most so many faults. */
const OTHER_FAULTS = 4;
const MOST_MOVES = 5;
/** Planned moves begin in this part of the run. */
const MOVES_FROM: Millis = 45_000;
const LAST_MOVE = 0.55;
/** A move takes some seconds at most: a fault may come a little before it, or in its midst. */
const AROUND = { before: 500, after: 3_000 } as const;
/** Where nothing is under way it is made in an instant, and the new holder is looked at. */
const CLOSE_BEHIND: Millis = 400;
/** Messages a second to people of a seat that is about to move. */
const AT_MOVES = 10;

export const drawWorkPlan = (seed: number | string, options: SwarmPlans): Plan => {
  const drawn = drawSwarmPlan(seed, options);
  const random = createRandom(seed).stream("work");
  const fleet = options.fleet ?? {
    ...referenceFleet(),
    settings: drawSettings(random, createRandom(seed).stream("servants"), createRandom(seed).stream("refusals")),
  };
  const moves = options.kinds.includes("operator") ? drawMoves(createRandom(seed).stream("moves"), fleet, options) : [];
  return {
    ...drawn,
    fleet,
    workload: { ...drawn.workload, ...drawWork(random, fleet), ...drawCancels(createRandom(seed).stream("cancels")) },
    faults: [...drawn.faults.slice(0, OTHER_FAULTS), ...moves].toSorted((one, other) => one.at - other.at),
  };
};

// ---- what there is to do ----

const drawWork = (random: Random, { settings }: PlannedFleet): Partial<PlannedWorkload> => {
  const people = random.pick([40, 120, 300]);
  const balances = Object.values(settings.lines ?? {}).flatMap(({ balance }) => balance ?? []);
  const countries = [...new Set(balances.flatMap(({ geo }) => geo.regions.flatMap((region) => region.countries)))];
  return {
    peoplePerLine: people,
    atMoves: AT_MOVES,
    warm: random.pick([1, 1, 0.9]),
    ...(random.chance(0.8) ? { bursts: { every: 45_000, size: random.int(5, 40) } } : {}),
    ...(random.chance(0.7) ? { bulk: { every: 90_000, size: random.int(20, 100) } } : {}),
    ...(balances.some(({ priority }) => priority.tiers.length > 0) ? { vips: Math.ceil(people * random.pick([0.05, 0.2])) } : {}),
    ...(countries.length > 0 ? { countries: [...countries, ELSEWHERE] } : {}),
  };
};

const drawCancels = (random: Random): Partial<PlannedWorkload> => (random.chance(0.4) ? { cancels: random.pick([0.2, 1]) } : {});

/** Of no line's region. */
const ELSEWHERE = "JP";

const drawSettings = (random: Random, forServants: Random, forRefusals: Random): FleetSettings => {
  const { accounts, lines } = referenceFleet();
  const masters = accounts.filter(({ role }) => role === "master");
  const paced = random.chance(0.5) ? masters.filter(() => random.chance(0.4)) : [];
  const capped = random.chance(0.2) ? masters.filter(() => random.chance(0.5)) : [];
  return {
    pacing: Object.fromEntries(
      paced.map(({ id }) => [id, { perSecond: random.pick([0.2, 0.5, 1, 5]), burst: random.pick([1, 3, 10]) }]),
    ),
    ...(capped.length > 0
      ? {
          caps: Object.fromEntries(
            capped.map(({ id }) => [id, { newContacts: { perHour: random.int(5, 30), perDay: null }, warmUp: [] }]),
          ),
        }
      : {}),
    lines: Object.fromEntries(
      lines.map((line) => [
        line.id,
        {
          whenNumberChanges: random.pick(["hold", "resend"] as const),
          outboxLimit: 10_000,
          failback: random.pick(["manual", "automatic"] as const),
          rebalance: random.pick(["manual", "auto"] as const),
          work: forServants.pick(WORK),
          whenRefused: forRefusals.pick(["reroute", "reroute", "fail"] as const),
          balance: drawBalance(random, line.masters),
        },
      ]),
    ),
  };
};

/** What a line gives its servants to do. */
const WORK: readonly (readonly Work[])[] = [[], ["bulk"], ["bulk", "overflow"]];

type Balance = Pick<LineBalance, "strategy" | "weights" | "adaptive" | "priority" | "geo">;

const drawBalance = (random: Random, masters: LineBalance["masters"]): Balance => {
  const strategy = random.pick(["round-robin", "least-loaded", "priority", "geo"]);
  return {
    strategy,
    weights: random.chance(0.3) ? Object.fromEntries(masters.map((id) => [id, random.int(1, 3)])) : {},
    adaptive: random.chance(0.5),
    priority: strategy === "priority" ? { tiers: ["vip"], reserved: random.int(0, 1) } : { tiers: [], reserved: 0 },
    geo: {
      regions:
        strategy === "geo"
          ? [
              { name: "eu", countries: ["DE", "FR"], masters: masters.slice(0, 1), distances: { us: 6_200 } },
              { name: "us", countries: ["US"], masters: masters.slice(1), distances: {} },
            ]
          : [],
      otherwise: null,
    },
  };
};

// ---- planned moves, and what falls into them ----

const drawMoves = (random: Random, fleet: PlannedFleet, { for: length, kinds }: SwarmPlans): Fault[] => {
  const others = kinds.filter((kind) => kind !== "operator");
  return Array.from({ length: random.int(1, MOST_MOVES) }, () => {
    const line = random.pick(fleet.lines);
    const seat = seatId(line.id, random.pick(line.masters));
    const at = random.int(MOVES_FROM, Math.round(length * LAST_MOVE));
    const order = random.pick(["switchover", "switchover", "rebalance"] as const);
    const move: Fault = { kind: "operator", target: { seat }, at, for: 0, order, twice: random.chance(0.2) };
    if (others.length === 0 || !random.chance(0.6)) return [move];
    const kind = random.pick(others);
    return [move, drawFault(kind, random, aimed(random, kind, fleet, line.id, seat), at + around(random))];
  }).flat();
};

const around = (random: Random): Millis =>
  random.chance(0.5) ? random.int(1, CLOSE_BEHIND) : random.int(-AROUND.before, AROUND.after);

/** The seat's holder, or a device of its line that might become that, or what all of them need. */
const aimed = (random: Random, kind: FaultKind, { accounts, lines }: PlannedFleet, line: LineId, seat: SeatId): Target => {
  const { aims } = catalogue[kind];
  if (aims.includes("seat") && random.chance(0.5)) return { seat };
  const masters = lines.find(({ id }) => id === line)?.masters ?? [];
  const account = random.pick(accounts.filter(({ id }) => masters.includes(id)));
  if (aims.includes("device")) return { device: random.pick(account.devices) };
  if (aims.includes("account")) return { account: account.id };
  return aims.includes("node") ? { node: NODE } : { all: true };
};
