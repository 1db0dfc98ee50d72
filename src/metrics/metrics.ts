/** What Prometheus scrapes: counters that run along, and gauges that are read when it asks. */
import { collectDefaultMetrics, Registry } from "prom-client";
import type { Millis } from "../../machines/ports/ids.ts";
import type { FailoverRecord, FleetEvent } from "../../machines/ports/records.ts";
import type { StatusAnswer } from "../runtime/control-protocol.ts";
import { createGauges } from "./gauges.ts";
import { createInstruments, type Instruments } from "./instruments.ts";

export interface Metrics {
  /** For the counting ports. */
  readonly instruments: Instruments;
  /** Something that the fleet said. */
  onEvent(event: FleetEvent): void;
  /** A change of holder has ended. */
  onFailover(record: FailoverRecord): void;
  /** Prometheus' text format. */
  scrape(status: StatusAnswer): Promise<string>;
  readonly contentType: string;
}

/** `leaseAge`: since the store was last seen to be ours. */
export const createMetrics = (leaseAge: () => Millis = () => 0): Metrics => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  // Sums of what stands beside them, and gauges that are called like counters.
  for (const what of ["handles", "requests", "resources"]) registry.removeSingleMetric(`nodejs_active_${what}_total`);
  const instruments = createInstruments(registry);
  const look = createGauges(registry, leaseAge);
  return {
    instruments,
    contentType: registry.contentType,
    onEvent({ type, data }) {
      if (type !== "alert.raised" && type !== "alert.escalated") return;
      instruments.alerts.inc({ rule: String(data["rule"]), level: String(data["level"]) });
    },
    onFailover(record) {
      const { cause, ladder, outcome, lastEvidenceAt, detectedAt, chosenAt, committedAt, inServiceAt } = record;
      instruments.firstAcks.ended(record);
      instruments.failovers.inc({ cause, ladder: ladder ?? "none", outcome });
      const seconds = (from: number | null, to: number | null): number | null =>
        from === null || to === null ? null : Math.max(0, to - from) / 1000;
      const [detection, choice, inService] = [
        seconds(lastEvidenceAt, detectedAt),
        seconds(detectedAt, chosenAt),
        seconds(committedAt, inServiceAt),
      ];
      if (detection !== null) instruments.detection.observe({ cause }, detection);
      if (choice !== null) instruments.choice.observe({ cause }, choice);
      if (inService !== null) instruments.inService.observe({ cause }, inService);
    },
    async scrape(status) {
      look(status);
      return registry.metrics();
    },
  };
};
