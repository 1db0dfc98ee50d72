/** What is written down about decisions: failovers, alerts, audit entries, events. Plain data, JSON-safe, no numbers, no text of messages. */
import type { AccountId, DeviceId, FailoverId, Millis, SeatId, SeatTerm } from "./ids.ts";

export type Ladder = "twin" | "account" | "reconnect";
/**
 * Why a holder was given up. `silent`: evidence gone. `unacknowledged`: sends get no ack. `failback`: the seat's own account is
 * well again. `removed`: it is no longer declared. The rest: see CloseReason.
 */
export type FailoverCause =
  | "silent"
  | "unacknowledged"
  | "closed"
  | "replaced"
  | "loggedOut"
  | "banned"
  | "operator"
  | "failback"
  | "removed"
  | "startup";
export type FailoverOutcome = "running" | "inService" | "averted" | "rolledBack" | "exhausted" | "interrupted" | "aborted";

/** Times on the fleet's clock; null until reached. */
export interface FailoverRecord {
  readonly id: FailoverId;
  readonly seat: SeatId;
  readonly cause: FailoverCause;
  readonly from: DeviceId | null;
  readonly to: DeviceId | null;
  readonly termBefore: SeatTerm;
  readonly termAfter: SeatTerm | null;
  readonly outcome: FailoverOutcome;
  readonly ladder: Ladder | null;
  readonly lastEvidenceAt: Millis | null;
  readonly detectedAt: Millis;
  readonly chosenAt: Millis | null;
  readonly committedAt: Millis | null;
  readonly inServiceAt: Millis | null;
  readonly endedAt: Millis | null;
  /** Each step as a sentence with its evidence, in order: what `why SEAT` prints. */
  readonly steps: readonly { at: Millis; text: string }[];
}

export type AlertLevel = "warning" | "critical";
export interface AlertRow {
  /** What it is about, and the rule: `device.failed:sales-1/a`. At most one open alert a key. */
  readonly key: string;
  readonly rule: string;
  readonly subject: string;
  readonly level: AlertLevel;
  readonly state: "open" | "resolved";
  readonly text: string;
  readonly raisedAt: Millis;
  readonly resolvedAt: Millis | null;
  /** How often it was raised again while open. */
  readonly repeats: number;
}

/** Who did what to whom, and why. */
export interface AuditDraft {
  readonly at: Millis;
  /** "orchestrator", "operator:NAME", "supervisor". */
  readonly actor: string;
  /** "seat.moved", "account.standing", "device.linked", … */
  readonly action: string;
  readonly subject: SeatId | DeviceId | AccountId | string;
  readonly text: string;
  readonly evidence: Readonly<Record<string, string | number | boolean | null>>;
}
export interface AuditRow extends AuditDraft {
  readonly seq: number;
}

/** What happened, for anyone who follows along (the terminal, later SSE and webhooks). */
export interface FleetEvent {
  readonly at: Millis;
  readonly type: string;
  readonly subject: string;
  readonly data: Readonly<Record<string, string | number | boolean | null>>;
}
export interface FleetEventRow extends FleetEvent {
  readonly seq: number;
}
