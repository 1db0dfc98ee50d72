/**
 * From a fault to the first word that reaches people, over many simulated seeds: when the holder's failure was detected, and when
 * the first notice about it went out. `greenroom chaos` checks on the same lives that each alert is told once, in time, and nothing else.
 */
import { accountOf, type Millis } from "../machines/ports/ids.ts";
import { CHAOS_DEFAULTS } from "../sim/chaos.ts";
import { planFor } from "../sim/chaos/task.ts";
import { casesOf } from "../sim/checkers/cases.ts";
import { noticesOf } from "../sim/checkers/notices.ts";
import { Timeline } from "../sim/checkers/timeline.ts";
import { faultKinds } from "../sim/faults/catalogue.ts";
import { lifeOf } from "../sim/plan/life.ts";
import { runPlan } from "../sim/plan/run.ts";
import { type BenchOptions, type Figure, quantile, report, type Report } from "./report.ts";

const SEEDS = 1000;
const QUICK = 20;
/** A storm of alerts is told once every so often: no first word waits for longer. */
const STORM: Millis = 31_000;
const DRAW = { profile: "swarm", fleet: null, for: CHAOS_DEFAULTS.for, kinds: faultKinds } as const;

interface Told {
  readonly harm: string;
  readonly detected: Millis;
  /** From the detection to the notice; null: none came. */
  readonly told: Millis | null;
}

const toldIn = (seed: string): Told[] => {
  const plan = planFor(DRAW, seed);
  const life = lifeOf(plan, runPlan(plan));
  const notices = noticesOf(life);
  return casesOf(new Timeline(life)).flatMap(({ harm, device, from, detectedAt }): Told[] => {
    if (detectedAt === null) return [];
    const about = new Set<string>([device, accountOf(device)]);
    // An alert about it may stand from a little before: the link's end is said before the seat's holder is given up.
    const item = notices.flatMap(({ at, items }) => items.map((each) => ({ at, ...each })));
    const first = item.find(({ at, subject, raisedAt, resolvedAt }) => {
      const isOver = resolvedAt !== null && resolvedAt < detectedAt;
      return about.has(subject) && at >= from && raisedAt <= detectedAt && !isOver;
    });
    return [{ harm, detected: Math.max(0, detectedAt - from), told: first ? Math.max(0, first.at - detectedAt) : null }];
  });
};

export const runAlertsBench = (options: BenchOptions): Promise<Report> => {
  const seeds = options.quick ? QUICK : SEEDS;
  const all = Array.from({ length: seeds }, (_, no) => toldIn(String(no + 1))).flat();
  const figures: Figure[] = [
    { what: "seeds", value: seeds, unit: "" },
    { what: "faults of a holder that were detected", value: all.length, unit: "" },
    { what: "of which nobody was told", value: all.filter(({ told }) => told === null).length, unit: "" },
  ];
  for (const [harm, cases] of Map.groupBy(all, (each) => each.harm)) {
    const known = cases.flatMap(({ detected, told }) => (told === null ? [] : [{ all: detected + told, told }]));
    const of = (share: number): number =>
      quantile(
        known.map((each) => each.all),
        share,
      ) / 1000;
    figures.push(
      { what: `${harm}: fault to first notice, median`, value: of(0.5), unit: "s" },
      { what: `${harm}: fault to first notice, p99`, value: of(0.99), unit: "s" },
    );
  }
  const waits = all.flatMap(({ told }) => (told === null ? [] : [told]));
  figures.push(
    {
      what: "told within a second of detection",
      value: (100 * waits.filter((wait) => wait <= 1000).length) / waits.length,
      unit: "%",
    },
    { what: "detection to first notice, median", value: quantile(waits, 0.5) / 1000, unit: "s" },
    {
      what: "detection to first notice, slowest",
      value: quantile(waits, 1) / 1000,
      unit: "s",
      bound: { is: "<=", than: STORM / 1000 },
    },
  );
  return Promise.resolve(report("alerts", figures, options));
};

if (import.meta.main) {
  const { missed } = await runAlertsBench({ json: process.argv.includes("--json"), quick: process.argv.includes("--quick") });
  process.exit(missed.length === 0 ? 0 : 1);
}
