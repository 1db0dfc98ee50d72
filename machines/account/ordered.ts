/**
 * Ends of a link that an operator ordered: they are no faults, and nobody is alerted.
 *
 * An order names the end that it leads to, and lapses: what comes otherwise, or later, is a fault like any other.
 */
import type { CloseReason } from "../ports/connection.ts";
import type { Millis } from "../ports/ids.ts";

export interface OrderedEnd {
  readonly reason: CloseReason;
  readonly at: Millis;
}
/** WhatsApp answers within seconds. Where the link broke meanwhile, the next dial is told. */
const HOLDS: Millis = 30_000;

export const isOrdered = (order: OrderedEnd | null, closed: OrderedEnd): boolean =>
  order !== null && closed.reason === order.reason && closed.at - order.at <= HOLDS;
