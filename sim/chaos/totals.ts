/** What all runs together amount to: the document that `greenroom chaos --json` prints. */
import { allTransitions } from "../checkers/coverage.ts";
import { isExcused } from "../checkers/excused.ts";
import { planThatTakes } from "../checkers/rare.ts";
import { BOUNDS, type Measure, NOBODY_LEFT, type Timing } from "../checkers/timed.ts";
import type { Plan } from "../plan/plan.ts";
import { RUN_ENDS, type Verdict } from "./judge.ts";

export interface Distribution {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly worstSeed: string | null;
  /** What the worst of them left of the bound. */
  readonly marginMs: number;
}
export interface TimingReport extends Distribution {
  readonly boundMs: number;
  /** By kind of fault and rung of the ladder. */
  readonly byClass: Readonly<Record<string, Distribution>>;
}
export interface FoundViolation {
  readonly property: string;
  readonly seed: string;
  readonly text: string;
  readonly plan: Plan | null;
  readonly shrunk: Plan | null;
}
export interface ChaosDocument {
  readonly runs: number;
  /** Ended by hand: there are fewer runs than were asked for. */
  readonly interrupted: boolean;
  readonly simulatedSeconds: number;
  readonly wallSeconds: number;
  readonly violations: readonly FoundViolation[];
  readonly timings: Readonly<Record<Measure, TimingReport>>;
  readonly excluded: Readonly<Record<string, number>>;
  /** How often a fault of each kind bit; 0 of those that were asked for and did not. */
  readonly faults: Readonly<Record<string, number>>;
  readonly messages: number;
  readonly lost: number;
  readonly availability: number;
  readonly falseNumberChanges: number;
  readonly falseTwinHandovers: number;
  readonly coverage: {
    readonly transitions: {
      readonly taken: number;
      readonly total: number;
      /** Not taken, nor known to be rare, nor excused. */
      readonly missing: readonly string[];
      /** Not taken by these runs, with the plan of sim/scenarios/directed.ts that does take it. */
      readonly rare: Readonly<Record<string, string>>;
      /** Not taken, with a reason in sim/checkers/excused.ts. */
      readonly excused: number;
      /** Taken although there is a reason why nobody could. */
      readonly wronglyExcused: readonly string[];
    };
  };
  readonly determinism: { readonly checked: number; readonly diverged: readonly string[] };
}

/** Above this share of excluded cases the figures prove nothing: of the reference fleet, and of one's own, where what all share may weigh more. */
const MOST_EXCLUDED = { reference: 0.05, own: 0.25 } as const;
/** A handful of cases has no shares. */
const ENOUGH_CASES = 200;

interface Broken {
  readonly seed: string;
  readonly text: string;
  /** It took its thread with it, as each smaller plan that breaks the same would. */
  readonly isDeadly: boolean;
  count: number;
  readonly others: Set<string>;
}

export class Totals {
  runs = 0;
  /** Runs that came to no end in the time that one may take. */
  hung = 0;
  #simulatedMs = 0;
  #lost = 0;
  #messages = 0;
  #seatMs = 0;
  #downMs = 0;
  #falseNumberChanges = 0;
  #falseTwinHandovers = 0;
  readonly #timings: (Timing & { readonly seed: string })[] = [];
  readonly #excluded = new Map<string, number>();
  readonly #isOwn: boolean;
  readonly #faults: Map<string, number>;
  readonly #covered = new Set<string>();
  readonly #traces = new Map<string, string>();
  #checked = 0;
  readonly diverged: string[] = [];
  /** The first of each property, with how often it came, and the other seeds that broke it. */
  readonly broken = new Map<string, Broken>();

  /** `kinds`: what plans are drawn from. `isOwn`: of a fleet that may be as small as it likes, not of the reference fleet. */
  constructor(kinds: readonly string[], isOwn: boolean) {
    this.#isOwn = isOwn;
    this.#faults = new Map(kinds.map((kind) => [kind, 0]));
  }

