/** One day of a fleet-year: faults as often as the reference model says, sparse traffic. 365 of them are a year. */
import type { Millis } from "../../machines/ports/ids.ts";
import type { Fault, FaultKind } from "../faults/catalogue.ts";
import { REFERENCE_MODEL, type Rate } from "../faults/mtbf.ts";
import type { Target } from "../faults/rule.ts";
import { NODE } from "../world/harness.ts";
import { createRandom } from "../world/random.ts";
import { referenceFleet } from "../world/reference.ts";
import { PLAN_VERSION, type Plan, type PlannedFleet } from "./plan.ts";

export interface YearPlans {
  readonly fleet: PlannedFleet | null;
  readonly for: Millis;
  readonly kinds: readonly FaultKind[];
}

export const DAY: Millis = 24 * 3_600_000;
const FAULTS_FROM: Millis = 120_000;
const HOUR: Millis = 3_600_000;

export const drawYearPlan = (seed: number | string, { fleet: given, for: length, kinds }: YearPlans): Plan => {
  const fleet = given ?? { ...referenceFleet(), settings: {} };
  const random = createRandom(seed);
  const faults = REFERENCE_MODEL.flatMap((rate, i) => {
    const stream = random.stream(`year:${i}`);
    return targetsOf(rate, fleet).flatMap((target) => {
      const drawn: Fault[] = [];
      for (let at = next(); at < length - FAULTS_FROM; at += next())
        drawn.push(rate.make(stream, target, FAULTS_FROM + Math.round(at)));
      return drawn.filter(({ kind }) => kinds.includes(kind));
    });

    function next(): Millis {
      return stream.exponential(rate.everyHours * HOUR);
    }
  });
  return {
    version: PLAN_VERSION,
    seed: String(seed),
    fleet,
    // A message every minute, so that a seat that is down is seen to be.
    workload: { from: 60_000, until: length, peoplePerLine: 20, sends: 1 / 60, writes: 1 / 300, warm: 1 },
    faults: faults.sort((one, other) => one.at - other.at),
    liveness: null,
    for: length,
  };
};

const targetsOf = ({ per }: Rate, { accounts }: PlannedFleet): Target[] => {
  switch (per) {
    case "device":
      return accounts.flatMap(({ devices }) => devices.map((device) => ({ device })));
    case "account":
      return accounts.map(({ id }) => ({ account: id }));
    case "node":
      return [{ node: NODE }];
    case "fleet":
      return [{ all: true }];
  }
};
