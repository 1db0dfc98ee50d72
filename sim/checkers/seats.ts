/** Always: seats change hands by the rules. */
import type { SeatId, SeatTerm } from "../../machines/ports/ids.ts";
import { eventsOf, type Event, type Property } from "./life.ts";

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

/** Those at which the term changed. */
export const changes = (rows: readonly Event<"seat">[]): Event<"seat">[] => {
  const terms = new Map<SeatId, SeatTerm>();
  return rows.filter(({ seat, term }) => {
    const isNew = terms.get(seat) !== term;
    terms.set(seat, term);
    return isNew;
  });
};
