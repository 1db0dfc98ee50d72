import { describe, expect, it } from "vitest";
import { DEFAULT_TIMERS, type Timers } from "../../machines/account/timers.ts";
import { timingsOf } from "../../machines/account/timings.ts";

/** Every duration another one, so that none can stand for another. */
const T = Object.fromEntries(Object.keys(DEFAULT_TIMERS).map((name, place) => [name, 1000 + 2 ** place])) as unknown as Timers;

describe("the durations that an operator may set", () => {
  const edges = { late: T.suspect, overdue: T.repair, gone: T.failed };

  it("are what the detector and health are started with", () => {
    expect(timingsOf(T).detector).toEqual({
      ...edges,
      probeEvery: { holder: T.probe, candidate: T.probeWhenQuiet, standby: T.standbyProbe, servant: T.servantProbe },
      quietAfter: T.quiet,
      probeQuiet: T.probeWhenQuiet,
    });
    expect(timingsOf(T).health).toEqual({
      ...edges,
      bootGrace: T.bootGrace,
      probation: T.probation,
      repairCooldown: T.repairCooldown,
    });
  });

  it("count from the last evidence, and a seat from the detection: but for a link that closed, which is detected at once", () => {
    expect(timingsOf(T).seat).toEqual({
      twinAfter: T.moveToTwin - T.failed,
      numberAfter: T.moveToNumber - T.failed,
      numberAfterClose: T.moveToNumber,
      verify: T.verify,
      patience: 3000,
      rerank: 250,
      askAgain: 1000,
    });
  });

  it("are what all others are started with", () => {
    const { detector: _detector, health: _health, seat: _seat, ...rest } = timingsOf(T);
    expect(rest).toEqual({
      connectTimeout: T.connectTimeout,
      candidateFresh: T.candidateFresh,
      cooldown: T.cooldown,
      togetherWithin: T.together,
      resolveFor: T.resolve,
      deepCheck: T.deepCheck,
      loopLate: T.loopLate,
    });
  });
});
