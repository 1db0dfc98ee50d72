/**
 * Timed: the targets of DESIGN.md, owed for each case unless one of its reasons held. A bound that was met counts in any case; one
 * that was missed is a violation, or, with a reason, an exclusion that is counted by it.
 */
import { TARGETS } from "../../machines/account/timers.ts";
import { accountOf, type ConversationId, type DeviceId, lineOf, type Millis, type SeatId } from "../../machines/ports/ids.ts";
import type { Fault } from "../faults/catalogue.ts";
import { harmOf } from "../faults/harm.ts";
import { type Case, casesOf, HORIZON } from "./cases.ts";
import { type Event, eventsOf, type Life, type Violation } from "./life.ts";
import { rowsOf } from "./messages.ts";
import { type FaultSpan, overlaps, type Timeline } from "./timeline.ts";

export type Measure = "detection" | "choice" | "inService" | "firstAck";
export const BOUNDS: Readonly<Record<Measure, Millis>> = {
  detection: TARGETS.detected,
  choice: 1_000,
  inService: 5_000,
  firstAck: TARGETS.acknowledged,
};
export interface Timing {
  readonly measure: Measure;
  /** Kind of fault, and rung of the ladder: "silent-path, twin". */
  readonly class: string;
  readonly ms: Millis;
}
export interface Timed {
  readonly timings: readonly Timing[];
  readonly violations: readonly Violation[];
  /** Why a bound was not owed, once for each that was missed. */
  readonly excluded: readonly string[];
}

/** A reason of the fleet's own, where all others are of what was done to it: another master, or a twin, would have taken the seat. */
export const NOBODY_LEFT = "no eligible candidate stayed healthy";

export const measure = (timeline: Timeline): Timed => {
  const timings: Timing[] = [];
  const violations: Violation[] = [];
  const excluded: string[] = [];
  for (const each of casesOf(timeline)) {
    for (const owed of owedIn(timeline, each)) {
      if (owed.ms !== null && owed.ms < owed.bound) {
        timings.push({ measure: owed.measure, class: classOf(each), ms: owed.ms });
        continue;
      }
      // What had no time to happen before the run was over is owed by nobody.
      if (owed.ms === null && timeline.life.to < each.from + HORIZON) continue;
      const reason =
        excuse(timeline, each, owed.measure === "detection" ? each.detectedAt : each.firstAckAt) ??
        (owed.measure === "firstAck" ? pacedIn(timeline.life, each) : null);
      if (reason !== null) {
        excluded.push(reason);
        continue;
      }
      if (owed.ms !== null) timings.push({ measure: owed.measure, class: classOf(each), ms: owed.ms });
      violations.push({
        property: `timed-${owed.measure}`,
        at: each.from - timeline.life.from,
        text: `${each.seat}: ${WORDS[owed.measure]} ${owed.ms === null ? "not at all" : `after ${owed.ms} ms`}, owed within ${owed.bound} ms (${classOf(each)} on ${each.device})`,
      });
    }
  }
  return { timings, violations, excluded };
};

const WORDS: Readonly<Record<Measure, string>> = {
  detection: "the failure was detected",
  choice: "a candidate was chosen",
  inService: "the new holder was in service",
  firstAck: "a message was acknowledged",
};

const classOf = ({ span, rung }: Case): string => `${span.fault.kind}, ${rung ?? "nobody"}`;

interface Owed {
  readonly measure: Measure;
  readonly ms: Millis | null;
  readonly bound: Millis;
}

