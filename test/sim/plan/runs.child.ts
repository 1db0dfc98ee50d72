/** Prints the trace of each seed that it is given: another process's opinion. */
import { judge } from "../../../sim/chaos/judge.ts";
import { faultKinds } from "../../../sim/faults/catalogue.ts";
import { drawSwarmPlan } from "../../../sim/plan/draw.ts";

for (const seed of process.argv.slice(2)) {
  const plan = drawSwarmPlan(seed, { fleet: null, for: 300_000, kinds: faultKinds });
  console.log(judge(plan, { wantsTrace: true }).trace);
}
