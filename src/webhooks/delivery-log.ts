/**
 * The last tries of each webhook: in memory for whoever asks, and in the store for the next life.
 *
 * Written behind the deliveries, together, and no more of one webhook than is kept: however fast a backlog drains, a write is small, and
 * no delivery waits for one. A kill costs the tries of the last second; a write that fails is made up for by the next.
 */
import type { Clock } from "../../machines/ports/clock.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import type { Delivery, WebhookStore } from "./store.ts";

export interface DeliveryLogOptions {
  readonly store: Pick<WebhookStore, "log" | "logged">;
  readonly clock: Clock;
  readonly onFault: (error: unknown) => void;
}

/** Tries of one webhook. */
export const KEPT = 200;
const EVERY: Millis = 1000;

/** `written`: how many at the front are in the store. */
interface Tries {
  list: Delivery[];
  written: number;
}

export class DeliveryLog {
  readonly #options: DeliveryLogOptions;
  readonly #tries = new Map<string, Tries>();
  readonly #loaded = new Set<string>();
  /** Set, or being carried out. */
  #timer: unknown = null;
  #writing: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: DeliveryLogOptions) {
    this.#options = options;
  }

  /** What an earlier life wrote of these, once. Never rejects: without it there is a shorter log. */
  async load(webhooks: readonly string[]): Promise<void> {
    try {
      for (const webhook of webhooks.filter((each) => !this.#loaded.has(each))) {
        this.#loaded.add(webhook);
        const tries = this.#of(webhook);
        const before = await this.#options.store.logged(webhook, KEPT);
        tries.list.unshift(...before);
        tries.written += before.length;
      }
    } catch (error) {
      this.#options.onFault(error);
    }
  }

  note(webhook: string, delivery: Delivery): void {
    const tries = this.#of(webhook);
    tries.list.push(delivery);
    if (tries.list.length > 2 * KEPT) shorten(tries);
    this.#plan();
  }

  /** The newest first. */
  of(webhook: string): readonly Delivery[] {
    return this.#of(webhook).list.slice(-KEPT).toReversed();
  }

  /** Resolves once what was noted is written, if the store takes it. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#options.clock.clearTimeout(this.#timer);
    await this.#writing;
    await this.#write();
  }

  #plan(): void {
    if (this.#timer !== null || this.#isStopped) return;
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#writing = this.#inTurn();
    }, EVERY);
  }

  async #inTurn(): Promise<void> {
    const isWritten = await this.#write();
    this.#timer = null;
    if (isWritten && [...this.#tries.values()].some(({ list, written }) => written < list.length)) this.#plan();
  }

  async #write(): Promise<boolean> {
    const fresh: { readonly webhook: string; readonly deliveries: readonly Delivery[] }[] = [];
    for (const [webhook, tries] of this.#tries) {
      shorten(tries);
      const deliveries = tries.list.slice(tries.written);
      if (deliveries.length > 0) fresh.push({ webhook, deliveries });
      tries.written = tries.list.length;
    }
    if (fresh.length === 0) return true;
    try {
      await this.#options.store.log(fresh, KEPT);
      return true;
    } catch (error) {
      for (const { webhook, deliveries } of fresh) {
        const tries = this.#of(webhook);
        tries.written = Math.max(0, tries.written - deliveries.length);
      }
      this.#options.onFault(error);
      return false;
    }
  }

  #of(webhook: string): Tries {
    const known = this.#tries.get(webhook);
    if (known) return known;
    const tries: Tries = { list: [], written: 0 };
    this.#tries.set(webhook, tries);
    return tries;
  }
}

const shorten = (tries: Tries): void => {
  const gone = Math.max(0, tries.list.length - KEPT);
  if (gone === 0) return;
  tries.list = tries.list.slice(gone);
  tries.written = Math.max(0, tries.written - gone);
};
