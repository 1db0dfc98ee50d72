/** A counterexample as a file, and the file carried out again. */
import { actionsOf, after } from "./actions.ts";
import { FAULT_KINDS, type Bounds, type FaultKind } from "./bounds.ts";
import { deadlock, violations } from "./properties.ts";
import { Search, settled, type Counterexample, type Step } from "./search.ts";
import type { Cast } from "./world.ts";

const TRACE_VERSION = 1;
export interface Trace extends Counterexample {
  readonly version: typeof TRACE_VERSION;
  readonly kind: "exploration";
  readonly bounds: Bounds;
  /** Name of the planted bug, if the machines had one. */
  readonly plant: string | null;
}

export const traceOf = (bounds: Bounds, plant: string | null, { property, steps }: Counterexample): Trace => ({
  version: TRACE_VERSION,
  kind: "exploration",
  bounds,
  plant,
  property,
  steps,
});

/** A trace that can't be read or carried out, and why. */
export class TraceError extends Error {
  override readonly name = "TraceError";
}

export const parseTrace = (text: string): Trace => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new TraceError(`it is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const trace = json as Partial<Trace> | null;
  if (typeof trace !== "object" || trace === null || trace.kind !== "exploration")
    throw new TraceError("it is no trace of an exploration");
  if (trace.version !== TRACE_VERSION)
    throw new TraceError(`it is of version ${String(trace.version)}, and this program replays version ${TRACE_VERSION}`);
  if (!isBounds(trace.bounds)) throw new TraceError("its bounds are not complete");
  if (typeof trace.property !== "string" || !Array.isArray(trace.steps) || !trace.steps.every(isStep))
    throw new TraceError("it needs a property, and steps with a name each");
  return { ...(trace as Trace), plant: trace.plant ?? null };
};

const isStep = (step: unknown): step is Step => typeof (step as Step | null)?.name === "string";
const isBounds = (bounds: Bounds | undefined): bounds is Bounds =>
  bounds !== undefined &&
  [bounds.masters, bounds.seats, bounds.twins, bounds.faults, bounds.flights].every(Number.isInteger) &&
  Array.isArray(bounds.kinds) &&
  bounds.kinds.every((kind: string) => FAULT_KINDS.includes(kind as FaultKind));

/** What breaks on the way, or at its end; null if nothing does any more. */
export const replay = (trace: Trace, cast: Cast): string | null => {
  let world = settled(trace.bounds, cast);
  for (const [i, { name }] of trace.steps.entries()) {
    const action = actionsOf(world).find((other) => other.name === name);
    if (!action) throw new TraceError(`step ${i + 1} (${name}) can't happen with these machines`);
    const next = after(world, action);
    const [broken] = violations(world, next);
    if (broken !== undefined) return broken;
    world = next;
  }
  const [stuck] = deadlock(world, actionsOf(world));
  if (stuck !== undefined) return stuck;
  world.faults = 0;
  return new Search(trace.bounds, cast).run(world).counterexample?.property ?? null;
};
