/** From the durations that an operator may set to what each actor is started with. */
import type { SeatTimings } from "../fleet/seat.ts";
import type { Millis } from "../ports/ids.ts";
import type { DetectorTimers } from "./detector.ts";
import type { HealthTimers } from "./health.ts";
import type { Timers } from "./timers.ts";

export interface Timings {
  readonly detector: DetectorTimers;
  readonly health: HealthTimers;
  readonly seat: SeatTimings;
  readonly connectTimeout: Millis;
  readonly candidateFresh: Millis;
  readonly cooldown: Millis;
  readonly togetherWithin: Millis;
  readonly resolveFor: Millis;
  readonly deepCheck: Millis;
  readonly loopLate: Millis;
}

/** How long a failover looks for somebody before the seat counts as stranded; how often it and a stranded seat look again. */
const PATIENCE: Millis = 3000;
const RERANK: Millis = 250;
const ASK_AGAIN: Millis = 1000;

export const timingsOf = (timers: Timers): Timings => {
  const edges = { late: timers.suspect, overdue: timers.repair, gone: timers.failed };
  return {
    detector: {
      ...edges,
      probeEvery: {
        holder: timers.probe,
        candidate: timers.probeWhenQuiet,
        standby: timers.standbyProbe,
        servant: timers.servantProbe,
      },
      quietAfter: timers.quiet,
      probeQuiet: timers.probeWhenQuiet,
    },
    health: { ...edges, bootGrace: timers.bootGrace, probation: timers.probation, repairCooldown: timers.repairCooldown },
    seat: {
      twinAfter: timers.moveToTwin - timers.failed,
      numberAfter: timers.moveToNumber - timers.failed,
      // The end of a link is detected at once, so this counts from the fault as well.
      numberAfterClose: timers.moveToNumber,
      verify: timers.verify,
      patience: PATIENCE,
      rerank: RERANK,
      askAgain: ASK_AGAIN,
    },
    connectTimeout: timers.connectTimeout,
    candidateFresh: timers.candidateFresh,
    cooldown: timers.cooldown,
    togetherWithin: timers.together,
    resolveFor: timers.resolve,
    deepCheck: timers.deepCheck,
    loopLate: timers.loopLate,
  };
};
