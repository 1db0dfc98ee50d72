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
/** One try. */
export interface Delivery {
  readonly at: Millis;
  readonly id: string;
  readonly type: string;
  readonly tookMs: Millis;
  /** null: delivered. */
  readonly failure: string | null;
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
  /** The newest tries of a webhook, oldest first. */
  logged(webhook: string, limit: number): Promise<readonly Delivery[]>;
  /** Adds tries, oldest first, and keeps the newest `keep` of each of these webhooks. */
  log(fresh: readonly { readonly webhook: string; readonly deliveries: readonly Delivery[] }[], keep: number): Promise<void>;
}
