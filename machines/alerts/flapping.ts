/**
 * Alerts that come and go. The first few times each is told; then that it comes and goes; and then nothing, until it has been
 * steady for a while, one way or the other.
 */
import type { Millis } from "../ports/ids.ts";

/** Raised so often within the span: it comes and goes. */
const OFTEN = 4;
const WITHIN: Millis = 600_000;
export const STEADY: Millis = 300_000;

/** When an alert of one key was raised of late, the newest last. */
export type Raises = Readonly<Record<string, readonly Millis[]>>;

export const noted = (raises: Raises, key: string, at: Millis): Raises => ({
  ...forgotten(raises, at),
  [key]: [...(raises[key] ?? []).filter((each) => each > at - WITHIN), at].slice(-OFTEN),
});

const forgotten = (raises: Raises, at: Millis): Raises =>
  Object.fromEntries(Object.entries(raises).filter(([, times]) => (times.at(-1) ?? 0) > at - WITHIN));

export const comesAndGoes = (raises: Raises, key: string, at: Millis): boolean =>
  (raises[key] ?? []).filter((each) => each > at - WITHIN).length >= OFTEN;
