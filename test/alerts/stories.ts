/** What may happen to alerts in a story, whoever is told of them. */
import * as fc from "fast-check";
import { GATHER } from "../../machines/alerts/notices.ts";
import type { AlertLevel } from "../../machines/ports/records.ts";

export const KEYS = ["device.failed:a/1", "device.failed:b/1", "seat.stranded:l/a", "fleet.outage:", "account.banned:a"] as const;

export type Happening =
  | { readonly op: "raise"; readonly key: string; readonly level: AlertLevel }
  | { readonly op: "resolve"; readonly key: string }
  | { readonly op: "ack"; readonly key: string }
  | { readonly op: "silence"; readonly subject: string; readonly length: number }
  | { readonly op: "pass"; readonly span: number };

const key = fc.constantFrom(...KEYS);

/** With their weights, for `fc.oneof` beside what else happens in a story. */
export const HAPPENINGS: readonly fc.WeightedArbitrary<Happening>[] = [
  { weight: 5, arbitrary: fc.record({ op: fc.constant("raise"), key, level: fc.constantFrom("warning", "critical") }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant("resolve"), key }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("ack"), key }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("silence"),
      subject: fc.constantFrom("a", "b", "l"),
      length: fc.integer({ min: 1, max: 100_000 }),
    }),
  },
  { weight: 8, arbitrary: fc.record({ op: fc.constant("pass"), span: fc.constantFrom(1, 200, GATHER, 2000, 31_000, 200_000) }) },
];
