/** Carries out a plan, and hands over what really happened. Equal plans give equal lives, to the last byte. */
import type { NodeConfig } from "../../machines/driver/boot.ts";
import type { Actors } from "../../machines/driver/actors.ts";
import type { JournalRecord } from "../../machines/driver/journal.ts";
import type { Observe } from "../../machines/driver/driver.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import type { StorePort } from "../../machines/ports/store.ts";
import { Fleet } from "../world/harness.ts";
import type { Gate } from "../world/device.ts";
import { configOf } from "./config.ts";
import { heal } from "./liveness.ts";
import type { Plan } from "./plan.ts";
import { crowd, testify } from "./witnesses.ts";

export interface RunOptions {
  readonly journal?: (record: JournalRecord) => void;
  /** Told of each transition that a chart takes. */
  readonly observe?: Observe;
  readonly gate?: Gate;
  /** Other actors than production's: a planted bug. */
  readonly actors?: Actors;
  /** The way of the devices to the store, put in another's place. */
  readonly deviceStore?: (store: StorePort) => StorePort;
  /** The node's way there. */
  readonly nodeStore?: (store: StorePort) => StorePort;
  /** What the node is told beside its plan. */
  readonly config?: Partial<NodeConfig>;
}

/** The fleet at the end of its plan. */
export const runPlan = (plan: Plan, options: RunOptions = {}): Fleet => {
  const { journal, observe, gate, actors, deviceStore, nodeStore, config } = options;
  const { seed, workload, faults, liveness, fleet: planned } = plan;
  const { accounts, lines } = planned;
  const fleet = new Fleet({
    seed,
    declaration: { accounts, lines },
    config: { ...configOf(planned, workload), ...config, ...(actors ? { actors } : {}) },
    leases: planned.settings.lease ? "clock" : "file",
    workload,
    faults,
    ...(journal ? { journal } : {}),
    ...(observe ? { observe } : {}),
    ...(gate ? { gate } : {}),
    ...(deviceStore ? { deviceStore } : {}),
    ...(nodeStore ? { nodeStore } : {}),
  });
  const upTo = (at: Millis): void => void fleet.run(Math.max(0, at - fleet.now));
  const { clock } = fleet.world;
  clock.setTimeout(() => testify(fleet, workload), Math.max(0, workload.from - fleet.now));
  crowd(fleet, plan);
  clock.setTimeout(() => fleet.startWorkload(), Math.max(0, workload.from - fleet.now));
  clock.setTimeout(() => fleet.stopWorkload(), Math.max(0, workload.until - fleet.now));
  if (liveness) clock.setTimeout(() => heal(fleet, liveness.core), Math.max(0, liveness.at - fleet.now));
  upTo(plan.for);
  return fleet;
};
