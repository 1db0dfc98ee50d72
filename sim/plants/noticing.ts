/** Planted bugs in what is noticed of a device, and who is told. */
import { inChart, inReducer, nothing, type Plant } from "./plant.ts";

export const NOTICING: readonly Plant[] = [
  {
    name: "alert-missing",
    says: "a device that fails raises no alert",
    caughtBy: "detections-alert",
    parts: () => ({ actors: inChart("health", { actions: { raiseAlert: nothing } }) }),
  },
  {
    name: "alert-unresolved",
    says: "a device that is well again leaves its alert open",
    caughtBy: "recoveries-resolve",
    parts: () => ({ actors: inChart("health", { actions: { resolveAlert: nothing } }) }),
  },
  {
    name: "actor-dies",
    says: "health can't do with an account that is out for good",
    caughtBy: "no-actor-dies",
    parts: () => ({
      actors: inChart("seat", {
        actions: {
          toFailover: () => {
            throw new Error("no failover to tell");
          },
        },
      }),
    }),
  },
  {
    name: "stale-detector",
    says: "the detector takes its own probes for evidence",
    caughtBy: "candidates-are-heard",
    parts: () => ({
      actors: inReducer("detector", {
        events: (event) => (event.type === "wake" ? [{ type: "evidence", at: event.at }, event] : [event]),
      }),
    }),
  },
  {
    name: "one-phase-late",
    says: "a device counts as failed one deadline later than it should",
    caughtBy: "timed-detection",
    parts: () => ({
      actors: inReducer("detector", {
        input: (input) => ({
          ...input,
          timers: { ...input.timers, overdue: input.timers.gone, gone: 2 * input.timers.gone - input.timers.overdue },
        }),
      }),
    }),
  },
  {
    name: "ack-clock-ignored",
    says: "sends that nobody acknowledges accuse nobody",
    caughtBy: "timed-detection",
    parts: () => ({ actors: inReducer("detector", { events: (event) => (event.type === "attempt.sent" ? [] : [event]) }) }),
  },
  {
    name: "closing-unheard",
    says: "a link that ends is judged like a silent one",
    caughtBy: "timed-detection",
    parts: () => ({
      actors: inChart("health", { guards: { isOld: (_: unknown, { end }: { end: string }) => end !== "ourOwn" } }),
    }),
  },
];
