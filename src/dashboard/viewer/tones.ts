/** What a state means at a glance: the colour of its band. */
export type Tone = "good" | "busy" | "warn" | "bad" | "idle";

/** Worst first: where bands are narrower than a pixel, the worst is the one to be seen. */
export const TONES: readonly Tone[] = ["bad", "warn", "busy", "good", "idle"];

const STATES: { readonly [T in Tone]: string } = {
  good: "serving healthy held good speaking attached automatic sending running inService ready resolved",
  busy: `starting waiting linking connecting opened acquiring renewing recovering resolving draining asking moving selecting
    preparing committing retrying verifying rollingBack retryingBack opening switching checking`,
  warn: `suspect repairing threatened backingOff capped restricted braked paused warning unsure evicted denied rolledBack refused wiping vacant`,
  bad: `failed stranded loggedOut banned suspended replaced outdated exhausted critical outage lost out unwiped`,
  idle: "stopped unlinked unleased unheld unknown standby idle closed drained averted aborted cancelled",
};
const BY_STATE = new Map<string, Tone>(
  Object.entries(STATES).flatMap(([tone, states]) => states.split(/\s+/).map((state) => [state, tone as Tone] as const)),
);

/** Of `outer.inner`: what the inner one says. */
export const toneOf = (state: string): Tone => BY_STATE.get(state.slice(state.lastIndexOf(".") + 1)) ?? "idle";
export const hasTone = (state: string): boolean => BY_STATE.has(state);
