/** All webhooks of a fleet: begun, changed, woken, asked, and stopped. */
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../machines/ports/clock.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import { shownAddress } from "./address.ts";
import { Courier, type CourierOptions, readersOf, type WebhookConfig } from "./courier.ts";
import { DeliveryLog } from "./delivery-log.ts";
import { testEnvelope } from "./envelope.ts";
import { Poster, type PosterOptions } from "./poster.ts";
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
  config: WebhookConfig;
  readonly courier: Courier;
  readonly poster: Poster;
}

export class WebhookDesk {
  readonly #options: WebhookDeskOptions;
  /** By name, in the order of the fleet file. */
  #open: ReadonlyMap<string, Open>;
  readonly #log: DeliveryLog;
  /** One redrive after the other: nothing is delivered by two of them. */
  #turn: Promise<unknown> = Promise.resolve();
  /** One change after the other, and none after a stop. */
  #changes: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: WebhookDeskOptions) {
    this.#options = options;
    const { webhooks, store, clock, onFault } = options;
    this.#log = new DeliveryLog({ store, clock, onFault });
    this.#open = new Map(webhooks.map((config) => [config.name, this.#opened(config)]));
  }

  /** A webhook that is new begins with what happens from now on. */
  async begin(): Promise<void> {
    await this.#prepare([...this.#open.values()].map(({ config }) => config));
    for (const { courier } of this.#open.values()) courier.start();
  }

  /**
   * These from now on, and no others. One of a known name goes on where it is, with what waits and in its order; one that is new
   * begins with what happens from now on, or where one of its name ended. When that is done, nothing goes any more to one that ended;
   * its place and its dead letters stay. Rejects if the store does not take it: then all are as they were.
   */
  change(webhooks: readonly WebhookConfig[], grace: Millis): Promise<void> {
    const turn = this.#changes.then(() => (this.#isStopped ? undefined : this.#change(webhooks, grace)));
    this.#changes = turn.catch(() => undefined);
    return turn;
  }

  async #change(webhooks: readonly WebhookConfig[], grace: Millis): Promise<void> {
    await this.#prepare(webhooks);
    const before = this.#open;
    this.#open = new Map(webhooks.map((config) => [config.name, before.get(config.name) ?? this.#opened(config)]));
    for (const { courier } of this.#open.values()) courier.start();
    const changing = webhooks.flatMap((config) => {
      const known = before.get(config.name);
      return known && !isDeepStrictEqual(known.config, config) ? [goOnAs(known, config, grace)] : [];
    });
    const gone = [...before].filter(([name]) => !this.#open.has(name));
    await Promise.all([...changing, ...gone.map(([, each]) => end(each, grace))]);
  }

  async #prepare(webhooks: readonly WebhookConfig[]): Promise<void> {
    await this.#options.store.begin(webhooks.flatMap(readersOf));
    await this.#log.load(webhooks.map(({ name }) => name));
  }

  #opened(config: WebhookConfig): Open {
    const { webhooks: _, store, onDead, onFault: __, ...rest } = this.#options;
    const poster = new Poster(wayOf(config));
    const bury = async (letter: DeadLetter): Promise<void> => {
      await store.bury(letter);
      onDead(letter);
    };
    const onTried = (webhook: string, delivery: Delivery): void => this.#log.note(webhook, delivery);
    return {
      config,
      poster,
      courier: new Courier(config, { ...rest, post: (body, headers) => poster.post(body, headers), bury, onTried }),
    };
  }

  /** There may be something new. */
  wake(): void {
    for (const { courier } of this.#open.values()) courier.wake();
  }
  async stop(grace: Millis): Promise<void> {
    this.#isStopped = true;
    await this.#changes;
    await Promise.all([...this.#open.values()].map((each) => end(each, grace)));
    await this.#log.stop();
  }

  async views(): Promise<WebhookView[]> {
    const dead = await this.#options.store.countDead();
    return [...this.#open.values()].map(({ config: { name, url, events, lines, secrets } }) => ({
      name,
      url: shownAddress(url),
      events,
      lines,
      signed: secrets.length > 0,
      dead: dead[name] ?? 0,
      log: this.#log.of(name),
    }));
  }
  get names(): readonly string[] {
    return [...this.#open.keys()];
  }
  /** Whose place in inbox and events counts. */
  get readers(): readonly string[] {
    return [...this.#open.values()].flatMap(({ config }) => readersOf(config).map(({ reader }) => reader));
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
    const open = this.#open.get(webhook);
    if (!open) throw new RangeError(`there is no webhook ${webhook}`);
    return open;
  }
}

const wayOf = ({ url, allowPrivate, concurrency }: WebhookConfig): PosterOptions => ({
  url,
  allowPrivate,
  within: WITHIN,
  connections: concurrency,
});

const goOnAs = async (open: Open, config: WebhookConfig, grace: Millis): Promise<void> => {
  open.config = config;
  open.poster.change(wayOf(config));
  await open.courier.change(config, grace);
};

const end = async ({ courier, poster }: Open, grace: Millis): Promise<void> => {
  await courier.stop(grace);
  poster.close();
};
