/** The bound that is promised: three masters, two faults, three messages on their way. Its figures are printed. */
import { expect, it } from "vitest";
import { SWEEPS } from "../../../sim/explorer/bounds.ts";
import { printed, swept } from "./sweeps.ts";

it("keeps every promise after any two faults, in every order", { timeout: 900_000 }, () => {
  const { found, cast } = swept(SWEEPS.slice(0, 1));
  process.stdout.write(printed(found));
  expect(found.map(({ counterexample }) => counterexample)).toEqual([null]);
  expect(found.map(({ exhausted }) => exhausted)).toEqual([true]);
  expect(found.every(({ compared }) => compared > 50)).toBe(true);
  // What the deeper sweeps do not take.
  expect([...cast.coverage.taken.keys()]).toEqual(
    expect.arrayContaining([
      "failover: selecting + holder.failed if isHopeless → selecting",
      "failover: preparing + holder.failed if isHopeless → selecting",
    ]),
  );
});
