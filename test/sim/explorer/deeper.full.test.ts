/** Fewer kinds of fault and more of them: with these, every transition of a failover is taken. */
import { expect, it } from "vitest";
import { allTransitions } from "../../../sim/checkers/coverage.ts";
import { SWEEPS } from "../../../sim/explorer/bounds.ts";
import { printed, swept } from "./sweeps.ts";

const NOT_HERE = [
  // Nobody says this to a failover: seats pass on that the old holder is well or failed, and nothing in between.
  "failover: any + holder.suspect → same",
  // Taken in two-faults.test.ts.
  "failover: selecting + holder.failed if isHopeless → selecting",
  "failover: preparing + holder.failed if isHopeless → selecting",
];

it("keeps every promise while a failover tries all that it can", { timeout: 900_000 }, () => {
  const { found, cast } = swept(SWEEPS.slice(1));
  process.stdout.write(printed(found));
  expect(found.map(({ counterexample }) => counterexample)).toEqual(found.map(() => null));
  expect(found.map(({ exhausted }) => exhausted)).toEqual(found.map(() => true));
  expect(found.every(({ compared }) => compared > 50)).toBe(true);
  const { taken } = cast.coverage;
  expect(allTransitions.filter((name) => name.startsWith("failover: ") && !taken.has(name))).toEqual(NOT_HERE);
});
