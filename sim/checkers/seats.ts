/** Always: seats change hands by the rules. */
import { accountOf, type Millis, type SeatId, type SeatTerm } from "../../machines/ports/ids.ts";
import type { Fault } from "../faults/catalogue.ts";
import { eventsAmong, eventsOf, type Event, type Property } from "./life.ts";
import { type FaultSpan, overlaps, type Timeline, timelineOf } from "./timeline.ts";

export const oneHolderPerTerm: Property = {
  name: "one-holder-per-term",
  says: "a seat and term have one holder, and terms grow by one",
  *broken(life) {
    const now = new Map<SeatId, Event<"seat">>();
    for (const event of eventsOf(life, "seat")) {
      const { at, seat, term, holder } = event;
      const before = now.get(seat);
      now.set(seat, event);
      if (!before) {
        if (term !== 1) yield { at, text: `the first term of ${seat} is ${term}` };
      } else if (term === before.term) {
        if (holder !== before.holder) {
          yield { at, text: `${seat} has two holders under term ${term}: ${String(before.holder)} and ${String(holder)}` };
        }
      } else if (term !== before.term + 1) yield { at, text: `the term of ${seat} went from ${before.term} to ${term}` };
    }
  },
};

export const changesAreAudited: Property = {
  name: "changes-are-audited",
  says: "every change of holder has its audit entry, with the same term and holder",
  *broken(life) {
    const written = new Set(
      life.tables.audit.flatMap(({ action, subject, evidence }) =>
        action === "seat.moved" || action === "seat.rolledBack" ? [`${subject} ${evidence["term"]} ${evidence["to"]}`] : [],
      ),
    );
    for (const { at, seat, term, holder } of changes(eventsOf(life, "seat"))) {
      if (!written.has(`${seat} ${term} ${holder}`)) {
        yield { at, text: `${seat} went to ${String(holder)} under term ${term}, and no audit entry says so` };
      }
    }
  },
};

export const rollbackRestores: Property = {
  name: "rollback-restores",
  says: "a failover that was rolled back leaves the seat with the holder that it had, under a higher term",
  *broken(life) {
    const rows = eventsOf(life, "seat");
    for (const { outcome, seat, from, termBefore, detectedAt } of life.tables.failovers.values()) {
      if (outcome !== "rolledBack") continue;
      // One commit took it away, at least one more gave it back.
      if (rows.some((row) => row.seat === seat && row.holder === from && row.term > termBefore + 1)) continue;
      yield { at: detectedAt, text: `${seat} counts as rolled back to ${String(from)}, which never got it back` };
    }
  },
};

/** A stanza of a candidate may be 1.5 s old when it is chosen, was under way for as long as weather allows, and the store takes its time. */
const UNHEARD: Millis = 4_500;

/** A store that is slow, or out of reach for a while, does not say when its commit was decided. */
const LATE_COMMIT: Millis = 10_000;
const lateCommits = ({ faults }: Timeline, at: Millis): FaultSpan[] =>
  faults.filter((span) => span.fault.kind.startsWith("store-") && overlaps(span, at - LATE_COMMIT, at));
const wasDecidedBefore = (timeline: Timeline, at: Millis): boolean => lateCommits(timeline, at).length > 0;
/** From when on it may have been decided. What was asked of a store that was out of reach is done when it is back. */
const decidedFrom = (timeline: Timeline, at: Millis): Millis =>
  Math.min(
    at - UNHEARD_OF,
    ...lateCommits(timeline, at).map(({ fault, from }) =>
      fault.kind === "store-partition" ? Math.min(from, at - LATE_COMMIT) : at - LATE_COMMIT,
    ),
  );

export const candidatesAreHeard: Property = {
  name: "candidates-are-heard",
  says: "a seat is given only to a device that was heard a moment ago, never to one whose link has carried nothing for seconds",
  *broken(life) {
    const timeline = timelineOf(life);
    const dials = eventsOf(life, "dialled");
    const former = new Set(
      [...life.tables.failovers.values()].map(({ seat, from, termAfter }) => `${seat} ${termAfter} ${from}`),
    );
    for (const { at, seat, term, holder } of changes(eventsOf(life, "seat"))) {
      // The way back asks no stanza of the former holder.
      if (holder === null || former.has(`${seat} ${term} ${holder}`) || wasDecidedBefore(timeline, at)) continue;
      const dialledAt = dials.findLast((dial) => dial.device === holder && dial.at <= at)?.at ?? at;
      const silence = timeline.faults.find(
        ({ fault, devices, from, to }) =>
          isSilence(fault) &&
          devices.includes(holder) &&
          from <= at - UNHEARD &&
          to >= at &&
          (fault.kind !== "half-open-link" || dialledAt <= from),
      );
      if (silence) yield { at, text: `${seat} went to ${holder}, of which nothing had been heard for ${at - silence.from} ms` };
    }
  },
};

/** What was heard in the moment of the choice may come too late for it. */
const UNHEARD_OF: Millis = 2_000;

export const candidatesMaySpeak: Property = {
  name: "candidates-may-speak",
  says: "a seat goes to no account that is known to be banned, and to no other number that is known to be restricted: its chats would be cold there",
  *broken(life) {
    const { tables } = life;
    const timeline = timelineOf(life);
    const known = new Map<string, Millis>();
    const holders = new Map<SeatId, Event<"seat">>();
    const back = new Set([...tables.failovers.values()].map(({ seat, from, termAfter }) => `${seat} ${termAfter} ${from}`));
    for (const event of eventsAmong(life, "said", "seat")) {
      if (event.kind === "said") {
        const key = String(event.data["key"]);
        if (event.type === "alert.raised") known.set(key, event.at);
        else if (event.type === "alert.resolved") known.delete(key);
      }
      if (event.kind !== "seat") continue;
      const { at, seat, term, holder } = event;
      const before = holders.get(seat);
      holders.set(seat, event);
      // The way back asks only whether the former holder is well: its own chats are warm to it.
      if (holder === null || before?.term === term || back.has(`${seat} ${term} ${holder}`)) continue;
      const account = accountOf(holder);
      const since = (rule: string): Millis => known.get(`account.${rule}:${account}`) ?? Number.POSITIVE_INFINITY;
      const left = before?.holder ?? null;
      const isTwin = left !== null && accountOf(left) === account;
      for (const rule of isTwin ? ["banned"] : ["banned", "restricted"]) {
        // What is known for no longer may have come after the decision.
        if (since(rule) <= decidedFrom(timeline, at)) {
          yield { at, text: `${seat} went to ${holder}, whose account was known to be ${rule} for ${at - since(rule)} ms` };
        }
      }
    }
  },
};

const isSilence = (fault: Fault): boolean =>
  fault.kind === "silent-path" ||
  fault.kind === "half-open-link" ||
  (fault.kind === "one-way" && fault.dead === "down") ||
  (fault.kind === "outage" && fault.manner === "silent");

/** Those at which the term changed. */
export const changes = (rows: readonly Event<"seat">[]): Event<"seat">[] => {
  const terms = new Map<SeatId, SeatTerm>();
  return rows.filter(({ seat, term }) => {
    const isNew = terms.get(seat) !== term;
    terms.set(seat, term);
    return isNew;
  });
};
