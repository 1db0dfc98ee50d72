/** What the command line loads of sim/, on demand. */
export { CHAOS_DEFAULTS, type ChaosArguments, type ChaosOutcome, reportTimers, runChaos } from "./chaos.ts";
export {
  DEMO_DEFAULTS,
  DEMO_FAULT_NAMES,
  type DemoArguments,
  type DemoOutcome,
  runDemo,
} from "./demo.ts";
export { type ExploreArguments, type ExploreOutcome, runExplore } from "./explore.ts";
export { type LoopbackArguments, runLoopback } from "./loopback/main.ts";
export { type PlantsArguments, type PlantsOutcome, runPlants } from "./plants.ts";
export { PlanError } from "./plan/parse.ts";
export { type ReplayArguments, type ReplayOutcome, runReplay } from "./replay.ts";
export { countTaken } from "./taken.ts";
