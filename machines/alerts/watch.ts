/**
 * Alerts about what is measured rather than said: a figure that passes its limit, and stays beyond it, is raised; back within it,
 * and staying there, it is resolved.
 *
 * Invariants: raised once a level; never sooner than `holds` after the figure passed the limit; resolved only if raised. What is no
 * longer measured is well.
 */
import type { Millis } from "../ports/ids.ts";
import type { AlertLevel } from "../ports/records.ts";
import type { Effect } from "../protocol.ts";

/** Beyond: above the limit or, with `isLow`, below it. null: never. */
export interface Limits {
  readonly isLow: boolean;
  readonly warning: number | null;
  readonly critical: number | null;
  readonly holds: Millis;
}
export interface Measure {
  readonly rule: string;
  readonly subject: string;
  readonly value: number;
  /** What to tell people while it is beyond, and once it is not. */
  readonly says: string;
  readonly over: string;
}
interface Watched {
  readonly rule: string;
  readonly subject: string;
  readonly over: string;
  readonly raised: AlertLevel | null;
  /** Since when it is beyond each; null: it is not. */
  readonly warningSince: Millis | null;
  readonly criticalSince: Millis | null;
  readonly wellSince: Millis | null;
}
export type WatchState = ReadonlyMap<string, Watched>;
type AlertEffect = Extract<Effect, { op: "raise" | "resolve" }>;

/** So long it has to be well again before that is said. */
const CLEARS: Millis = 30_000;

const keyOf = ({ rule, subject }: { readonly rule: string; readonly subject: string }): string => `${rule}:${subject}`;

/** `open`: alerts of the watched rules that an earlier life has raised. */
export const startWatch = (open: readonly { rule: string; subject: string; level: AlertLevel }[]): WatchState =>
  new Map(
    open.map(({ rule, subject, level }) => [
      keyOf({ rule, subject }),
      { rule, subject, over: `${subject} is well`, raised: level, warningSince: null, criticalSince: null, wellSince: null },
    ]),
  );

export const watch = (
  before: WatchState,
  measures: readonly Measure[],
  limitsOf: (rule: string) => Limits | undefined,
  at: Millis,
): { readonly state: WatchState; readonly effects: readonly AlertEffect[] } => {
  const state = new Map<string, Watched>();
  const effects: AlertEffect[] = [];
  for (const measure of measures) {
    const limits = limitsOf(measure.rule);
    if (!limits) continue;
    const known = before.get(keyOf(measure));
    const next = judged(known, measure, limits, at);
    if (next.raised !== null && next.raised !== (known?.raised ?? null)) {
      const { rule, subject, says: text } = measure;
      effects.push({ op: "raise", key: keyOf(measure), rule, subject, level: next.raised, text });
    }
    state.set(keyOf(measure), next);
  }
  for (const [key, known] of before) {
    if (!state.has(key)) state.set(key, { ...known, warningSince: null, criticalSince: null, wellSince: known.wellSince ?? at });
  }
  for (const [key, { raised, wellSince, over }] of state) {
    if (raised === null ? wellSince === null : wellSince === null || at < wellSince + CLEARS) continue;
    if (raised !== null) effects.push({ op: "resolve", key, text: over });
    state.delete(key);
  }
  return { state, effects };
};

const judged = (known: Watched | undefined, { rule, subject, value, over }: Measure, limits: Limits, at: Millis): Watched => {
  const isBeyond = (limit: number | null): boolean => limit !== null && (limits.isLow ? value < limit : value > limit);
  const isCritical = isBeyond(limits.critical);
  const isAny = isCritical || isBeyond(limits.warning);
  const criticalSince = isCritical ? (known?.criticalSince ?? at) : null;
  const warningSince = isAny ? (known?.warningSince ?? at) : null;
  const held = (since: Millis | null): boolean => since !== null && at >= since + limits.holds;
  const level = held(criticalSince) ? "critical" : held(warningSince) && limits.warning !== null ? "warning" : null;
  const raised = known?.raised === "critical" ? "critical" : (level ?? known?.raised ?? null);
  return { rule, subject, over, raised, warningSince, criticalSince, wellSince: isAny ? null : (known?.wellSince ?? at) };
};
