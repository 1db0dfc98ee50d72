import type { Millis } from "./ids.ts";

/** The only source of time. Production gives the wall clock made monotonic; the simulator its heap clock. */
export interface Clock {
  now(): Millis;
  /** Calls `fire` once, `after` milliseconds from now (0 or more), never in the same turn. */
  setTimeout(fire: () => void, after: Millis): unknown;
  clearTimeout(timer: unknown): void;
}
