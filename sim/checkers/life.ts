/** What checkers look at: a run that is over, as it really was. They change nothing. */
import type { Millis } from "../../machines/ports/ids.ts";
import type { Fault } from "../faults/catalogue.ts";
import type { Plan } from "../plan/plan.ts";
import type { Grant } from "../world/device.ts";
import type { Recorded } from "../world/ledger.ts";
import type { Tables } from "../world/store/state.ts";
import type { Accepted } from "../world/workload.ts";

export interface Life {
  readonly plan: Plan;
  /** The world's time at the beginning and at the end of the run. */
  readonly from: Millis;
  readonly to: Millis;
  readonly events: readonly Recorded[];
  /** Messages that applications got a 202 for. */
  readonly accepted: readonly Accepted[];
  /** The store at the end. */
  readonly tables: Tables;
  /** By the index that the ledger names them with; those that were made permanent are there once more. */
  readonly faults: readonly Fault[];
  /** Who might send for which seat at the end, as the connections had it. */
  readonly grants: readonly Grant[];
  /** Actors that have died and were not replaced, at the end. */
  readonly dead: readonly string[];
}

export interface Violation {
  readonly property: string;
  /** Milliseconds after the beginning of the run; null if it concerns the whole. */
  readonly at: Millis | null;
  readonly text: string;
}

/** One thing that must always hold, judged over a whole run. */
export interface Property {
  readonly name: string;
  /** As a sentence. */
  readonly says: string;
  /** What breaks it, in words, and the world's time at which. */
  broken(life: Life): Iterable<{ readonly at: Millis | null; readonly text: string }>;
}

export const violationsOf = (property: Property, life: Life): Violation[] =>
  [...property.broken(life)].map(({ at, text }) => ({
    property: property.name,
    at: at === null ? null : at - life.from,
    text,
  }));

type Kind = Recorded["kind"];
export type Event<K extends Kind> = Extract<Recorded, { kind: K }>;

/** Sorted by kind once for each run that is over: a dozen checkers ask. */
const sorted = new WeakMap<Life["events"], { readonly length: number; readonly kinds: ReadonlyMap<Kind, readonly Recorded[]> }>();

export const eventsOf = <K extends Kind>({ events }: Pick<Life, "events">, kind: K): readonly Event<K>[] => {
  let known = sorted.get(events);
  if (known?.length !== events.length) {
    known = { length: events.length, kinds: Map.groupBy(events, (event) => event.kind) };
    sorted.set(events, known);
  }
  return (known.kinds.get(kind) ?? []) as readonly Event<K>[];
};

/** All of these kinds, in the order in which they happened. */
export const eventsAmong = <K extends Kind>({ events }: Pick<Life, "events">, ...kinds: readonly K[]): readonly Event<K>[] =>
  events.filter((event): event is Event<K> => (kinds as readonly Kind[]).includes(event.kind));

/** Spans in which something was broken, an operator's own orders apart. */
export const troubles = ({ events, faults, to }: Life): { readonly from: Millis; readonly until: Millis }[] => {
  const began = new Map<number, Millis>();
  const spans: { from: Millis; until: Millis }[] = [];
  for (const event of eventsOf({ events }, "fault")) {
    if (faults[event.index]?.kind === "operator") continue;
    if (event.what === "began") began.set(event.index, event.at);
    else {
      spans.push({ from: began.get(event.index) ?? event.at, until: event.at });
      began.delete(event.index);
    }
  }
  return [...spans, ...[...began.values()].map((from) => ({ from, until: to }))];
};
