/**
 * What people wrote and what happened is kept for so many days, and longer where a webhook or a handler has not passed it: an hourly look
 * removes what is older, a little at a time. Everything else that grows has bounds of its own (journal, media, performance) or is
 * removed elsewhere (the audit: audit-keeper.ts).
 */
import type { Millis } from "../../machines/ports/ids.ts";
import type { Source } from "../webhooks/store.ts";

export interface RetentionStore {
  /**
   * Removes at most `limit` rows older than `before` that everybody has passed, the oldest first, and never the newest; says how many.
   * `readers`: whose place counts.
   */
  prune(
    what: { readonly source: Source; readonly before: Millis; readonly readers: (name: string) => boolean },
    limit: number,
  ): Promise<number>;
  /** Removes tries of webhooks older than that, also of webhooks that the fleet file no longer names. */
  forgetDeliveries(before: Millis): Promise<void>;
}
/** Days; null: for ever. */
export interface RetentionConfig {
  readonly inboxDays: number | null;
  readonly eventDays: number | null;
  readonly auditDays: number | null;
  /** Tries of webhooks, of which the newest few are kept. */
  readonly deliveryDays: number | null;
}
export interface RetentionOptions {
  readonly config: Pick<RetentionConfig, "inboxDays" | "eventDays" | "deliveryDays">;
  readonly store: RetentionStore;
  /** Who reads for webhooks that run: another one's place counts no more. Handlers are not known by name, and count always. */
  readonly webhookReaders: () => readonly string[];
  readonly now: () => Millis;
  readonly onFault: (error: unknown) => void;
}

const DAY: Millis = 86_400_000;
const EVERY: Millis = 3_600_000;
/** A transaction of so many rows keeps nobody waiting. */
const TOGETHER = 500;

export class Retention {
  readonly #options: RetentionOptions;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  begin(): void {
    void this.look();
    this.#timer = setInterval(() => void this.look(), EVERY).unref();
  }

  /** Resolves when nothing is left that may go. */
  async look(): Promise<void> {
    const { config, store, now, onFault } = this.#options;
    try {
      await this.#prune("inbox", config.inboxDays);
      await this.#prune("events", config.eventDays);
      if (config.deliveryDays !== null) await store.forgetDeliveries(now() - config.deliveryDays * DAY);
    } catch (error) {
      onFault(error);
    }
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }

  async #prune(source: Source, days: number | null): Promise<void> {
    if (days === null) return;
    const { store, now, webhookReaders } = this.#options;
    const before = now() - days * DAY;
    const running = webhookReaders();
    const readers = (name: string): boolean => !/^webhook:.*:(?:inbox|events)$/.test(name) || running.includes(name);
    while (!this.#isStopped && (await store.prune({ source, before, readers }, TOGETHER)) > 0);
  }
}
