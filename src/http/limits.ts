/** How much one caller may ask: a token bucket each. Callers are few (keys), or bounded (addresses that sent no valid key). */
import type { Millis } from "../../machines/ports/ids.ts";

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** The one that was seen longest ago makes room. */
const CALLERS = 10_000;

export class RateLimit {
  readonly #rate: Rate;
  readonly #now: () => Millis;
  readonly #callers = new Map<string, { tokens: number; at: Millis }>();

  constructor(rate: Rate, now: () => Millis) {
    this.#rate = rate;
    this.#now = now;
  }

  /** 0: go on. Otherwise nothing was taken, and it is milliseconds until something can be. */
  take(caller: string): Millis {
    const { perSecond, burst } = this.#rate;
    const at = this.#now();
    const known = this.#callers.get(caller);
    const tokens = known ? Math.min(burst, known.tokens + ((at - known.at) * perSecond) / 1000) : burst;
    const taken = tokens >= 1 ? 1 : 0;
    // Anew at the end: the map's order is the order of use.
    this.#callers.delete(caller);
    this.#callers.set(caller, { tokens: tokens - taken, at });
    if (this.#callers.size > CALLERS) this.#callers.delete(this.#callers.keys().next().value as string);
    return taken === 1 ? 0 : Math.ceil(((1 - tokens) * 1000) / perSecond);
  }
}
