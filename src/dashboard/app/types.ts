/** What the API answers, as the page sees it. */
import type { z } from "zod";
import type * as schemas from "../../http/schemas.ts";

export type Seat = z.output<typeof schemas.seat>;
export type Account = z.output<typeof schemas.account>;
export type Device = z.output<typeof schemas.device>;
export type Line = z.output<typeof schemas.line>;
export type Failover = z.output<typeof schemas.failover>;
export type Alert = z.output<typeof schemas.alert>;
export type AuditEntry = z.output<typeof schemas.auditEntry>;
export type FleetEvent = z.output<typeof schemas.event>;
export type Message = z.output<typeof schemas.message>;
export type Conversation = z.output<typeof schemas.conversation>;
export type Key = z.output<typeof schemas.key>;
export type Offer = z.output<typeof schemas.offer>;

export interface Status {
  readonly fleet: string;
  readonly now: number;
  readonly startedAt: number;
  readonly mode: string;
  readonly lines: readonly Line[];
  readonly seats: readonly Seat[];
  readonly accounts: readonly Account[];
  readonly devices: readonly Device[];
  readonly alerts: readonly Alert[];
}
