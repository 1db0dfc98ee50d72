/** What the command line loads of sim/, on demand. */
export { type DemoArguments, runDemo } from "./demo.ts";
export { type LoopbackArguments, runLoopback } from "./loopback/main.ts";
