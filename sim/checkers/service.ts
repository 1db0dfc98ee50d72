/** How well the fleet served: availability, and changes of holder that no fault explains. */
import { accountOf, type Millis, type SeatId } from "../../machines/ports/ids.ts";
import { eventsOf, type Life } from "./life.ts";
import { overlaps, type Span, type Timeline } from "./timeline.ts";

/** A message may wait so long for its acknowledgement before its seat counts as down. */
const PATIENCE: Millis = 10_000;
/** What a fault leads to may show so long after it. */
const AFTERMATH: Millis = 60_000;
/** From the first sign to the change of holder, at most. */
const FAILING: Millis = 12_000;

export interface Service {
  readonly seatMs: Millis;
  readonly downMs: Millis;
  /** Changes of holder that no fault, operator or start explains. */
  readonly falseNumberChanges: number;
  readonly falseTwinHandovers: number;
}

export const serviceOf = (timeline: Timeline): Service => {
  const { life } = timeline;
  const seats = [...life.tables.seats.keys()];
  const outages = timeline.faults.filter(({ fault }) => fault.kind === "outage");
  const down = downSpans(life);
  const downMs = seats.reduce((sum, seat) => sum + lengthOf(without(union(down.get(seat) ?? []), outages)), 0);
  return { seatMs: seats.length * (life.to - life.from), downMs, ...unexplained(timeline) };
};

// ---- availability ----

/** Accepted messages, neither paced nor held nor failed, that waited longer than `PATIENCE`: from then until WhatsApp's word. */
const downSpans = (life: Life): ReadonlyMap<SeatId, Span[]> => {
  const { pacing = {}, caps = {} } = life.plan.fleet.settings;
  const acked = new Map<string, Millis>();
  for (const { waId, at } of eventsOf(life, "accepted")) if (!acked.has(waId)) acked.set(waId, at);
  const stuck = new Set(
    life.tables.outbox.flatMap(({ state, conversation }) => (state === "held" || state === "failed" ? [conversation] : [])),
  );
  // By the world's clock: a row has its node's.
  const acceptedAt = new Map(life.accepted.map(({ id, at }) => [id, at]));
  const spans = new Map<SeatId, Span[]>();
  for (const { id, seat, waId, conversation, attempts, acceptedAt: byNode } of life.tables.outbox) {
    const from = (acceptedAt.get(id) ?? byNode) + PATIENCE;
    const to = Math.min(acked.get(waId) ?? life.to, life.to);
    if (to <= from || stuck.has(conversation)) continue;
    const isPaced = attempts.some(({ device }) => accountOf(device) in pacing || accountOf(device) in caps);
    if (!isPaced) spans.set(seat, [...(spans.get(seat) ?? []), { from, to }]);
  }
  return spans;
};

const union = (spans: readonly Span[]): Span[] => {
  const merged: { from: Millis; to: Millis }[] = [];
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last && span.from <= last.to) last.to = Math.max(last.to, span.to);
    else merged.push({ ...span });
  }
  return merged;
};
const without = (spans: readonly Span[], holes: readonly Span[]): Span[] =>
  holes.reduce<Span[]>(
    (rest, hole) =>
      rest.flatMap((span) =>
        overlaps(span, hole.from, hole.to)
          ? [
              { from: span.from, to: Math.min(span.to, hole.from) },
              { from: Math.max(span.from, hole.to), to: span.to },
            ].filter(({ from, to }) => to > from)
          : [span],
      ),
    [...spans],
  );
const lengthOf = (spans: readonly Span[]): Millis => spans.reduce((sum, { from, to }) => sum + (to - from), 0);

// ---- changes without a fault ----

const unexplained = (timeline: Timeline): Pick<Service, "falseNumberChanges" | "falseTwinHandovers"> => {
  let falseNumberChanges = 0;
  let falseTwinHandovers = 0;
  const records = [...timeline.life.tables.failovers.values()];
  for (const [seat, rows] of timeline.seats) {
    for (const [i, row] of rows.entries()) {
      const before = rows[i - 1];
      if (!before?.holder || !row.holder || row.term === before.term || row.holder === before.holder) continue;
      // Each of its commits has a term of its own: a candidate that did not answer, the next one, the way back.
      const record = records.find(
        ({ seat: moved, termBefore, termAfter }) => moved === seat && termBefore < row.term && row.term <= (termAfter ?? 0),
      );
      const cause = record?.cause;
      if (cause === "operator" || cause === "failback" || cause === "removed" || cause === "startup") continue;
      // A second candidate, or the way back, has the cause of the first.
      const left = record?.from ?? before.holder;
      if (isExplained(timeline, left, row.at) || isExplained(timeline, before.holder, row.at)) continue;
      if (accountOf(row.holder) === accountOf(before.holder)) falseTwinHandovers++;
      else falseNumberChanges++;
    }
  }
  return { falseNumberChanges, falseTwinHandovers };
};

const isExplained = (timeline: Timeline, device: Parameters<Timeline["wasTouched"]>[0], at: Millis): boolean =>
  // It has not been well since something that is long over.
  !timeline.servedThrough(device, at - AFTERMATH, at - FAILING) ||
  timeline.wasTouched(device, at - AFTERMATH, at) ||
  timeline.faults.some(
    (span) =>
      overlaps(span, at - AFTERMATH, at) &&
      ("all" in span.fault.target || "node" in span.fault.target || "region" in span.fault.target),
  );