const owedIn = (timeline: Timeline, each: Case): Owed[] => {
  const owed: Owed[] = [];
  const { from, span, detectedAt, change, served, firstAckAt, rung } = each;
  const lasted = span.to - from;
  // A silence that is over before it can be told from a stall, or that a re-dial healed, has nothing to detect.
  const passed = each.harm !== "closed" && (lasted < BOUNDS.detection || (rung === "reconnect" && detectedAt === null));
  if (!passed && !(rung === "reconnect" && detectedAt === null)) {
    owed.push({ measure: "detection", ms: sinceOrNull(from, detectedAt), bound: BOUNDS.detection });
  }
  const record = change && recordOf(timeline.life, each);
  if (record?.chosenAt)
    owed.push({ measure: "choice", ms: Math.max(0, record.chosenAt - record.detectedAt), bound: BOUNDS.choice });
  if (change) owed.push({ measure: "inService", ms: served && served.at - served.movedAt, bound: BOUNDS.inService });
  const restarted = restartOf(timeline, each);
  if (hasSomethingToSay(timeline, each, restarted)) {
    owed.push({ measure: "firstAck", ms: sinceOrNull(restarted, firstAckAt), bound: BOUNDS.firstAck });
  }
  return owed;
};

const sinceOrNull = (from: Millis, at: Millis | null): Millis | null => (at === null ? null : Math.max(0, at - from));

/** The operator lets the account speak only so often, and it may have other seats to speak for. */
const pacedIn = ({ plan }: Life, { change, device }: Case): string | null => {
  const { pacing = {}, caps = {} } = plan.fleet.settings;
  const account = accountOf(change?.holder ?? device);
  return account in pacing || account in caps ? "the account is paced" : null;
};

const recordOf = ({ tables }: Life, { seat, change }: Case) =>
  [...tables.failovers.values()].find((record) => record.seat === seat && record.termAfter === change?.term);

/** A fault on the chosen candidate restarts the clock, once. On the lowest rung that is the device itself, on its new link. */
const restartOf = (timeline: Timeline, { from, change, span, device, rung }: Case): Millis => {
  const candidate = change?.holder ?? (rung === "reconnect" ? device : null);
  if (!candidate) return from;
  // The same fault had it in its grip already, or another one, and nothing showed that before it spoke.
  if (change && (span.devices.includes(candidate) || isMuteUnseen(timeline, candidate, from, change.at))) return change.at;
  const hit = timeline.faults.find(
    (other) =>
      other.index !== span.index &&
      other.from > from &&
      other.from <= from + BOUNDS.firstAck &&
      other.devices.includes(candidate),
  );
  if (!hit) return from;
  // Whether its sends are acknowledged shows no sooner than it sends.
  return change && harmOf(hit.fault) === "unacknowledged" ? Math.max(hit.from, change.at) : hit.from;
};

/** What it sends is not acknowledged since before `from`, which nobody could know: it had sent nothing by `at`. */
const isMuteUnseen = ({ life, faults }: Timeline, candidate: DeviceId, from: Millis, at: Millis): boolean =>
  faults.some(
    (other) =>
      harmOf(other.fault) === "unacknowledged" &&
      other.devices.includes(candidate) &&
      other.from <= from &&
      other.to > at &&
      !eventsOf(life, "gate").some((gate) => gate.device === candidate && gate.at >= other.from && gate.at < at),
  );

/**
 * A message of the seat that nothing of its own kept back: accepted early enough, and its conversation waits for nobody's word. If the
 * number changed, for this or for what came next, what the old one had sent without an answer is held, and what follows it in its
 * conversation waits.
 */
const hasSomethingToSay = ({ life, seats }: Timeline, { seat, device, from: began }: Case, from: Millis): boolean => {
  const { accepted, tables } = life;
  const numberChanged = seats
    .get(seat)
    ?.some(
      ({ at, holder }) =>
        at >= began && at <= from + BOUNDS.firstAck && holder !== null && accountOf(holder) !== accountOf(device),
    );
  const sentBefore = (gate: Event<"gate">): boolean =>
    gate.seat === seat && gate.device === device && gate.at >= began - BOUNDS.detection && gate.at <= began + HORIZON;
  const doubtful = numberChanged
    ? eventsOf(life, "gate")
        .filter(sentBefore)
        .map(({ message }) => message)
    : [];
  const isWaiting = (conversation: ConversationId): boolean =>
    tables.outbox.some((row) => row.conversation === conversation && (row.state === "held" || doubtful.includes(row.id)));
  return accepted.some(({ id, at }) => {
    if (at < from + 1_000 || at > from + BOUNDS.firstAck - 2_000) return false;
    const row = rowsOf(life).get(id);
    return row?.seat === seat && !isWaiting(row.conversation);
  });
};

