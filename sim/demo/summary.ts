/** The demo's result for people: a row a fault, the bounds, and the count at the phones. */
import { cpus, totalmem } from "node:os";
import type { FaultRow } from "./measure.ts";
import { TARGETS } from "./measure.ts";
import type { DemoResult } from "./run.ts";

export const summary = ({ fleet, faults, skipped, messages, met }: DemoResult): string =>
  [
    "",
    ...table([HEAD, ...faults.map(cells)]),
    "",
    `ms since the fault. Bounds: detected ${TARGETS.detected}, chosen ${TARGETS.chosen} later, in service ${TARGETS.inService} after the commit, first ack ${TARGETS.firstAck}.`,
    `Fleet: ${fleet.lines} lines, ${fleet.masters} masters (${fleet.twins} with a twin), ${fleet.servants} servants, ${fleet.devices} connections.`,
    `Messages: ${messages.accepted} accepted, ${messages.acknowledged} acknowledged, ${messages.held} held, ${messages.lost} lost, ${messages.duplicatesUnmarked} unmarked duplicates, ${messages.outOfOrder} out of order.`,
    `Inbound: ${messages.inbound.written} written, ${messages.inbound.stored} stored.`,
    `Machine: ${cpus().length} x ${cpus()[0]?.model ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}.`,
    ...(skipped.length > 0 ? [`Not played, the time was up (--seconds): ${skipped.join("; ")}.`] : []),
    ...faults.filter((row) => !row.met).map((row) => `MISSED ${row.fault} on ${row.seat}: ${row.missed.join("; ")}`),
    met ? "All targets met." : "Not all targets met.",
    "",
  ].join("\n");

const HEAD = ["fault", "seat", "twin", "ladder", "detected", "chosen", "in service", "first ack", ""];
const ms = (value: number | null): string => (value === null ? "-" : String(Math.round(value)));
const cells = (row: FaultRow): string[] => [
  row.fault,
  row.seat.slice(row.seat.indexOf("/") + 1),
  row.twin ? "yes" : "no",
  row.ladder,
  ms(row.detectedMs),
  ms(row.chosenMs),
  ms(row.inServiceMs),
  ms(row.firstAckMs),
  row.met ? "met" : "MISSED",
];

/** Columns as wide as their widest cell; figures to the right. */
export const table = (rows: readonly (readonly string[])[]): string[] => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const isFigure = (column: number): boolean => column >= 4 && column <= 7;
  return rows.map((row) =>
    row
      .map((cell, column) => (isFigure(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
};
