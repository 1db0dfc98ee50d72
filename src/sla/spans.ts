/** Stretches of time: from, up to but not including to. Milliseconds. */
import type { Millis } from "../../machines/ports/ids.ts";

export interface Span {
  readonly from: Millis;
  readonly to: Millis;
}

/** In order, without overlaps. */
export const union = (spans: readonly Span[]): Span[] => {
  const merged: { from: Millis; to: Millis }[] = [];
  for (const { from, to } of spans.toSorted((one, other) => one.from - other.from)) {
    const last = merged.at(-1);
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else if (to > from) merged.push({ from, to });
  }
  return merged;
};

/** What of it lies within `bounds`. */
export const within = (spans: readonly Span[], bounds: Span): Span[] =>
  spans.flatMap(({ from, to }) => {
    const [start, end] = [Math.max(from, bounds.from), Math.min(to, bounds.to)];
    return end > start ? [{ from: start, to: end }] : [];
  });

export const lengthOf = (spans: readonly Span[]): Millis => spans.reduce((sum, { from, to }) => sum + (to - from), 0);
