/**
 * From a fault to the first word that reaches people, over many simulated seeds: when the holder's failure was detected, and when
 * the first notice about it went out. `greenroom chaos` checks on the same lives that each alert is told once, in time, and nothing else.
 */
import { TARGETS } from "../machines/account/timers.ts";
import { accountOf, type Millis } from "../machines/ports/ids.ts";
import { CHAOS_DEFAULTS } from "../sim/chaos.ts";
import { planFor } from "../sim/chaos/task.ts";
import { casesOf } from "../sim/checkers/cases.ts";
import { noticesOf } from "../sim/checkers/notices.ts";
import { excuse } from "../sim/checkers/timed.ts";
import { overlaps, Timeline } from "../sim/checkers/timeline.ts";
import { faultKinds } from "../sim/faults/catalogue.ts";
import { lifeOf } from "../sim/plan/life.ts";
import { runPlan } from "../sim/plan/run.ts";
import { type BenchOptions, type Figure, quantile, report, type Report } from "./report.ts";

const SEEDS = 1000;
const QUICK = 20;
const OUTAGE = "fleet.outage";
/** Owed: what DESIGN.md gives the detection, and a second for the word. */
const DETECTED: Millis = TARGETS.detected;
const SAID: Millis = 1000;
const DRAW = { profile: "swarm", fleet: null, for: CHAOS_DEFAULTS.for, kinds: faultKinds } as const;

interface Told {
  readonly harm: string;
  readonly detected: Millis;
  /** From the detection to the notice about it; null: none came. */
  readonly told: Millis | null;
  /** In an outage that was known, and told within a second of the detection at the latest: it speaks for the links that it takes. */
  readonly isInOutage: boolean;
  /** An earlier failure of it was told, and not over. */
  readonly isKnown: boolean;
  /** Why its detection was not owed in time, if it was late. */
  readonly excuse: string | null;
}

const toldIn = (seed: string): Told[] => {
  const plan = planFor(DRAW, seed);
  const life = lifeOf(plan, runPlan(plan));
  const timeline = new Timeline(life);
  const items = noticesOf(life).flatMap(({ at, items: each }) => each.map((item) => ({ at, ...item })));
  const ends = new Map(
    items.flatMap((item) => (item.resolvedAt === null ? [] : [[`${item.key} ${item.raisedAt}`, item.resolvedAt]])),
  );
  return casesOf(timeline).flatMap((each): Told[] => {
    const { harm, device, from, detectedAt } = each;
    if (detectedAt === null) return [];
    const about = new Set<string>([device, accountOf(device)]);
    // An alert about it may stand from a little before: the link's end is said before the seat's holder is given up.
    const first = items.find(
      ({ at, subject, key, raisedAt, resolvedAt }) =>
        about.has(subject) &&
        raisedAt <= detectedAt &&
        ((at >= from ? resolvedAt : (ends.get(`${key} ${raisedAt}`) ?? null)) ?? detectedAt) >= detectedAt,
    );
    const detected = Math.max(0, detectedAt - from);
    const told = first ? Math.max(0, first.at - detectedAt) : null;
    const outage = timeline.outages.find((span) => overlaps(span, detectedAt, detectedAt));
    const isInOutage =
      outage !== undefined &&
      items.some(({ at, rule, kind }) => rule === OUTAGE && kind === "raised" && at >= outage.from && at <= detectedAt + SAID);
    const isKnown = first !== undefined && first.at < from;
    return [
      { harm, detected, told, isInOutage, isKnown, excuse: detected < DETECTED ? null : excuse(timeline, each, detectedAt) },
    ];
  });
};

export const runAlertsBench = (options: BenchOptions): Promise<Report> => {
  const seeds = options.quick ? QUICK : SEEDS;
  const all = Array.from({ length: seeds }, (_, no) => toldIn(String(no + 1))).flat();
  const own = all.filter((each) => !each.isInOutage && !each.isKnown);
  const inOutage = all.filter((each) => each.isInOutage);
  const waits = own.flatMap(({ told }) => told ?? []);
  const figures: Figure[] = [
    { what: "seeds", value: seeds, unit: "" },
    { what: "faults of a holder that were detected", value: all.length, unit: "" },
    count("of which nobody was told", all, ({ told }) => told === null, 0),
    { what: "in an outage that was told, which speaks for its links", value: inOutage.length, unit: "" },
    seconds(
      "  of those: detection to the notice that names it, slowest",
      inOutage.flatMap(({ told }) => told ?? []),
      1,
    ),
    { what: "still told of an earlier failure, which was not over", value: all.filter((each) => each.isKnown).length, unit: "" },
    { what: "of their own: told within a second of detection", value: share(waits, (wait) => wait <= SAID), unit: "%" },
    { what: "of their own: detection to first notice, median", value: quantile(waits, 0.5) / 1000, unit: "s" },
    seconds("of their own: detection to first notice, slowest", waits, 1, SAID),
  ];
  for (const [because, late] of Map.groupBy(all, (each) => each.excuse)) {
    if (because !== null) figures.push({ what: `detected after more than 5 s: ${because}`, value: late.length, unit: "" });
  }
  for (const [harm, cases] of Map.groupBy(own, (each) => each.harm)) {
    const known = cases.flatMap(({ detected, told, excuse: why }) => (told === null || why !== null ? [] : [detected + told]));
    figures.push(
      seconds(`${harm}: fault to first notice, median`, known, 0.5),
      seconds(`${harm}: fault to first notice, p99`, known, 0.99),
      seconds(`${harm}: fault to first notice, slowest`, known, 1, DETECTED + SAID),
    );
  }
  return Promise.resolve(report("alerts", figures, options));
};

const share = (values: readonly number[], is: (value: number) => boolean): number =>
  (100 * values.filter(is).length) / values.length;
const count = (what: string, all: readonly Told[], is: (each: Told) => boolean, atMost: number): Figure => ({
  what,
  value: all.filter(is).length,
  unit: "",
  bound: { is: "<=", than: atMost },
});
const seconds = (what: string, values: readonly Millis[], rank: number, atMost?: Millis): Figure => ({
  what,
  value: values.length === 0 ? 0 : quantile(values, rank) / 1000,
  unit: "s",
  ...(atMost === undefined ? {} : { bound: { is: "<=", than: atMost / 1000 } }),
});

if (import.meta.main) {
  const { missed } = await runAlertsBench({ json: process.argv.includes("--json"), quick: process.argv.includes("--quick") });
  process.exit(missed.length === 0 ? 0 : 1);
}
