/** What a node gets when nobody says otherwise. The figures behind the timers: docs/timers.md. */
import { DEFAULT_TIMERS } from "../../machines/account/timers.ts";
import { timingsOf } from "../../machines/account/timings.ts";
import type { NodeConfig } from "../../machines/driver/boot.ts";
import type { FleetDeclaration } from "../../machines/ports/store.ts";

export const defaultNodeConfig = (declaration: FleetDeclaration): NodeConfig => ({
  declaration,
  timings: timingsOf(DEFAULT_TIMERS),
  // The embedded store's file lock is the lease: nobody can take it while this process lives.
  lease: { ttl: 3_600_000, renewEvery: null },
  reconnectPerSecond: 25,
  brake: { seats: 2, share: 0.1, within: 30_000 },
  queue: () => ({ whenNumberChanges: "hold" }),
  failback: () => "manual",
  outboxLimit: () => 100_000,
});
