/** What a worker is asked to do, and what it answers: plain data, carried out here whether in a thread of its own or not. */
import { Coverage } from "../checkers/coverage.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import type { FaultKind } from "../faults/catalogue.ts";
import { drawSwarmPlan } from "../plan/draw.ts";
import type { Plan, PlannedFleet } from "../plan/plan.ts";
import { shrink, type Shrunk } from "../plan/shrink.ts";
import { drawWorkPlan } from "../plan/work.ts";
import { drawYearPlan } from "../plan/year.ts";
import { judge, type Verdict } from "./judge.ts";

export type Profile = "swarm" | "work" | "year";

/** From what plans are drawn: the same for all seeds of a chaos run. */
export interface Draw {
  readonly profile: Profile;
  readonly fleet: PlannedFleet | null;
  readonly for: Millis;
  readonly kinds: readonly FaultKind[];
}

export type Task =
  /** `wantsTrace`: to be compared with another run of the seed. */
  | { readonly kind: "seed"; readonly seed: string; readonly wantsTrace: boolean }
  | { readonly kind: "shrink"; readonly seed: string; readonly property: string };
export type Answer =
  /** `covered`: transitions that this worker has not named before. */
  | { readonly kind: "seed"; readonly verdict: Verdict; readonly covered: readonly string[] }
  | { readonly kind: "shrink"; readonly plan: Plan; readonly shrunk: Shrunk };

const PLANS = { swarm: drawSwarmPlan, work: drawWorkPlan, year: drawYearPlan } as const;

export const planFor = (draw: Draw, seed: string): Plan => PLANS[draw.profile](seed, draw);

/** Of so many runs, one is watched for coverage. */
const WATCHED = 8;

export class Hand {
  readonly #draw: Draw;
  readonly #coverage = new Coverage();
  readonly #told = new Set<string>();
  #judged = 0;

  constructor(draw: Draw) {
    this.#draw = draw;
  }

  carryOut(task: Task): Answer {
    const plan = planFor(this.#draw, task.seed);
    if (task.kind === "shrink") return { kind: "shrink", plan, shrunk: shrink(plan, task.property) };
    // Watching each transition costs a tenth of the speed, and over many seeds a part of them tells the same.
    const isWatched = this.#judged++ % WATCHED === 0;
    const verdict = judge(plan, { ...(isWatched ? { coverage: this.#coverage } : {}), wantsTrace: task.wantsTrace });
    const covered = [...this.#coverage.taken.keys()].filter((name) => !this.#told.has(name));
    for (const name of covered) this.#told.add(name);
    return { kind: "seed", verdict, covered };
  }
}
