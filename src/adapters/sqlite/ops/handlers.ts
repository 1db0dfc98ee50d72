/** One function an operation: carries it out inside the transaction of its batch, and throws if it can't. */
import type { StoreCommand, StoreOp, StoreOps } from "../../../../machines/ports/store.ts";
import type { Clock } from "../../../../machines/ports/clock.ts";
import type { Database } from "../database.ts";
import type { Seal } from "../seal.ts";

export type Handlers = { readonly [K in StoreOp]: (input: StoreOps[K]["in"]) => StoreOps[K]["out"] };

/** What handlers work with. */
export interface Bench {
  readonly db: Database;
  readonly seal: Seal;
  readonly clock: Clock;
  readonly maxJournal: number;
  readonly countryOf: (pn: string) => string | null;
}

export const carryOut = <K extends StoreOp>(handlers: Handlers, command: StoreCommand<K>): StoreOps[K]["out"] =>
  handlers[command.op](command);

const READS: ReadonlySet<StoreOp> = new Set<StoreOp>([
  "fleet.load",
  "failover.list",
  "outbox.open",
  "outbox.get",
  "outbox.list",
  "outbox.counts",
  "conversation.get",
  "traffic.load",
  "contact.get",
  "inbox.get",
  "inbox.read",
  "media.needed",
  "performance.read",
  "creds.load",
  "keys.load",
  "alert.list",
  "audit.read",
  "events.read",
  "journal.read",
]);
/** Whether the operation needs a transaction of its own to be durable. */
export const isRead = (op: StoreOp): boolean => READS.has(op);

/** SQLite's integers: the clock may give fractions of a millisecond. */
export const whole = (value: number): number => Math.round(value);
export const wholeOrNull = (value: number | null): number | null => (value === null ? null : Math.round(value));