// ---- reasons for which a bound is not owed ----

const LATE_LOOP: ReadonlySet<Fault["kind"]> = new Set(["node-pause", "late-timers", "node-crash"]);
/** What a busy or stopped event loop does to others lasts for some time. */
const AFTERMATH: Millis = 15_000;

/** `over`: when what was owed came; null: it never did. */
export const excuse = (timeline: Timeline, each: Case, over: Millis | null): string | null => {
  const { from, seat } = each;
  const until = Math.min(over ?? Number.POSITIVE_INFINITY, from + HORIZON);
  const some = (since: Millis, is: (span: FaultSpan) => boolean): boolean =>
    timeline.faults.some((span) => span.index !== each.span.index && overlaps(span, since, until) && is(span));
  if (some(from - 2_000, ({ fault }) => fault.kind.startsWith("store-"))) return "the store was out of reach";
  if (some(from - AFTERMATH, ({ fault }) => LATE_LOOP.has(fault.kind))) return "our own event loop was late";
  const line = devicesOf(timeline, seat);
  if (some(from - AFTERMATH, (span) => isOrder(span, line))) return "an operator held";
  if (timeline.braked.some((span) => overlaps(span, from, until))) return "the brake held";
  const isOutage = some(from - AFTERMATH, isShared);
  // The veto is right only if something that links share was broken.
  if (isOutage && timeline.outages.some((span) => overlaps(span, from, until))) return "WhatsApp was out of reach";
  if (hasCandidate(timeline, each, until)) return null;
  return isOutage ? "WhatsApp was out of reach" : NOBODY_LEFT;
};

const isShared = ({ fault: { target } }: FaultSpan): boolean => "all" in target || "region" in target || "node" in target;

/** An order that concerns the seat: all automatic moves, or a device of its line. */
const isOrder = ({ fault, devices }: FaultSpan, line: readonly DeviceId[]): boolean =>
  fault.kind === "operator" && (fault.order === "pause" || devices.some((device) => line.includes(device)));

/** Those that may speak for the seat. */
const devicesOf = ({ life }: Timeline, seat: SeatId): DeviceId[] => {
  const { lines, accounts } = life.plan.fleet;
  const masters = new Set(lines.find(({ id }) => id === lineOf(seat))?.masters ?? []);
  return accounts.filter(({ id }) => masters.has(id)).flatMap(({ devices }) => devices);
};

/** A device needs that long in good health to be trusted (probation, a doubt about its sends). */
const GOOD_STANDING: Millis = 60_000;

/** Somebody else of the line was in service and untouched, long enough before, and until it was over. */
const hasCandidate = (timeline: Timeline, { seat, device, from, span }: Case, until: Millis): boolean =>
  devicesOf(timeline, seat).some(
    (other) =>
      other !== device &&
      !span.devices.includes(other) &&
      !timeline.wasTouched(other, from - GOOD_STANDING, until) &&
      timeline.servedThrough(other, from - AFTERMATH, until) &&
      !leftLately(timeline, seat, other, from),
  );

/** The seat was taken from it a moment ago: the cool-down forbids going back. */
const leftLately = (timeline: Timeline, seat: SeatId, device: DeviceId, at: Millis): boolean =>
  (timeline.seats.get(seat) ?? []).some(
    (row, place, rows) =>
      row.at > at - GOOD_STANDING && row.at <= at && (row.holder === device || rows[place - 1]?.holder === device),
  );
