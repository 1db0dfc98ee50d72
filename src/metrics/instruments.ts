/** Every metric, by name: what docs/metrics.md lists. Seconds and totals, as Prometheus wants them. */
import { Counter, Histogram, type Registry } from "prom-client";
import { RULES, SAID_RULES } from "../../machines/alerts/rules.ts";
import type { CloseReason, ConnectionFact } from "../../machines/ports/connection.ts";
import type { FailoverCause, FailoverOutcome, Ladder } from "../../machines/ports/records.ts";
import type { StoreFailure } from "../../machines/ports/store.ts";
import { FirstAcks } from "./first-acks.ts";
import { Grants } from "./grants.ts";

export type Instruments = ReturnType<typeof createInstruments>;

/** Of a fault; the others are orders. */
const FAULTS: readonly FailoverCause[] = ["silent", "unacknowledged", "closed", "replaced", "loggedOut", "banned"];
const ENDS: readonly (readonly [outcome: FailoverOutcome, ladder: Ladder | "none"])[] = [
  ["inService", "twin"],
  ["inService", "account"],
  ["averted", "reconnect"],
  ["exhausted", "none"],
];
const LINK_ENDS: readonly CloseReason[] = [
  "dropped",
  "timedOut",
  "refused",
  "unavailable",
  "stuck",
  "replaced",
  "loggedOut",
  "locked",
  "banned",
];
type Unsent = Extract<ConnectionFact, { kind: "unsent" }>["why"];
const UNSENT: readonly Unsent[] = ["stale", "closed", "unpreparable", "store", "lookup"];
const STORE_FAILURES: readonly StoreFailure["cause"][] = ["full", "busy", "io", "lost"];

/** Up to the targets and a little beyond. */
const FAILOVER = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 30];
const QUICK = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5];
/** Up to the first few tries anew. */
const LAG = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600];
const STORE = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

export const createInstruments = (registry: Registry) => {
  const registers = [registry];
  const counter = <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> =>
    new Counter({ name: `greenroom_${name}`, help, labelNames: [...labelNames], registers });
  const histogram = <L extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labelNames: readonly L[] = [],
  ): Histogram<L> =>
    new Histogram({ name: `greenroom_${name}`, help, buckets: [...buckets], labelNames: [...labelNames], registers });

  const firstAck = histogram(
    "failover_first_ack_seconds",
    "From the last sign of life to the first message that the new holder got acknowledged, if that was soon.",
    FAILOVER,
    ["cause"],
  );
  const instruments = {
    /** No metrics: for the alert that a seat has two holders, and for the first acknowledgement after a failover. */
    grants: new Grants(),
    firstAcks: new FirstAcks((cause, took) => firstAck.observe({ cause }, took / 1000)),
    probes: counter("probes_total", "Probes sent to WhatsApp."),
    probesUnanswered: counter("probes_unanswered_total", "Probes that got no answer in time."),
    probeRoundTrip: histogram("probe_round_trip_seconds", "From a probe to its answer.", QUICK),
    dials: counter("dials_total", "Connections that were dialled."),
    redials: counter("redials_total", "Of those: not the first of their device since the start."),
    linkEnds: counter("link_ends_total", "Connections that ended, by reason.", ["reason"]),

    sent: counter("messages_sent_total", "Messages that were written to a connection."),
    ackSeconds: histogram("message_ack_seconds", "From the write of a message to WhatsApp's acknowledgement.", QUICK),
    unsent: counter("messages_unsent_total", "Sends that were called off before they were written; stale: its term had ended.", [
      "why",
    ]),
    refused: counter("messages_refused_total", "Messages that WhatsApp refused, by its code; other: none that it has.", ["code"]),
    received: counter("messages_received_total", "Messages that came in and are durable."),

    failovers: counter("failovers_total", "Changes of holder that have ended; averted: the holder came back before.", [
      "cause",
      "ladder",
      "outcome",
    ]),
    detection: histogram("failover_detection_seconds", "From the last sign of life to the failure's detection.", FAILOVER, [
      "cause",
    ]),
    choice: histogram("failover_choice_seconds", "From detection to the choice of a stand-in.", FAILOVER, ["cause"]),
    inService: histogram("failover_in_service_seconds", "From the seat's move to its new holder in service.", FAILOVER, [
      "cause",
    ]),
    alerts: counter("alerts_raised_total", "Alerts that were raised.", ["rule", "level"]),

    webhookLag: histogram("webhook_lag_seconds", "From what happened to its delivery to a webhook.", LAG, ["webhook"]),

    storeSeconds: histogram("store_seconds", "From a question to the store to its answer.", STORE, ["op"]),
    storeFailures: counter("store_failures_total", "Questions that the store did not answer, by cause.", ["cause"]),
  };
  // Of a series that begins with its first event `increase` shows nothing, and the first failover is the one that matters.
  const { failovers, detection, choice, inService, alerts, linkEnds, unsent, storeFailures } = instruments;
  for (const cause of FAULTS) {
    for (const [outcome, ladder] of ENDS) failovers.inc({ cause, ladder, outcome }, 0);
    for (const times of [detection, choice, inService, firstAck]) times.zero({ cause });
  }
  for (const rule of [...Object.keys(RULES), ...SAID_RULES])
    for (const level of ["warning", "critical"]) alerts.inc({ rule, level }, 0);
  for (const reason of LINK_ENDS) linkEnds.inc({ reason }, 0);
  for (const why of UNSENT) unsent.inc({ why }, 0);
  for (const cause of STORE_FAILURES) storeFailures.inc({ cause }, 0);
  return instruments;
};
