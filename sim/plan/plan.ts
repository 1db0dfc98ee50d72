/**
 * A plan: all that a run is made of, as JSON. A run is a pure function of its plan, so a plan is what is shrunk, replayed and kept.
 *
 * Times count in milliseconds from the beginning of the world. Two phases, as in TigerBeetle's: up to `liveness.at` any fault may
 * happen (safety). Then the core is healed, every other fault that still lasts does so for good, and the core must converge.
 */
import type { Timers } from "../../machines/account/timers.ts";
import type { LineBalance } from "../../machines/delivery/balance/strategy.ts";
import type { Caps } from "../../machines/delivery/caps.ts";
import type { Pace } from "../../machines/delivery/pace.ts";
import type { Work } from "../../machines/delivery/work.ts";
import type { AccountId, DeviceId, LineId, Millis } from "../../machines/ports/ids.ts";
import type { FleetDeclaration } from "../../machines/ports/store.ts";
import type { Fault } from "../faults/catalogue.ts";
import type { Workload } from "../world/workload.ts";

export const PLAN_VERSION = 1;

/** What the fleet file says beside who there is. What is left out is as by default. */
export interface FleetSettings {
  readonly timers?: Partial<Timers>;
  readonly brake?: { readonly seats: number; readonly share: number; readonly within: Millis };
  readonly reconnectPerSecond?: number;
  /** The store serves several nodes: leases are renewed, and end with time. Left out, it is this process's own, and they don't. */
  readonly lease?: { readonly ttl: Millis; readonly renewEvery: Millis };
  readonly pacing?: Readonly<Record<AccountId, Pace>>;
  readonly caps?: Readonly<Record<AccountId, Caps>>;
  /** A file with strategies of the fleet's own, beside ours: its default export has them as `strategies`. Absolute. */
  readonly strategiesFrom?: string;
  readonly lines?: Readonly<
    Record<
      LineId,
      {
        readonly whenNumberChanges: "hold" | "resend";
        /** What WhatsApp refuses one number (463): another one tries, or nobody does; left out: another one. */
        readonly whenRefused?: "reroute" | "fail";
        readonly outboxLimit: number;
        readonly failback: "manual" | "automatic";
        readonly rebalance?: "manual" | "auto";
        /** What its servants do; left out: nothing. */
        readonly work?: readonly Work[];
        /** Left out: in turn, and all such lines in one turn. */
        readonly balance?: Pick<LineBalance, "strategy" | "weights" | "adaptive" | "priority" | "geo">;
      }
    >
  >;
}

export interface PlannedFleet extends FleetDeclaration {
  readonly settings: FleetSettings;
}

export interface PlannedWorkload extends Workload {
  readonly from: Millis;
  readonly until: Millis;
  /** Messages a second to people of a seat that an operator is about to have taken over; left out: none. */
  readonly atMoves?: number;
}

export interface Liveness {
  readonly at: Millis;
  /** Devices that are healed: at least one master's device of every line. Node, store and whatever they share always are. */
  readonly core: readonly DeviceId[];
}

export interface Plan {
  readonly version: typeof PLAN_VERSION;
  readonly seed: string;
  readonly fleet: PlannedFleet;
  readonly workload: PlannedWorkload;
  /** In order of time; all begin before the liveness phase. */
  readonly faults: readonly Fault[];
  readonly liveness: Liveness | null;
  /** Length of the run. */
  readonly for: Millis;
}
