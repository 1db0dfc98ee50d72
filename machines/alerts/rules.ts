/** The rules that are measured, with their limits. Those that charts raise need none: they are listed in docs/alerts.md. */
import type { Millis } from "../ports/ids.ts";
import type { Limits } from "./watch.ts";

const SECOND: Millis = 1000;

export type WatchedRule =
  | "queue.age"
  | "queue.held"
  | "ack.latency"
  | "error.rate"
  | "standby.none"
  | "seat.vacant"
  | "seat.away"
  | "seat.doubled"
  | "disk.low"
  | "store.slow"
  | "lease.age"
  | "clock.off"
  | "failover.averted"
  | "failover.often"
  | "failover.calledOff"
  | "webhook.dead"
  | "account.phone"
  | "fleet.paused";

const above = (warning: number | null, critical: number | null, holds: Millis): Limits => ({
  isLow: false,
  warning,
  critical,
  holds,
});
const below = (warning: number | null, critical: number | null, holds: Millis): Limits => ({
  isLow: true,
  warning,
  critical,
  holds,
});

export const RULES: Readonly<Record<WatchedRule, Limits & { readonly unit: string; readonly about: string }>> = {
  "queue.age": { ...above(60, 300, 15 * SECOND), unit: "s", about: "age of the oldest message that waits on a seat" },
  "queue.held": { ...above(0, null, 0), unit: "messages", about: "messages of a seat that wait for an operator's word" },
  "ack.latency": {
    ...above(5, 15, 0),
    unit: "s",
    about: "time until WhatsApp acknowledges a seat's messages, 99th percentile",
  },
  "error.rate": {
    ...above(0.05, 0.25, 0),
    unit: "share",
    about: "messages of a seat that failed, of those that ended within five minutes",
  },
  "standby.none": { ...below(1, null, 30 * SECOND), unit: "devices", about: "devices of a line that could take over a seat now" },
  "seat.vacant": { ...above(null, 0, 60 * SECOND), unit: "yes is 1", about: "whether nobody speaks for a seat" },
  "seat.away": { ...above(0, null, 0), unit: "yes is 1", about: "whether another number than its own speaks for a seat" },
  "seat.doubled": { ...above(null, 1, 5 * SECOND), unit: "devices", about: "masters' devices that may write for a seat" },
  "disk.low": { ...below(1000, 200, 0), unit: "MB", about: "space that is left where the store is" },
  "store.slow": { ...above(0.5, 2, 10 * SECOND), unit: "s", about: "time that the store takes to answer" },
  "lease.age": {
    ...above(null, 10, 0),
    unit: "s",
    about: "since it was last seen that the store's file and its lock are this supervisor's own",
  },
  "clock.off": {
    ...above(10, null, 30 * SECOND),
    unit: "s",
    about: "how far this machine's clock was set since the start of the supervisor, which goes on by the old one",
  },
  "failover.averted": {
    ...above(0.5, null, 0),
    unit: "share",
    about: "failovers of the last day that were called off as false alarms",
  },
  "failover.often": { ...above(2, null, 0), unit: "times", about: "failovers of a seat within the last hour" },
  "failover.calledOff": {
    ...above(2, null, 0),
    unit: "times",
    about: "failovers of a seat within the last hour that were averted",
  },
  "webhook.dead": { ...above(0, null, 0), unit: "deliveries", about: "deliveries to a webhook that were given up" },
  "account.phone": {
    ...above(10, null, 600 * SECOND),
    unit: "days",
    about: "how long an account's phone has not confirmed what the account sends",
  },
  "fleet.paused": { ...above(3600, null, 0), unit: "s", about: "how long automatic failover is switched off" },
};

/** What charts say themselves. */
export const SAID_RULES = [
  "account.banned",
  "account.cap",
  "account.checkup",
  "account.restricted",
  "actor.died",
  "alerts.channel",
  "audit.broken",
  "balance.strategy",
  "device.banned",
  "device.failed",
  "device.keys",
  "device.loggedOut",
  "device.outdated",
  "device.replaced",
  "device.unreachable",
  "fleet.brake",
  "fleet.outage",
  "seat.stranded",
] as const;

export const isWatched = (rule: string): rule is WatchedRule => Object.hasOwn(RULES, rule);
