/** From what an operator declares to what a node needs. */
import type { NodeConfig } from "../../machines/driver/boot.ts";
import type { FleetDeclaration } from "../../machines/ports/store.ts";

/** DESIGN: failure detection by fixed deadlines; the figures behind them are in docs/timers.md. */
export const defaultNodeConfig = (declaration: FleetDeclaration): NodeConfig => ({
  declaration,
  timings: {
    detector: {
      probeEvery: { holder: 1000, candidate: 500, standby: 5000, servant: 10_000 },
      quietAfter: 1500,
      probeQuiet: 500,
      late: 2000,
      overdue: 3500,
      gone: 4500,
    },
    health: { late: 2000, overdue: 3500, gone: 4500, bootGrace: 10_000, probation: 5000, repairCooldown: 60_000 },
    seat: {
      twinAfter: 1000,
      numberAfter: 2500,
      numberAfterClose: 7000,
      verify: 1200,
      patience: 3000,
      rerank: 250,
      askAgain: 1000,
    },
    connectTimeout: 5000,
    candidateFresh: 1500,
    cooldown: 60_000,
    togetherWithin: 2000,
    resolveFor: 1000,
    deepCheck: 30_000,
    loopLate: 250,
  },
  // The embedded store's file lock is the lease: nobody can take it while this process lives.
  lease: { ttl: 3_600_000, renewEvery: null },
  reconnectPerSecond: 25,
  brake: { seats: 2, share: 0.1, within: 30_000 },
  queue: () => ({ whenNumberChanges: "hold" }),
  outboxLimit: () => 100_000,
});
