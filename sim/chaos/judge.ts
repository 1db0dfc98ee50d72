/** One plan, run and judged: what goes from a worker to the one who counts. Plain data. */
import { check } from "../checkers/index.ts";
import type { Violation } from "../checkers/life.ts";
import { type Coverage } from "../checkers/coverage.ts";
import { serviceOf, type Service } from "../checkers/service.ts";
import { measure, type Timing } from "../checkers/timed.ts";
import { timelineOf } from "../checkers/timeline.ts";
import { lifeOf } from "../plan/life.ts";
import { PlanError } from "../plan/parse.ts";
import type { Plan } from "../plan/plan.ts";
import { runPlan, type RunOptions } from "../plan/run.ts";
import { countLost } from "../checkers/messages.ts";
import { traceOf } from "../plan/trace.ts";

export interface Verdict {
  readonly seed: string;
  readonly simulatedMs: number;
  readonly violations: readonly Violation[];
  readonly timings: readonly Timing[];
  readonly excluded: readonly string[];
  /** How often a fault of each kind bit. */
  readonly faults: Readonly<Record<string, number>>;
  readonly lost: number;
  readonly accepted: number;
  readonly service: Service;
  /** Of the whole run, when asked for. */
  readonly trace: string | null;
}

export interface JudgeOptions extends RunOptions {
  readonly coverage?: Coverage;
  readonly wantsTrace?: boolean;
}

/** What it says, and where it was thrown. */
export const whatOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message).split("\n    ").slice(0, 2).join(" ") : String(error);

/** What a run breaks that came to no end: nothing else can be said of it. */
export const RUN_ENDS = "run-ends";

/** @throws PlanError if the plan points to what is not there */
export const judge = (plan: Plan, options: JudgeOptions = {}): Verdict => {
  try {
    return judged(plan, options);
  } catch (error) {
    if (error instanceof PlanError) throw error;
    return aborted(plan, error, options.wantsTrace === true);
  }
};

const judged = (plan: Plan, { coverage, wantsTrace, ...options }: JudgeOptions): Verdict => {
  const fleet = runPlan(plan, { ...options, ...(coverage ? { observe: coverage.observe } : {}) });
  const life = lifeOf(plan, fleet);
  const timeline = timelineOf(life);
  const { timings, violations: late, excluded } = measure(timeline);
  const violations = [...check(life), ...late];
  const verdict: Verdict = {
    seed: plan.seed,
    simulatedMs: plan.for,
    violations,
    timings,
    excluded,
    faults: Object.fromEntries(fleet.world.board.bites),
    lost: countLost(violations),
    accepted: life.accepted.length,
    service: serviceOf(timeline),
    trace: wantsTrace ? traceOf(fleet) : null,
  };
  fleet.end();
  return verdict;
};

const aborted = ({ seed }: Plan, error: unknown, wantsTrace: boolean): Verdict => {
  const text = `it threw ${whatOf(error)}`;
  return {
    seed,
    simulatedMs: 0,
    violations: [{ property: RUN_ENDS, at: null, text }],
    timings: [],
    excluded: [],
    faults: {},
    lost: 0,
    accepted: 0,
    service: { seatMs: 0, downMs: 0, falseNumberChanges: 0, falseTwinHandovers: 0 },
    trace: wantsTrace ? text : null,
  };
};
