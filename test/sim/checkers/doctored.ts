/** A short life that breaks nothing, and ways to falsify its record: each checker has to notice. */
import type { Life, Property } from "../../../sim/checkers/life.ts";
import { lifeOf } from "../../../sim/plan/life.ts";
import { PLAN_VERSION, type Plan } from "../../../sim/plan/plan.ts";
import { runPlan } from "../../../sim/plan/run.ts";
import type { Recorded } from "../../../sim/world/ledger.ts";
import { demoFleet } from "../../../sim/world/reference.ts";
import type { AccountId, DeviceId, SeatId } from "../../../machines/ports/ids.ts";

/** The holder of a seat is logged out and its twin takes over; a minute later all is well. */
export const plan: Plan = {
  version: PLAN_VERSION,
  seed: "doctored",
  fleet: { ...demoFleet(), settings: { pacing: { ["support-1" as AccountId]: { perSecond: 5, burst: 10 } } } },
  workload: { from: 15_000, until: 140_000, peoplePerLine: 10, sends: 2, writes: 0.5, warm: 1 },
  faults: [{ kind: "logged-out", target: { seat: "sales/sales-1" as SeatId }, at: 90_000, for: "permanent" }],
  liveness: { at: 110_000, core: ["sales-1/a", "sales-1/b", "support-1/a"] as DeviceId[] },
  for: 260_000,
};

let lived: Life | undefined;
/** Lived once for all tests of a file. */
export const honest = (): Life => {
  lived ??= lifeOf(plan, runPlan(plan));
  return lived;
};

export const brokenIn = (property: Property, life: Life): string[] => [...property.broken(life)].map(({ text }) => text);

type Kind = Recorded["kind"];
type Of<K extends Kind> = Extract<Recorded, { kind: K }>;

export const first = <K extends Kind>(life: Life, kind: K, fits: (event: Of<K>) => boolean = () => true): Of<K> => {
  const found = life.events.find((event): event is Of<K> => event.kind === kind && fits(event as Of<K>));
  if (!found) throw new Error(`nothing of kind ${kind} happened`);
  return found;
};

/** The same life with another ledger. */
export const withEvents = (life: Life, change: (events: readonly Recorded[]) => readonly Recorded[]): Life => ({
  ...life,
  events: change(life.events),
});
export const after = (life: Life, event: Recorded, ...more: readonly Recorded[]): Life =>
  withEvents(life, (events) => {
    const place = events.indexOf(event) + 1;
    return [...events.slice(0, place), ...more, ...events.slice(place)];
  });
export const without = (life: Life, ...gone: readonly Recorded[]): Life =>
  withEvents(life, (events) => events.filter((event) => !gone.includes(event)));
export const withTables = (life: Life, tables: Partial<Life["tables"]>): Life => ({
  ...life,
  tables: { ...life.tables, ...tables },
});
