/** What of alerts has to outlive the process, beside the alerts themselves: what is owed, what was told, who said what. */
import type { Duty, Notice } from "../../machines/alerts/notices.ts";
import type { Silence } from "../../machines/alerts/silence.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import type { AlertRow } from "../../machines/ports/records.ts";

/** `dropped`: more waited than a channel may keep. `failed`: given up after a day of trying. */
export type Delivery = "pending" | "delivered" | "dropped" | "failed";
export interface NoticeRow extends Notice {
  readonly state: Delivery;
  readonly attempts: number;
  /** What came of the last attempt, in words: never an address, never a secret. */
  readonly outcome: string | null;
  readonly endedAt: Millis | null;
}
export interface AlertHistoryRow extends AlertRow {
  readonly acknowledged: { readonly at: Millis; readonly by: string } | null;
}
/** Null: whatever it is. `rule` and `subject` as those of a silence. `from` and `to`: when it was raised. */
export interface AlertSearch {
  readonly rule: string | null;
  readonly subject: string | null;
  readonly from: Millis | null;
  readonly to: Millis | null;
  readonly openOnly: boolean;
  readonly limit: number;
}
/** Of a list in pages. */
export type AlertFilter = Omit<AlertSearch, "limit">;
interface Known {
  readonly duties: readonly Duty[];
  readonly silences: readonly Silence[];
  /** Alerts that hold, and those of which something is owed. */
  readonly alerts: readonly AlertRow[];
  /** Oldest first. */
  readonly pending: readonly NoticeRow[];
}
export interface Kept {
  readonly duties: readonly Duty[];
  /** Of which nothing more is owed. */
  readonly done: readonly Duty[];
  readonly notices: readonly Notice[];
}

/** Rejects when the store did not do it. */
export interface AlertStore {
  /** Forgets what ended before `forget`. */
  load(forget: Millis): Promise<Known>;
  /** One transaction. */
  keep(change: Kept): Promise<void>;
  attempted(notice: Pick<NoticeRow, "id" | "state" | "attempts" | "outcome" | "endedAt">): Promise<void>;
  addSilence(silence: Silence): Promise<void>;
  /** Ends it at `at`, or takes it away if it has not begun. */
  endSilence(id: string, at: Millis): Promise<void>;
  /** The first word counts. */
  acknowledge(alert: Pick<AlertRow, "key" | "raisedAt">, at: Millis, by: string): Promise<void>;
  /** Newest first. */
  history(search: AlertSearch): Promise<readonly AlertHistoryRow[]>;
  /** Newest first. */
  notices(alert: Pick<AlertRow, "key" | "raisedAt">): Promise<readonly NoticeRow[]>;
}
