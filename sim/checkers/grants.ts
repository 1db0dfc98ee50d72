/** Eventually: who may send for a seat is who should, under the seat's term. */
import { accountOf, type AccountId, type Millis, seatOf, servantOf } from "../../machines/ports/ids.ts";
import { eventsOf, type Property } from "./life.ts";

/** A row may have changed a moment ago. */
const MOMENT: Millis = 15_000;

export const grantsFollowTerms: Property = {
  name: "grants-follow-terms",
  says: "at the end the holder of a seat and the servants of its line may send for it under its term, and nobody else, nor under another",
  *broken(life) {
    if (!life.plan.liveness || life.grants.length === 0) return;
    const rows = eventsOf(life, "seat");
    for (const { id, holder, term, phase, line } of life.tables.seats.values()) {
      const changedAt = rows.findLast(({ seat }) => seat === id)?.at ?? life.from;
      if (phase !== "serving" || changedAt > life.to - MOMENT) continue;
      const servants = new Set<AccountId>(life.plan.fleet.lines.find((each) => each.id === line)?.servants ?? []);
      const grants = life.grants.filter(({ seat }) => seatOf(seat) === id);
      for (const grant of grants) {
        const servant = servantOf(grant.seat) ?? accountOf(grant.device);
        const mayServe = servants.has(servant) && servant === accountOf(grant.device);
        if (grant.device !== holder && !mayServe) {
          yield { at: life.to, text: `${grant.device} may still send for ${id}, which is ${String(holder)}'s` };
        } else if (grant.term !== term) {
          yield { at: life.to, text: `${grant.device} may send for ${id} under term ${grant.term}, and the seat's is ${term}` };
        }
      }
      if (!grants.some(({ device }) => device === holder)) {
        yield { at: life.to, text: `${String(holder)} holds ${id} and may not send for it` };
      }
    }
  },
};
