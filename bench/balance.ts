/**
 * What it costs to choose the seat of a new conversation, with a thousand seats on the line: each strategy, with seats all alike,
 * with different weights and loads, with all but one unable; and with all that a node does beside it.
 */
import { Balance } from "../machines/delivery/balance/index.ts";
import { balanceOf } from "../machines/delivery/balance/settings.ts";
import { Balancer } from "../machines/delivery/balance/balancer.ts";
import { SeatTable } from "../machines/delivery/balance/seat-table.ts";
import { STRATEGIES, strategiesBy } from "../machines/delivery/balance/strategies.ts";
import type { LineBalance, Newcomer, Strategy } from "../machines/delivery/balance/strategy.ts";
import { ACTORS } from "../machines/driver/actors.ts";
import { accountId, type DeviceId, deviceId, lineId, seatId, seatTerm } from "../machines/ports/ids.ts";
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

/** The line as a node has it, roster and all: what is placed is noted, and loads and trends are kept. */
const wholeNode = (strategy: string): ((newcomer: Newcomer, at: number) => void) => {
  const balance = new Balance({
    lines: [LINE],
    settings: () => balanceOf(LINE, ACCOUNTS, { ...settings("alike"), strategy, adaptive: true }),
    strategies: [],
    onFault: ({ what }) => {
      throw new Error(`${strategy}: ${what}`);
    },
  });
  const { roster } = balance.lookingOn(ACTORS);
  const devices = ACCOUNTS.map((account) => deviceId(account, "a"));
  const { state } = roster.start(
    {
      accounts: ACCOUNTS.map((id, no) => ({
        id,
        role: "master",
        standing: "good",
        devices: [{ id: devices[no] as DeviceId, linked: true, cordoned: false }],
      })),
      lines: [{ id: LINE, masters: ACCOUNTS, servants: [], strategy }],
      seats: ACCOUNTS.map((account) => ({ id: seatId(LINE, account), line: LINE, account, holder: null, term: seatTerm(0) })),
      failback: [],
      candidateFresh: 1500,
      cooldown: 0,
      togetherWithin: 0,
    },
    0,
  );
  for (const [no, account] of ACCOUNTS.entries()) {
    const seat = seatId(LINE, account);
    roster.receive(state, { type: "seat.held", seat, holder: devices[no] as DeviceId, term: seatTerm(1), left: null, at: 0 });
    const device = state.devices.get(devices[no] as DeviceId);
    if (device) device.state = "healthy";
    roster.receive(state, { type: "account.standing", account, standing: "good", at: 0 });
  }
  return (newcomer, at) => void balance.choose(LINE, newcomer, at);
};

const cost = (strategy: Strategy, shape: Shape, rounds: number): number => {
  const given = settings(shape);
  const table = tableFor(shape, given);
  const line = balanceOf(LINE, ACCOUNTS, given);
  const onFault = (what: string): void => {
    throw new Error(`${strategy.name}: ${what}`);
  };
  const balancer = new Balancer({ seats: table, policy: strategy.begin(line, table), onFault });
  return timed((newcomer, at) => void balancer.choose(newcomer, at), rounds);
};

/** Microseconds a decision, in the fastest tenth of many short rounds: what others do on this machine meanwhile only ever adds. */
const timed = (choose: (newcomer: Newcomer, at: number) => void, rounds: number): number => {
  let at = 0;
  const round = (): number => {
    const from = performance.now();
    for (let no = 0; no < DECISIONS; no++) choose(NEWCOMERS[no % NEWCOMERS.length] as Newcomer, at++);
    return ((performance.now() - from) * 1000) / DECISIONS;
  };
  for (let no = 0; no < 50; no++) round();
  return quantile(Array.from({ length: rounds }, round), 0.1);
};

export const runBalanceBench = async (options: BenchOptions): Promise<Report> => {
  const rounds = options.quick ? 100 : 2000;
  const all = strategiesBy();
  const bound = { is: "<=" as const, than: BOUND };
  const measured = (what: string, measure: () => number): Figure => {
    const figure = { what, value: measure(), unit: "µs", bound };
    if (!options.json) process.stderr.write(`${what}: ${figure.value.toFixed(2)} µs\n`);
    return figure;
  };
  const figures = STRATEGIES.flatMap((name) => [
    ...SHAPES.map((shape) => measured(`${name}, ${SEATS} seats, ${shape}`, () => cost(all.get(name) as Strategy, shape, rounds))),
    measured(`${name}, ${SEATS} seats, as in a node`, () => timed(wholeNode(name), rounds)),
  ]);
  return report("balance", figures, options);
};

if (import.meta.main) {
  const { missed } = await runBalanceBench({ json: process.argv.includes("--json"), quick: process.argv.includes("--quick") });
  process.exit(missed.length === 0 ? 0 : 1);
}
