/** All webhooks of a fleet: begun, woken, asked, and stopped. */
import type { Clock } from "../../machines/ports/clock.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import { Courier, type CourierOptions, type WebhookConfig } from "./courier.ts";
import { DeliveryLog } from "./delivery-log.ts";
import { testEnvelope } from "./envelope.ts";
import { Poster } from "./poster.ts";
import type { DeadLetter, DeadPlace, Delivery, WebhookStore } from "./store.ts";

export interface WebhookDeskOptions {
  readonly fleet: string;
  readonly webhooks: readonly WebhookConfig[];
  readonly store: WebhookStore;
  readonly clock: Clock;
  readonly draw: () => number;
  readonly inbox: CourierOptions["inbox"];
  readonly events: CourierOptions["events"];
  readonly concerns: CourierOptions["concerns"];
  readonly cursor: CourierOptions["cursor"];
  readonly onDelivered: CourierOptions["onDelivered"];
  /** A delivery was given up. */
  readonly onDead: (letter: DeadLetter) => void;
  /** Tries could not be written down, or read. */
  readonly onFault: (error: unknown) => void;
}
export interface WebhookView {
  readonly name: string;
  /** Without what may be secret in it. */
  readonly url: string;
  readonly events: readonly string[];
  readonly lines: readonly string[];
  readonly signed: boolean;
  readonly dead: number;
  /** The newest first. */
  readonly log: readonly Delivery[];
}
export interface Redriven {
  readonly delivered: number;
  /** Their source does not have them any more. */
  readonly gone: number;
  /** The first that failed; those after it were not tried. */
  readonly failed: string | null;
  /** Those that are still given up. */
  readonly left: number;
}

/** Milliseconds that a receiver may take. */
const WITHIN: Millis = 15_000;
/** A redrive begins no delivery after so long: who waits for it is answered. */
const REDRIVE_FOR: Millis = 10_000;

interface Open {
  readonly config: WebhookConfig;
  readonly courier: Courier;
  readonly poster: Poster;
}

export class WebhookDesk {
  readonly #options: WebhookDeskOptions;
  readonly #open: readonly Open[];
  readonly #log: DeliveryLog;
  /** One redrive after the other: nothing is delivered by two of them. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: WebhookDeskOptions) {
    this.#options = options;
    const { webhooks, store, onDead, onFault, ...rest } = options;
    const log = new DeliveryLog({ store, clock: options.clock, onFault });
    this.#log = log;
    const onTried = (webhook: string, delivery: Delivery): void => log.note(webhook, delivery);
    this.#open = webhooks.map((config) => {
      const { url, allowPrivate, concurrency } = config;
      const poster = new Poster({ url, allowPrivate, within: WITHIN, connections: concurrency });
      const bury = async (letter: DeadLetter): Promise<void> => {
        await store.bury(letter);
        onDead(letter);
      };
      return {
        config,
        poster,
        courier: new Courier({ ...rest, config, post: (body, headers) => poster.post(body, headers), bury, onTried }),
      };
    });
  }

  /** A webhook that is new begins with what happens from now on. */
  async begin(): Promise<void> {
    await this.#options.store.begin(this.#open.flatMap(({ courier }) => courier.readers));
    await this.#log.load(this.names);
    for (const { courier } of this.#open) courier.start();
  }
  /** There may be something new. */
  wake(): void {
    for (const { courier } of this.#open) courier.wake();
  }
  async stop(grace: Millis): Promise<void> {
    await Promise.all(this.#open.map(({ courier }) => courier.stop(grace)));
    for (const { poster } of this.#open) poster.close();
    await this.#log.stop();
  }

  async views(): Promise<WebhookView[]> {
    const dead = await this.#options.store.countDead();
    return this.#open.map(({ config: { name, url, events, lines, secrets } }) => {
      const { origin, pathname } = new URL(url);
      return {
        name,
        url: `${origin}${pathname}`,
        events,
        lines,
        signed: secrets.length > 0,
        dead: dead[name] ?? 0,
        log: this.#log.of(name),
      };
    });
  }
  get names(): readonly string[] {
    return this.#open.map(({ config }) => config.name);
  }
  dead(webhook: string | null, limit: number, after: DeadPlace | null = null): Promise<readonly DeadLetter[]> {
    return this.#options.store.dead(webhook, limit, after);
  }

  /** null: delivered; otherwise why not. */
  async test(webhook: string): Promise<string | null> {
    const { fleet, clock } = this.#options;
    try {
      await this.#named(webhook).courier.deliver(testEnvelope(fleet, webhook, clock.now()));
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** In the order in which they were given up, until one fails again or it has taken long. */
  redrive(webhook: string, limit: number): Promise<Redriven> {
    const turn = this.#turn.then(() => this.#redrive(webhook, limit));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #redrive(webhook: string, limit: number): Promise<Redriven> {
    const { store, clock } = this.#options;
    const { courier } = this.#named(webhook);
    const until = clock.now() + REDRIVE_FOR;
    let [delivered, gone] = [0, 0];
    let failed: string | null = null;
    for (const letter of await store.dead(webhook, limit)) {
      try {
        if (await courier.redrive(letter)) delivered++;
        else gone++;
      } catch (error) {
        failed = error instanceof Error ? error.message : String(error);
        break;
      }
      await store.forget(letter);
      if (clock.now() >= until) break;
    }
    return { delivered, gone, failed, left: (await store.countDead())[webhook] ?? 0 };
  }

  #named(webhook: string): Open {
    const open = this.#open.find(({ config }) => config.name === webhook);
    if (!open) throw new RangeError(`there is no webhook ${webhook}`);
    return open;
  }
}
