/** A plan for each seed: the swarm's, with a mixture of faults of its own. */
import type { DeviceId, Millis } from "../../machines/ports/ids.ts";
import type { FaultKind } from "../faults/catalogue.ts";
import { drawSwarm } from "../faults/swarm.ts";
import { NODE, REGIONS } from "../world/harness.ts";
import { createRandom, type Random } from "../world/random.ts";
import { referenceFleet } from "../world/reference.ts";
import { PLAN_VERSION, type FleetSettings, type Plan, type PlannedFleet } from "./plan.ts";

export interface SwarmPlans {
  /** null: the reference fleet, with settings that differ from seed to seed. */
  readonly fleet: PlannedFleet | null;
  /** Simulated length of a run. */
  readonly for: Millis;
  readonly kinds: readonly FaultKind[];
}

/** Shorter runs leave no time to converge after the faults. */
export const LEAST_LENGTH: Millis = 300_000;
/** The node has started, seats are held, people have talked: what comes before is the story's, not the fault's. */
const FAULTS_FROM: Millis = 60_000;
const WORK_FROM: Millis = 20_000;
/** Shares of the run: faults begin up to here; the core is healed; the last message is accepted. */
const LAST_FAULT = 0.55;
const HEALED = 0.6;
const LAST_WORK = 0.85;

export const drawSwarmPlan = (seed: number | string, { fleet: given, for: length, kinds }: SwarmPlans): Plan => {
  const random = createRandom(seed).stream("plan");
  const fleet = given ?? { ...referenceFleet(), settings: drawSettings(random, createRandom(seed).stream("brake")) };
  const faults = drawSwarm(random, {
    declaration: fleet,
    nodes: [NODE],
    regions: REGIONS,
    from: FAULTS_FROM,
    to: Math.round(length * LAST_FAULT),
    kinds,
  });
  return {
    version: PLAN_VERSION,
    seed: String(seed),
    fleet,
    workload: {
      from: WORK_FROM,
      until: Math.round(length * LAST_WORK),
      peoplePerLine: 40,
      sends: 1,
      writes: 0.2,
      warm: random.pick([1, 1, 0.9, 0.5]),
    },
    faults,
    liveness: { at: Math.round(length * HEALED), core: drawCore(random, fleet) },
    for: length,
  };
};

/** Half of the fleets have no brake to speak of: behind it a burst of failovers would never be seen. */
const NO_BRAKE = { seats: 1_000, share: 1, within: 30_000 };

const drawSettings = (random: Random, forBrake: Random): FleetSettings => {
  const { accounts, lines } = referenceFleet();
  const paced = random.chance(0.3) ? accounts.filter(() => random.chance(0.5)) : [];
  const whenNumberChanges = random.chance(0.3) ? "resend" : "hold";
  const failback = random.chance(0.2) ? "automatic" : "manual";
  return {
    ...(forBrake.chance(0.5) ? { brake: NO_BRAKE } : {}),
    pacing: Object.fromEntries(
      paced.map(({ id }) => [id, { perSecond: random.pick([0.5, 1, 5]), burst: random.pick([1, 3, 10]) }]),
    ),
    lines: Object.fromEntries(lines.map(({ id }) => [id, { whenNumberChanges, outboxLimit: 10_000, failback }])),
  };
};

/** Of each line at least one master's device; of the servants, any. */
const drawCore = (random: Random, { accounts, lines }: PlannedFleet): DeviceId[] => {
  const devicesOf = new Map(accounts.map(({ id, devices }) => [id, devices]));
  const core = new Set(
    lines.flatMap(({ masters }) => {
      const all = random.shuffle(masters.flatMap((account) => devicesOf.get(account) ?? []));
      return all.slice(0, random.int(1, all.length));
    }),
  );
  for (const { role, devices } of accounts) {
    if (role === "servant") for (const device of devices) if (random.chance(0.5)) core.add(device);
  }
  return [...core].sort();
};
