/** What the command line loads of sim/, on demand. */
export {
  DEMO_DEFAULTS,
  DEMO_FAULT_NAMES,
  type DemoArguments,
  type DemoOutcome,
  runDemo,
} from "./demo.ts";
export { type LoopbackArguments, runLoopback } from "./loopback/main.ts";
