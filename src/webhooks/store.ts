/** What is durable about webhooks, besides how far each has come, which the inbox's cursors say. */
import type { Millis } from "../../machines/ports/ids.ts";

export type Source = "inbox" | "events";
/** Given up. What was to be delivered is read anew from its source when it is redriven. */
export interface DeadLetter {
  readonly webhook: string;
  readonly source: Source;
  readonly seq: number;
  readonly type: string;
  readonly at: Millis;
  readonly tries: number;
  readonly why: string;
}
/** Among the dead letters of one webhook. */
export type DeadPlace = Pick<DeadLetter, "at" | "source" | "seq">;
export interface ReaderOf {
  /** As its cursor is named. */
  readonly reader: string;
  readonly source: Source;
}
export interface WebhookStore {
  /** Readers that are new begin after the newest row of their source. */
  begin(readers: readonly ReaderOf[]): Promise<void>;
  /** Oldest first; of one webhook, those behind `after`. */
  dead(webhook: string | null, limit: number, after?: DeadPlace | null): Promise<readonly DeadLetter[]>;
  bury(letter: DeadLetter): Promise<void>;
  /** It was delivered after all, or is given up for good. */
  forget(letter: Pick<DeadLetter, "webhook" | "source" | "seq">): Promise<boolean>;
  countDead(): Promise<Readonly<Record<string, number>>>;
}
