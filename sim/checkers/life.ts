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

const WORKED_OUT = Symbol("worked out");
const workedOut = (life: Life): Map<unknown, unknown> => {
  const known = (life as { readonly [WORKED_OUT]?: Map<unknown, unknown> })[WORKED_OUT];
  if (known) return known;
  const none = new Map<unknown, unknown>();
  // Another life that is made of this one has to be looked at anew: what can't be listed is not copied.
  Object.defineProperty(life, WORKED_OUT, { value: none });
  return none;
};

/**
 * What several checkers ask of a run that is over, worked out once for each. Kept with the life: V8's nursery does not clear what a weak
 * map that is older than it holds.
 */
export const oncePerLife = <T extends object>(work: (life: Life) => T): ((life: Life) => T) => {
  return (life) => {
    const known = workedOut(life);
    let result = known.get(work) as T | undefined;
    if (!result) known.set(work, (result = work(life)));
    return result;
  };
};

/** Events, and where in the ledger each of them is. */
interface Listed {
  readonly events: Recorded[];
  readonly places: number[];
}
const listsOf = oncePerLife(({ events }): ReadonlyMap<Kind, Listed> => {
  const lists = new Map<Kind, Listed>();
  for (let place = 0; place < events.length; place++) {
    const event = events[place] as Recorded;
    const list = lists.get(event.kind);
    if (list) {
      list.events.push(event);
      list.places.push(place);
    } else lists.set(event.kind, { events: [event], places: [place] });
  }
  return lists;
});
const NOTHING: Listed = { events: [], places: [] };

export const eventsOf = <K extends Kind>(life: Life, kind: K): readonly Event<K>[] =>
  (listsOf(life).get(kind) ?? NOTHING).events as Event<K>[];

/** All of these kinds, in the order in which they happened. */
export const eventsAmong = <K extends Kind>(life: Life, ...kinds: readonly K[]): readonly Event<K>[] => {
  const lists = listsOf(life);
  return kinds.reduce((merged, kind) => merge(merged, lists.get(kind) ?? NOTHING), NOTHING).events as Event<K>[];
};

const merge = (one: Listed, other: Listed): Listed => {
  if (one.events.length === 0) return other;
  if (other.events.length === 0) return one;
  const merged: Listed = { events: [], places: [] };
  for (let i = 0, j = 0; i < one.events.length || j < other.events.length; ) {
    const isOne = (one.places[i] ?? Infinity) < (other.places[j] ?? Infinity);
    const from = isOne ? one : other;
    const place = isOne ? i++ : j++;
    merged.events.push(from.events[place] as Recorded);
    merged.places.push(from.places[place] as number);
  }
  return merged;
};

/** Spans in which something was broken, an operator's own orders apart. */
export const troubles = (life: Life): { readonly from: Millis; readonly until: Millis }[] => {
  const began = new Map<number, Millis>();
  const spans: { from: Millis; until: Millis }[] = [];
  for (const event of eventsOf(life, "fault")) {
    if (life.faults[event.index]?.kind === "operator") continue;
    if (event.what === "began") began.set(event.index, event.at);
    else {
      spans.push({ from: began.get(event.index) ?? event.at, until: event.at });
      began.delete(event.index);
    }
  }
  return [...spans, ...[...began.values()].map((from) => ({ from, until: life.to }))];
};
