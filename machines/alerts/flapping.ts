/**
 * Alerts that come and go. The first few times each is told; then that it comes and goes; and then nothing, until it has been
 * steady for a while, one way or the other.
 */
import type { Millis } from "../ports/ids.ts";

export interface Flapping {
  /** Raised so often within that span, it comes and goes. */
  readonly times: number;
  readonly within: Millis;
  /** As it is for so long, it does not any more. */
  readonly steady: Millis;
}
export const FLAPPING: Flapping = { times: 4, within: 600_000, steady: 300_000 };

/** When an alert of one key was raised of late, the newest last. */
export type Raises = Readonly<Record<string, readonly Millis[]>>;

export const noted = (raises: Raises, key: string, at: Millis, { times, within }: Flapping): Raises => ({
  ...Object.fromEntries(Object.entries(raises).filter(([, known]) => (known.at(-1) ?? 0) > at - within)),
  [key]: [...(raises[key] ?? []).filter((each) => each > at - within), at].slice(-times),
});

export const comesAndGoes = (raises: Raises, key: string, at: Millis, { times, within }: Flapping): boolean =>
  (raises[key] ?? []).filter((each) => each > at - within).length >= times;
