/** Seeds are tried on a planted bug until the property that it names breaks; the plan that did it is shrunk. */
import { judge } from "../chaos/judge.ts";
import { faultKinds } from "../faults/catalogue.ts";
import { drawSwarmPlan } from "../plan/draw.ts";
import type { Plan } from "../plan/plan.ts";
import { shrink } from "../plan/shrink.ts";
import { drawWorkPlan } from "../plan/work.ts";
import type { Plant } from "./plant.ts";

export interface Catch {
  readonly plant: string;
  readonly caughtBy: string;
  /** The seed at which it was caught; null: never. */
  readonly seed: number | null;
  /** What broke, in words. */
  readonly text: string | null;
  readonly shrunk: Plan | null;
}
export interface HuntOptions {
  readonly seeds: number;
  readonly from?: number;
  /** Runs that shrinking may take; 0: not shrunk. */
  readonly shrinkFor?: number;
}

/** As short as a run may be: a bug that shows at all shows in it. */
const RUN_FOR = 300_000;

export const hunt = (plant: Plant, { seeds, from = 1, shrinkFor = 60 }: HuntOptions): Catch => {
  const { name, caughtBy, parts, settings, kinds = faultKinds, profile } = plant;
  const draw = profile === "work" ? drawWorkPlan : drawSwarmPlan;
  const broken = (plan: Plan) => judge(plan, parts()).violations.find(({ property }) => property === caughtBy);
  for (let seed = from; seed < from + seeds; seed++) {
    const drawn = draw(seed, { fleet: null, for: RUN_FOR, kinds });
    const plan = { ...drawn, fleet: { ...drawn.fleet, settings: { ...drawn.fleet.settings, ...settings } } };
    const found = broken(plan);
    // What sound machines break as well is not the plant's.
    if (!found || judge(plan).violations.some(({ property }) => property === caughtBy)) continue;
    const fails = (smaller: Plan) => {
      const again = broken(smaller);
      return again ? again.at : false;
    };
    const shrunk = shrinkFor > 0 ? shrink(plan, caughtBy, { fails, most: shrinkFor }).plan : null;
    return { plant: name, caughtBy, seed, text: found.text, shrunk };
  }
  return { plant: name, caughtBy, seed: null, text: null, shrunk: null };
};
