/**
 * What it costs to choose the seat of a new conversation, with a thousand seats on the line: each strategy, with seats all alike,
 * with different weights and loads, and with all but one unable.
 */
import { balanceOf } from "../machines/delivery/balance/settings.ts";
import { Balancer } from "../machines/delivery/balance/balancer.ts";
import { SeatTable } from "../machines/delivery/balance/seat-table.ts";
import { STRATEGIES, strategiesBy } from "../machines/delivery/balance/strategies.ts";
import type { LineBalance, Newcomer, Strategy } from "../machines/delivery/balance/strategy.ts";
import { accountId, lineId, seatId } from "../machines/ports/ids.ts";
import { type BenchOptions, type Figure, quantile, report, type Report } from "./report.ts";

const SEATS = 1000;
/** Microseconds. */
const BOUND = 5;
/** In one round: about a millisecond. */
const DECISIONS = 200;

type Shape = "alike" | "mixed" | "one able";
const SHAPES: readonly Shape[] = ["alike", "mixed", "one able"];

const LINE = lineId("bench");
const ACCOUNTS = Array.from({ length: SEATS }, (_, no) => accountId(`m${no}`));
const REGIONS = ["eu", "us", "asia", "africa"];
const NEWCOMERS: readonly Newcomer[] = [
  { country: "DE", tier: null, region: null },
  { country: "US", tier: "vip", region: null },
  { country: null, tier: null, region: "asia" },
  { country: "KE", tier: null, region: null },
];

const settings = (shape: Shape): Partial<LineBalance> => ({
  weights: shape === "mixed" ? Object.fromEntries(ACCOUNTS.map((account, no) => [account, 1 + (no % 7)])) : {},
  priority: { tiers: ["vip"], reserved: 100 },
  geo: {
    regions: REGIONS.map((name, no) => ({
      name,
      countries: [["DE"], ["US"], ["JP"], ["KE"]][no] ?? [],
      masters: ACCOUNTS.filter((_, account) => account % REGIONS.length === no),
      distances: Object.fromEntries(REGIONS.map((other, place) => [other, Math.abs(place - no)])),
    })),
    otherwise: "eu",
  },
});

const tableFor = (shape: Shape, { weights = {} }: Partial<LineBalance>): SeatTable => {
  const table = new SeatTable(
    ACCOUNTS.map((account) => ({ seat: seatId(LINE, account), account, weight: weights[account] ?? 1 })),
  );
  for (let place = 0; place < SEATS; place++) {
    table.setEligible(place, shape !== "one able" || place === SEATS - 1);
    const isMixed = shape === "mixed";
    table.setWait(place, {
      answer: isMixed ? 100 + ((place * 37) % 400) : 100,
      freeAt: isMixed && place % 3 === 0 ? 2000 : 0,
      unansweredSince: isMixed && place % 5 === 0 ? 500 : Number.POSITIVE_INFINITY,
    });
  }
  return table;
};

/** Microseconds a decision, in the fastest tenth of many short rounds: what others do on this machine meanwhile only ever adds. */
const cost = (strategy: Strategy, shape: Shape, rounds: number): number => {
  const given = settings(shape);
  const table = tableFor(shape, given);
  const line = balanceOf(LINE, ACCOUNTS, given);
  const onFault = (what: string): void => {
    throw new Error(`${strategy.name}: ${what}`);
  };
  const balancer = new Balancer({ seats: table, policy: strategy.begin(line, table), onFault });
  const round = (): number => {
    const from = performance.now();
    for (let no = 0; no < DECISIONS; no++) balancer.choose(NEWCOMERS[no % NEWCOMERS.length] as Newcomer, no);
    return ((performance.now() - from) * 1000) / DECISIONS;
  };
  for (let no = 0; no < 50; no++) round();
  return quantile(Array.from({ length: rounds }, round), 0.1);
};

export const runBalanceBench = async (options: BenchOptions): Promise<Report> => {
  const rounds = options.quick ? 100 : 2000;
  const all = strategiesBy();
  const figures: Figure[] = STRATEGIES.flatMap((name) =>
    SHAPES.map((shape) => ({
      what: `${name}, ${SEATS} seats, ${shape}`,
      value: cost(all.get(name) as Strategy, shape, rounds),
      unit: "µs a decision",
      bound: { is: "<=" as const, than: BOUND },
    })),
  );
  return report("balance", figures, options);
};

if (import.meta.main) {
  const { missed } = await runBalanceBench({ json: process.argv.includes("--json"), quick: process.argv.includes("--quick") });
  process.exit(missed.length === 0 ? 0 : 1);
}
