/** A seat as a row of a table: id, who speaks for it, phase, what waits, for how long, what is held. */
import type { SeatStatus } from "../runtime/control-protocol.ts";
import { span } from "./text.ts";

export const seatCells = ({ id, holder, phase, queue }: SeatStatus): string[] => [
  id,
  holder ?? "nobody",
  phase,
  String(queue.open),
  queue.oldestMs === null ? "-" : span(queue.oldestMs),
  String(queue.held),
];
