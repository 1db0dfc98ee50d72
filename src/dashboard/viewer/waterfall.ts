/** How long each phase of a change of holder took, against what is owed. */
import { TARGETS } from "../../../machines/account/timers.ts";
import type { Film, FilmFailover } from "../../../machines/driver/film.ts";
import { moveOf, OUTCOMES } from "../../cli/sentences.ts";
import { clockText } from "./times.ts";

export interface Phase {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** Milliseconds owed; null: nothing is. */
  readonly bound: number | null;
}

const CHOSEN = 1_000;
const IN_SERVICE = 5_000;

/** Another try for a holder that was given up before: its failure was detected then, not now. */
export const isAnotherTry = (all: readonly FilmFailover[], { seat, lastEvidenceAt, detectedAt }: FilmFailover): boolean =>
  lastEvidenceAt !== null &&
  all.some((each) => each.seat === seat && each.lastEvidenceAt === lastEvidenceAt && each.detectedAt < detectedAt);

/** Those that were reached, in order. What began with no fault (an operator, the start) owes nothing for detection. */
export const phasesOf = (failover: FilmFailover, isAgain = false): Phase[] => {
  const { faultAt, lastEvidenceAt, detectedAt, chosenAt, committedAt, inServiceAt, firstAckAt } = failover;
  const began = faultAt ?? lastEvidenceAt;
  const phase = (name: string, from: number | null, to: number | null, bound: number | null): Phase[] =>
    from === null || to === null ? [] : [{ name, from, to: Math.max(from, to), bound }];
  return [
    ...phase(
      faultAt === null ? "last evidence to detected" : "fault to detected",
      isAgain ? null : began,
      detectedAt,
      TARGETS.detected,
    ),
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

/** What set it off, as far as the film tells: what struck, and what was seen of it. Sentences. */
export const signsOf = ({ marks, from }: Pick<Film, "marks" | "from">, failover: FilmFailover): string[] => {
  const { lastEvidenceAt, closed, from: holder, cause } = failover;
  if (cause === "startup" || holder === null) return [];
  const { detectedAt } = failover;
  const since = lastEvidenceAt ?? detectedAt;
  const struck = marks
    .filter(
      ({ kind, at, until, hits }) => kind === "fault" && hits.includes(holder) && at <= detectedAt && (until ?? since) >= since,
    )
    .map(({ at, text, hits }) => ({ at, text: `the fault: ${text}; it hit ${hits.join(", ")}` }));
  const code = closed === null || closed.code === null ? "" : `, code ${closed.code}`;
  const ended = closed ? [{ at: closed.at, text: `the link of ${holder} ended (${closed.reason}${code})` }] : [];
  const heard = lastEvidenceAt === null ? [] : [{ at: lastEvidenceAt, text: `the last that was heard from ${holder}` }];
  const signs = [...heard, ...struck, ...ended].sort((one, other) => one.at - other.at);
  return signs.map(({ at, text }) => `At ${clockText(at - from)}, ${text}.`);
};

/** What a reader would look for in vain, and why. Null: nothing. */
export const untoldOf = ({ source }: Pick<Film, "source">, { faultAt, firstAckAt, outcome }: FilmFailover): string | null => {
  if (source === "journal")
    return "Not known from a journal: when the fault itself struck, and when the first message was acknowledged afterwards. It has neither.";
  if (outcome !== "inService" || firstAckAt !== null) return null;
  return faultAt === null
    ? "No fault set this off, so no first acknowledgement is counted from one."
    : "No message was acknowledged through the new holder before the film ends.";
};
