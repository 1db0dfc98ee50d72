/** The demo's result for people: a row a fault, the bounds, and the count at the phones. */
import { TARGETS } from "./judge.ts";
import type { FaultRow } from "./measure.ts";
import type { DemoResult } from "./run.ts";

export const summary = ({ fleet, faults, alerts, skipped, messages, interrupted, seconds, load, met }: DemoResult): string =>
  [
    "",
    ...table([HEAD, ...faults.map(cells)], FIGURES),
    "",
    `ms since the fault. Bounds: detected ${TARGETS.detected}, alert ${TARGETS.told}, chosen ${TARGETS.chosen} later, in service ${TARGETS.inService} after the commit, first ack ${TARGETS.firstAck}.`,
    alertLine(alerts),
    `Fleet: ${fleet.lines} lines, ${fleet.masters} masters (${fleet.twins} with a twin), ${fleet.servants} servants, ${fleet.devices} connections. ${seconds} s in all.`,
    `Messages: ${messages.accepted} accepted, ${messages.acknowledged} acknowledged, ${messages.held} held, ${messages.open} under way, ${messages.lost} lost, ${messages.outOfOrder} out of order; ${messages.duplicatesMarked} came twice after an unanswered attempt, ${messages.duplicatesUnmarked} without one.`,
    inboundLine(messages.inbound),
    `Machine: ${load.machine}; ${Math.round(load.cpuShare * 100)} % of a core; event loop late by ${load.lagMs.p99} ms (p99), ${load.lagMs.max} ms at worst.`,
    ...(skipped.length > 0 ? [`Not played${interrupted ? "" : ", the time was up (--seconds)"}: ${skipped.join("; ")}.`] : []),
    ...[...messages.troubles, ...messages.inbound.troubles].map((trouble) => `MISSED ${trouble}`),
    ...(messages.refused > 0 ? [`MISSED ${messages.refused} messages were not accepted`] : []),
    ...faults.filter((row) => !row.met).map((row) => `MISSED ${row.fault} on ${row.seat}: ${row.missed.join("; ")}`),
    interrupted ? "Interrupted: this is what was seen so far." : met ? "All targets met." : "Not all targets met.",
    "",
  ].join("\n");

const alertLine = ({ owed, told, p50Ms, maxMs, boundMs, met }: DemoResult["alerts"]): string =>
  `fault → first alert on a channel: ${told} of ${owed} told, p50 ${ms(p50Ms)}, max ${ms(maxMs)}, bound ${boundMs}: ${met ? "met" : "MISSED"}.`;

const inboundLine = ({ written, stored, lost, repeated, unreachable }: DemoResult["messages"]["inbound"]): string =>
  `Inbound: ${written} written, ${stored} stored, ${lost} lost, ${repeated} stored twice${unreachable > 0 ? `; ${unreachable} more were written while the number had no linked device` : ""}.`;

const HEAD = ["fault", "seat", "twin", "ladder", "detected", "alert", "chosen", "in service", "first ack", ""];
const FIGURES = [4, 5, 6, 7, 8];
const ms = (value: number | null): string => (value === null ? "-" : String(Math.round(value)));
const cells = (row: FaultRow): string[] => [
  row.fault,
  row.seat.slice(row.seat.indexOf("/") + 1),
  row.twin ? "yes" : "no",
  row.ladder,
  ms(row.detectedMs),
  ms(row.toldMs),
  ms(row.chosenMs),
  ms(row.inServiceMs),
  ms(row.firstAckMs),
  row.met ? "met" : "MISSED",
];

/** Columns as wide as their widest cell; those in `figures` to the right. */
export const table = (rows: readonly (readonly string[])[], figures: readonly number[]): string[] => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (figures.includes(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
};
