/** A run with something to see in it, for pictures and tests of the viewer: one holder is logged out and another falls silent, on machines with a planted mistake. */
import type { Film } from "../machines/driver/film.ts";
import type { Fault } from "../sim/faults/catalogue.ts";
import { drawSwarmPlan } from "../sim/plan/draw.ts";
import type { Plan } from "../sim/plan/plan.ts";
import { plantNamed } from "../sim/plants/index.ts";
import { filmOfPlan } from "../sim/report/film.ts";

const FAULTS = [
  { kind: "logged-out", target: { seat: "support/support-2" }, at: 80_000, for: "permanent" },
  { kind: "silent-path", target: { seat: "sales/sales-1" }, at: 100_600, for: 60_000, keeps: false },
] as unknown as readonly Fault[];

export const storyPlan = (): Plan => ({
  ...drawSwarmPlan("a story", { fleet: null, for: 300_000, kinds: ["close"] }),
  faults: FAULTS,
  liveness: null,
});

/** `isSound`: production's machines, on which everything holds. Else detection is a second late. */
export const storyFilm = (isSound = false): Film => {
  const plant = plantNamed("one-phase-late");
  if (!plant) throw new Error("there is no planted bug one-phase-late any more: choose another for the viewer's story");
  return filmOfPlan(storyPlan(), "Greenroom: a story", isSound ? {} : plant.parts());
};