  add(verdict: Verdict, covered: readonly string[]): void {
    const { seed, service } = verdict;
    this.runs++;
    this.#simulatedMs += verdict.simulatedMs;
    this.#lost += verdict.lost;
    this.#messages += verdict.accepted;
    this.#seatMs += service.seatMs;
    this.#downMs += service.downMs;
    this.#falseNumberChanges += service.falseNumberChanges;
    this.#falseTwinHandovers += service.falseTwinHandovers;
    for (const timing of verdict.timings) this.#timings.push({ ...timing, seed });
    for (const reason of verdict.excluded) count(this.#excluded, reason, 1);
    for (const [kind, bites] of Object.entries(verdict.faults)) count(this.#faults, kind, bites);
    for (const name of covered) this.#covered.add(name);
    for (const { property, text } of verdict.violations) this.#note(property, seed, text);
    this.compare(verdict);
  }

  /** The run took its thread with it: nothing of it can be counted. */
  addDead(seed: string, text: string): void {
    this.runs++;
    this.#note(RUN_ENDS, seed, text, true);
  }

  addHung(seed: string, text: string): void {
    this.hung++;
    this.addDead(seed, text);
  }

  #note(property: string, seed: string, text: string, isDeadly = false): void {
    const known = this.broken.get(property);
    if (!known) this.broken.set(property, { seed, text, isDeadly, count: 1, others: new Set() });
    else {
      known.count++;
      if (seed !== known.seed) known.others.add(seed);
    }
  }

  /** The second run of a seed is only compared: nothing is counted twice. */
  compare({ seed, trace }: Verdict): void {
    if (trace === null) return;
    const known = this.#traces.get(seed);
    if (known === undefined) this.#traces.set(seed, trace);
    else {
      this.#checked++;
      if (known !== trace) this.diverged.push(seed);
    }
  }

  get mostExcluded(): number {
    return this.#isOwn ? MOST_EXCLUDED.own : MOST_EXCLUDED.reference;
  }

  /** How little the figures prove. That a small fleet has often nobody left shows how it is, and is no gap in the proof. */
  get excludedShare(): number {
    const nobodyLeft = this.#isOwn ? (this.#excluded.get(NOBODY_LEFT) ?? 0) : 0;
    const excluded = sum(this.#excluded.values()) - nobodyLeft;
    const cases = excluded + this.#timings.length;
    return cases >= ENOUGH_CASES ? excluded / cases : 0;
  }

  document(wallSeconds: number, violations: readonly FoundViolation[], interrupted = false): ChaosDocument {
    const untaken = allTransitions.filter((name) => !this.#covered.has(name));
    const rare = new Map(
      untaken.flatMap((name) => {
        const plan = planThatTakes(name);
        return plan === undefined ? [] : [[name, plan] as const];
      }),
    );
    const missing = untaken.filter((name) => !rare.has(name) && !isExcused(name));
    return {
      runs: this.runs,
      interrupted,
      simulatedSeconds: Math.round(this.#simulatedMs / 1_000),
      wallSeconds: Math.round(wallSeconds * 100) / 100,
      violations,
      timings: {
        detection: this.#report("detection"),
        choice: this.#report("choice"),
        inService: this.#report("inService"),
        firstAck: this.#report("firstAck"),
      },
      excluded: sorted(this.#excluded),
      faults: sorted(this.#faults),
      messages: this.#messages,
      lost: this.#lost,
      availability: this.#seatMs === 0 ? 1 : 1 - this.#downMs / this.#seatMs,
      falseNumberChanges: this.#falseNumberChanges,
      falseTwinHandovers: this.#falseTwinHandovers,
      coverage: {
        transitions: {
          taken: allTransitions.length - untaken.length,
          total: allTransitions.length,
          missing,
          rare: Object.fromEntries(rare),
          excused: untaken.length - missing.length - rare.size,
          wronglyExcused: [...this.#covered].filter(isExcused).sort(),
        },
      },
      determinism: { checked: this.#checked, diverged: this.diverged },
    };
  }

  #report(measure: Measure): TimingReport {
    const own = this.#timings.filter((timing) => timing.measure === measure);
    const classes = [...new Set(own.map((timing) => timing.class))].sort();
    const bound = BOUNDS[measure];
    return {
      ...distribution(own, bound),
      boundMs: bound,
      byClass: Object.fromEntries(
        classes.map((name) => [
          name,
          distribution(
            own.filter((timing) => timing.class === name),
            bound,
          ),
        ]),
      ),
    };
  }
}

const distribution = (timings: readonly (Timing & { readonly seed: string })[], bound: number): Distribution => {
  const inOrder = timings.toSorted((a, b) => a.ms - b.ms);
  const at = (share: number): number =>
    Math.round(inOrder[Math.min(inOrder.length - 1, Math.floor(inOrder.length * share))]?.ms ?? 0);
  const worst = inOrder.at(-1);
  const max = Math.round(worst?.ms ?? 0);
  return { count: inOrder.length, p50: at(0.5), p99: at(0.99), max, worstSeed: worst?.seed ?? null, marginMs: bound - max };
};

const count = (map: Map<string, number>, key: string, by: number): void => void map.set(key, (map.get(key) ?? 0) + by);
const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);
const sorted = (map: ReadonlyMap<string, number>): Record<string, number> =>
  Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
