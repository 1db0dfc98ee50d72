/**
 * From a plan that breaks a property to the smallest that still does: fewer faults, then shorter, rounder, less of everything.
 *
 * Each part of the world draws from a stream of its own, so what is left does not change when something is taken away.
 */
import { type AccountId, accountOf, type DeviceId, type LineId, type Millis } from "../../machines/ports/ids.ts";
import { judge } from "../chaos/judge.ts";
import type { Fault } from "../faults/catalogue.ts";
import type { Plan } from "./plan.ts";

export interface Shrunk {
  readonly plan: Plan;
  /** Runs that it took. */
  readonly tried: number;
}
export interface ShrinkOptions {
  /** Whether a plan still shows what is looked for. */
  readonly fails?: (plan: Plan) => Millis | null | false;
  /** Runs at most. */
  readonly most?: number;
}

const MOST = 250;

/** Says when the property broke; false if it holds. */
const breaks =
  (property: string) =>
  (plan: Plan): Millis | null | false => {
    const found = judge(plan).violations.find((violation) => violation.property === property);
    return found ? found.at : false;
  };

export const shrink = (plan: Plan, property: string, { fails = breaks(property), most = MOST }: ShrinkOptions = {}): Shrunk => {
  const search = new Search(plan, fails, most);
  search.faults();
  search.try((best) => ({ ...best, liveness: null }));
  search.length();
  search.each(simplerFaults);
  search.each(simplerWorld);
  search.each(smallerFleets);
  search.faults();
  search.length();
  return { plan: search.best, tried: search.tried };
};

class Search {
  best: Plan;
  tried = 0;
  readonly #fails: (plan: Plan) => Millis | null | false;
  readonly #most: number;
  #at: Millis | null | false;

  constructor(plan: Plan, fails: (plan: Plan) => Millis | null | false, most: number) {
    this.best = plan;
    this.#fails = fails;
    this.#most = most;
    this.#at = fails(plan);
  }

