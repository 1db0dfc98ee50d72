/** Always: a switchover on a fleet that is well is seen by nobody, and one that fails leaves things as they were. */
import { accountOf, type Millis } from "../../machines/ports/ids.ts";
import { overlaps, timelineOf } from "./timeline.ts";
import { eventsOf, type Life, type Property, troubles } from "./life.ts";

/** What was wrong a while before may still be felt; what comes after the move has ended is another story. */
const BEFORE: Millis = 20_000;
const AFTER: Millis = 8_000;
/** From acceptance to WhatsApp's word, for what comes while a seat changes hands: the slowest answer under way, a commit, a look at the new holder, a send. */
const LONGEST: Millis = 6_000;

/** Messages that had passed the gate and of which nothing had been heard when the seat moved, within `AFTER` of the order. */
const underWay = (life: Life, seat: string, at: Millis): string[] => {
  const move = eventsOf(life, "seat").find(
    (row) => row.seat === seat && row.phase === "moving" && row.at > at && row.at < at + AFTER,
  );
  if (!move) return [];
  const heardBefore = new Set<string>();
  const heardAfter = new Set<string>();
  for (const told of [...eventsOf(life, "ackTold"), ...eventsOf(life, "proofTold")])
    (told.at <= move.at ? heardBefore : heardAfter).add(told.waId);
  return eventsOf(life, "gate")
    .filter((gate) => gate.seat === seat && gate.at < move.at && gate.at > at - BEFORE && gate.term < move.term)
    .filter(({ waId }) => heardAfter.has(waId) && !heardBefore.has(waId))
    .map(({ message }) => message);
};

export const switchoversGoUnseen: Property = {
  name: "switchovers-go-unseen",
  says: "a switchover while nothing is broken leaves no message unanswered, held or waiting",
  *broken(life) {
    const { tables, plan } = life;
    const demanded = tables.audit.filter(({ action }) => action === "switchover.demanded");
    if (demanded.length === 0) return;
    const spans = troubles(life);
    const { pacing, caps } = plan.fleet.settings;
    const isPaced = pacing !== undefined || caps !== undefined;
    const taken = new Map(eventsOf(life, "accepted").map(({ message, at }) => [message, at]));
    for (const { at, subject } of demanded) {
      if (spans.some(({ from, until }) => from < at + AFTER && until > at - BEFORE)) continue;
      const isForced = tables.audit.some(
        ({ action, at: other }) => action === "failover.demanded" && Math.abs(other - at) < AFTER,
      );
      if (isForced || at + AFTER > life.to) continue;
      const stuck = new Set(tables.outbox.filter(({ state }) => state === "held").map(({ conversation }) => conversation));
      for (const message of underWay(life, subject, at))
        yield { at, text: `${message} was under way when ${subject} was switched over` };
      for (const row of tables.outbox) {
        if (row.seat !== subject || row.acceptedAt > at + AFTER) continue;
        const unsure = row.attempts.find(
          (attempt) => attempt.outcome === "unanswered" && attempt.at > at && attempt.at < at + AFTER,
        );
        if (unsure) yield { at: unsure.at, text: `the switchover of ${subject} left an attempt of ${row.id} unanswered` };
        if (stuck.has(row.conversation)) continue;
        const isMeanwhile = row.acceptedAt > at - 1_000 && row.acceptedAt < at + AFTER - LONGEST;
        const waited = (taken.get(row.id) ?? Number.POSITIVE_INFINITY) - row.acceptedAt;
        if (isMeanwhile && waited > LONGEST && row.state !== "failed" && !isPaced) {
          yield { at, text: `${row.id} waited more than ${LONGEST} ms when ${subject} was switched over` };
        }
      }
    }
  },
};

/** Well for so long, the former holder is one to whom a seat may go back; a fault may be felt for as long after it. */
const WELL: Millis = 10_000;

export const switchoversLeadBack: Property = {
  name: "switchovers-lead-back",
  says: "a seat that an operator moves to a device which does not come into service goes back to the holder that it had, if that is well",
  *broken(life) {
    const ordered = [...life.tables.failovers.values()].filter(({ cause }) => cause === "operator" || cause === "failback");
    if (ordered.length === 0) return;
    const timeline = timelineOf(life);
    for (const { seat, from, termBefore, termAfter } of ordered) {
      if ((termAfter ?? 0) < termBefore + 2) continue;
      const next = timeline.seats.get(seat)?.find(({ term }) => term === termBefore + 2);
      if (!from || !next || next.holder === from || next.holder === null) continue;
      const began = timeline.seats.get(seat)?.find(({ term }) => term === termBefore + 1)?.at ?? next.at;
      // What came after the end of the move is another story.
      if (began + AFTER < next.at || !timeline.servedThrough(from, next.at - WELL, next.at)) continue;
      const isIll = timeline.faults.some(
        ({ fault, devices, ...span }) =>
          overlaps(span, next.at - WELL, next.at) &&
          (fault.kind === "operator"
            ? fault.order === "cordon" && devices.includes(from)
            : devices.some((device) => accountOf(device) === accountOf(from)) || !("device" in fault.target)),
      );
      if (!isIll)
        yield { at: next.at, text: `${seat} went on to ${next.holder}, and ${from}, which it was taken from, was well` };
    }
  },
};
