/** How long each phase of a change of holder took, against what is owed. */
import { TARGETS } from "../../../machines/account/timers.ts";
import type { FilmFailover } from "../../../machines/driver/film.ts";
import { moveOf, OUTCOMES } from "../../cli/sentences.ts";

export interface Phase {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** Milliseconds owed; null: nothing is. */
  readonly bound: number | null;
}

const CHOSEN = 1_000;
const IN_SERVICE = 5_000;

/** Those that were reached, in order. What began with no fault (an operator, the start) owes nothing for detection. */
export const phasesOf = (failover: FilmFailover): Phase[] => {
  const { faultAt, lastEvidenceAt, detectedAt, chosenAt, committedAt, inServiceAt, firstAckAt } = failover;
  const began = faultAt ?? lastEvidenceAt;
  const phase = (name: string, from: number | null, to: number | null, bound: number | null): Phase[] =>
    from === null || to === null ? [] : [{ name, from, to: Math.max(from, to), bound }];
  return [
    ...phase(faultAt === null ? "last evidence to detected" : "fault to detected", began, detectedAt, TARGETS.detected),
    ...phase("detected to chosen", detectedAt, chosenAt, CHOSEN),
    ...phase("chosen to moved", chosenAt, committedAt, null),
    ...phase("moved to in service", committedAt, inServiceAt, IN_SERVICE),
    ...phase(faultAt === null ? "last evidence to first ack" : "fault to first ack", began, firstAckAt, TARGETS.acknowledged),
  ];
};

export const isWithin = ({ from, to, bound }: Phase): boolean => bound === null || to - from < bound;

export const beginOf = (failover: FilmFailover): number =>
  Math.min(failover.faultAt ?? failover.lastEvidenceAt ?? failover.detectedAt, failover.detectedAt);
export const endOf = (failover: FilmFailover): number =>
  Math.max(failover.detectedAt, failover.endedAt ?? 0, failover.inServiceAt ?? 0, failover.firstAckAt ?? 0);

export const headOf = (failover: FilmFailover): string => `${failover.seat}: ${moveOf(failover)}`;
export const outcomeOf = (failover: FilmFailover): string => `${failover.cause}; ${OUTCOMES[failover.outcome]}`;