  /** Takes the change if the property still breaks. */
  try(change: (best: Plan) => Plan | null): boolean {
    const candidate = change(this.best);
    if (candidate === null || this.tried >= this.#most || same(candidate, this.best) || hasLateFault(candidate)) return false;
    this.tried++;
    const at = this.#fails(candidate);
    if (at === false) return false;
    this.best = candidate;
    this.#at = at;
    return true;
  }

  /** Halves, quarters, … single ones (Zeller and Hildebrandt's ddmin, complements only). */
  faults(): void {
    for (let size = Math.ceil(this.best.faults.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let from = 0; from < this.best.faults.length; ) {
        const isGone = this.try((best) => ({
          ...best,
          faults: [...best.faults.slice(0, from), ...best.faults.slice(from + size)],
        }));
        if (!isGone) from += size;
      }
    }
  }

  /** Nothing after the moment at which it broke, and after the last fault. */
  length(): void {
    const at = this.#at;
    if (typeof at !== "number" || this.best.liveness) return;
    this.try((best) => {
      const last = Math.max(at, ...best.faults.map((fault) => fault.at));
      const length = Math.ceil((last + 1_000) / 1_000) * 1_000;
      return length < best.for
        ? { ...best, for: length, workload: { ...best.workload, until: Math.min(best.workload.until, length) } }
        : null;
    });
  }

  /** One change after the other, again from the start as long as one is taken. */
  each(changes: (best: Plan) => readonly Plan[]): void {
    for (let went = true; went && this.tried < this.#most; ) {
      went = false;
      for (const candidate of changes(this.best)) {
        if (this.try(() => candidate)) {
          went = true;
          break;
        }
      }
    }
  }
}

/** A time that was rounded up may lie beyond the end. */
const hasLateFault = ({ faults, liveness, for: length }: Plan): boolean =>
  faults.some(({ at }) => at >= (liveness?.at ?? length));

const same = (one: Plan, other: Plan): boolean => JSON.stringify(one) === JSON.stringify(other);

// ---- ways to be simpler ----

const simplerFaults = (plan: Plan): Plan[] =>
  plan.faults.flatMap((fault, i) =>
    simplerFault(fault).map((simpler) => ({ ...plan, faults: plan.faults.map((other, j) => (j === i ? simpler : other)) })),
  );

const round = (ms: Millis, to: Millis): Millis => Math.max(to, Math.round(ms / to) * to);

const simplerFault = (fault: Fault): Fault[] => {
  const { at, for: span } = fault;
  const spans = span === "permanent" || span === 0 ? [] : [round(span / 2, 1_000), round(span, 10_000), round(span, 1_000)];
  return [
    ...spans.filter((length) => length < (span as Millis) || length % 1_000 === 0).map((length) => ({ ...fault, for: length })),
    { ...fault, at: round(at, 10_000) },
    { ...fault, at: round(at, 1_000) },
  ].filter((simpler) => weight(simpler) < weight(fault));
};
/** Shorter is simpler, and so is rounder. */
const weight = ({ at, for: span }: Fault): number =>
  (at % 10_000 === 0 ? 0 : at % 1_000 === 0 ? 1 : 2) +
  (typeof span === "number" ? span / 1_000 + (span % 10_000 === 0 ? 0 : span % 1_000 === 0 ? 0.1 : 0.2) : 0);

const simplerWorld = (plan: Plan): Plan[] => {
  const { workload, fleet } = plan;
  const { settings } = fleet;
  const worlds: Plan[] = [];
  if (Object.keys(settings).length > 0) worlds.push({ ...plan, fleet: { ...fleet, settings: {} } });
  for (const key of Object.keys(settings) as (keyof typeof settings)[]) {
    const { [key]: _, ...rest } = settings;
    worlds.push({ ...plan, fleet: { ...fleet, settings: rest } });
  }
  if (workload.writes > 0) worlds.push({ ...plan, workload: { ...workload, writes: 0 } });
  if (workload.sends > 0) worlds.push({ ...plan, workload: { ...workload, sends: 0 } });
  for (const key of ["bulk", "bursts", "vips", "countries", "atMoves", "cancels"] as const) {
    const { [key]: given, ...rest } = workload;
    if (given !== undefined) worlds.push({ ...plan, workload: rest });
  }
  if (workload.warm < 1) worlds.push({ ...plan, workload: { ...workload, warm: 1 } });
  return worlds;
};

/** Without a line, without a servant, without a master that nothing names. */
const smallerFleets = (plan: Plan): Plan[] => {
  const { lines, accounts } = plan.fleet;
  const lesser = lines.length > 1 ? lines.map(({ id }) => lines.filter((line) => line.id !== id)) : [];
  const servants = lines.some((line) => line.servants.length > 0) ? [lines.map((line) => ({ ...line, servants: [] }))] : [];
  const masters = accounts.flatMap(({ id, role }) =>
    role === "master" && lines.every((line) => line.masters.length > 1 || !line.masters.includes(id))
      ? [lines.map((line) => ({ ...line, masters: line.masters.filter((master) => master !== id) }))]
      : [],
  );
  return [...lesser, ...servants, ...masters].flatMap((fewer) => withLines(plan, fewer) ?? []);
};

/** Null if a fault or the core needs what would be gone. */
const withLines = (plan: Plan, lines: Plan["fleet"]["lines"]): Plan | null => {
  const kept = new Set(lines.flatMap(({ masters, servants }) => [...masters, ...servants]));
  const accounts = plan.fleet.accounts.filter(({ id }) => kept.has(id));
  const devices = new Set<DeviceId>(accounts.flatMap((account) => account.devices));
  const seats = new Set<string>(lines.flatMap(({ id, masters }) => masters.map((master) => `${id}/${master}`)));
  const isThere = ({ target }: Fault): boolean => {
    if ("device" in target) return devices.has(target.device);
    if ("account" in target) return kept.has(target.account);
    return !("seat" in target) || seats.has(target.seat);
  };
  if (!plan.faults.every(isThere)) return null;
  const { pacing, caps, lines: perLine, ...settings } = plan.fleet.settings;
  const core = plan.liveness?.core.filter((device) => devices.has(device)) ?? [];
  const isServed = lines.every(({ masters }) => core.some((device) => masters.includes(accountOf(device))));
  if (plan.liveness && !isServed) return null;
  return {
    ...plan,
    fleet: {
      accounts,
      lines,
      settings: {
        ...settings,
        ...(pacing ? { pacing: ofKept(pacing, kept) } : {}),
        ...(caps ? { caps: ofKept(caps, kept) } : {}),
        ...(perLine ? { lines: linesOf(perLine, lines, kept) } : {}),
      },
    },
    liveness: plan.liveness ? { ...plan.liveness, core } : null,
  };
};

type PerLine = NonNullable<Plan["fleet"]["settings"]["lines"]>;
type PlannedBalance = NonNullable<PerLine[LineId]["balance"]>;
type Kept = ReadonlySet<AccountId>;

const ofKept = <V>(byAccount: Readonly<Record<string, V>>, kept: Kept): Record<string, V> =>
  Object.fromEntries(Object.entries(byAccount).filter(([id]) => kept.has(id as AccountId)));

/** What is set for lines, without lines and accounts that are gone: a plan that names them can't be read again. */
const linesOf = (perLine: PerLine, lines: Plan["fleet"]["lines"], kept: Kept): PerLine =>
  Object.fromEntries(
    Object.entries(perLine)
      .filter(([id]) => lines.some((line) => line.id === id))
      .map(([id, { balance, ...each }]) => [id, { ...each, ...(balance ? { balance: balanceOf(balance, kept) } : {}) }]),
  );

const balanceOf = (balance: PlannedBalance, kept: Kept): PlannedBalance => ({
  ...balance,
  weights: ofKept(balance.weights, kept),
  geo: {
    ...balance.geo,
    regions: balance.geo.regions.map((region) => ({ ...region, masters: region.masters.filter((id) => kept.has(id)) })),
  },
});
