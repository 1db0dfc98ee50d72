/**
 * Brings one webhook what it wants: what people write, and what happens in the fleet. At least once, in order for each conversation
 * (and for each seat, device or account that an event is about), several at once.
 *
 * Nothing is queued a second time: inbox and event log are durable already, and a cursor in the store says how far each webhook has come.
 * What fails is tried again with growing pauses for a day; what comes after it in its conversation waits, the rest does not. Then it
 * becomes a dead letter, which names its place: it can be redriven for as long as its source has it.
 */
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../machines/ports/clock.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import type { FleetEventRow } from "../../machines/ports/records.ts";
import type { InboundRow } from "../../machines/ports/store.ts";
import { InboxReader, type ReaderLimits } from "../runtime/inbox-reader.ts";
import type { InboundMessage } from "../runtime/messages.ts";
import { type Envelope, eventEnvelope, isWanted, messageEnvelope, RECEIVED } from "./envelope.ts";
import { PostError, type PostResult } from "./poster.ts";
import { signedHeaders } from "./signature.ts";
import type { DeadLetter, Delivery, ReaderOf, Source } from "./store.ts";

export interface WebhookConfig {
  readonly name: string;
  readonly url: string;
  /** One or two; none: not signed. */
  readonly secrets: readonly string[];
  /** Types, or the beginning of types. */
  readonly events: readonly string[];
  /** Whose messages, and what happens there; empty: all. */
  readonly lines: readonly string[];
  readonly allowPrivate: boolean;
  readonly concurrency: number;
}
export interface CourierOptions {
  readonly fleet: string;
  readonly clock: Clock;
  readonly draw: () => number;
  readonly post: (body: string, headers: Readonly<Record<string, string>>) => Promise<PostResult>;
  readonly inbox: {
    rows(after: number, limit: number): Promise<readonly InboundRow[]>;
    /** null: nothing for anybody. */
    message(row: InboundRow): Promise<InboundMessage | null>;
  };
  readonly events: (after: number, limit: number) => Promise<readonly FleetEventRow[]>;
  /** Whether whom an event is about belongs to one of these lines. */
  readonly concerns: (lines: readonly string[], subject: string) => boolean;
  readonly cursor: (reader: string, seq: number | null) => Promise<number>;
  readonly bury: (letter: DeadLetter) => Promise<void>;
  /** One try has ended. Must not throw. */
  readonly onTried: (webhook: string, delivery: Delivery) => void;
  /** The receiver took it, so long after it happened. */
  readonly onDelivered: (webhook: string, lag: Millis) => void;
}

/** Before the second try, the third, and so on: a day in all. */
const PAUSES: readonly Millis[] = [
  5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 28_800_000, 28_800_000,
];
const TRIES = PAUSES.length + 1;
/** Of a pause, more or less: receivers that were away together are not all knocked at together. */
const JITTER = 0.2;

/** What a webhook wants; another object whenever it wants something else. */
type Wants = Pick<WebhookConfig, "events" | "lines">;
interface Parcel {
  readonly seq: number;
  readonly conversation: string;
  readonly envelope: Envelope;
  readonly isStillWanted: () => boolean;
}
/** Whatever rows it reads. */
interface Reader {
  start(): void;
  wake(): void;
  again(): void;
  stop(grace: Millis): Promise<void>;
}

const sourcesOf = ({ events }: WebhookConfig): readonly Source[] => [
  ...(isWanted(RECEIVED, events) ? (["inbox"] as const) : []),
  ...(events.some((pattern) => pattern !== RECEIVED) ? (["events"] as const) : []),
];
const readerName = (webhook: string, source: Source): string => `webhook:${webhook}:${source}`;
/** Who reads for such a webhook. */
export const readersOf = (config: WebhookConfig): ReaderOf[] =>
  sourcesOf(config).map((source) => ({ reader: readerName(config.name, source), source }));

const wantsOf = ({ events, lines }: WebhookConfig): Wants => ({ events, lines });
const limitsOf = ({ concurrency }: WebhookConfig): ReaderLimits => ({
  concurrency,
  tries: TRIES,
  handleWithin: 60_000,
  ahead: 10_000,
});

export class Courier {
  readonly #options: CourierOptions;
  #config: WebhookConfig;
  #wants: Wants;
  #limits: ReaderLimits;
  readonly #readers = new Map<Source, Reader>();

  constructor(config: WebhookConfig, options: CourierOptions) {
    this.#options = options;
    this.#config = config;
    this.#wants = wantsOf(config);
    this.#limits = limitsOf(config);
    for (const source of sourcesOf(config)) this.#readers.set(source, this.#reader(source));
  }

  start(): void {
    for (const reader of this.#readers.values()) reader.start();
  }
  wake(): void {
    for (const reader of this.#readers.values()) reader.wake();
  }

  /**
   * Goes on as that, where it is: what waits keeps its order, and what failed is tried at once, as if for the first time. What is not
   * wanted any more is passed over, also if it waits already; what is wanted newly comes from what is read from now on.
   */
  async change(config: WebhookConfig, grace: Millis): Promise<void> {
    this.#config = config;
    this.#limits = limitsOf(config);
    if (!isDeepStrictEqual(this.#wants, wantsOf(config))) this.#wants = wantsOf(config);
    const sources = sourcesOf(config);
    const gone = [...this.#readers].filter(([source]) => !sources.includes(source));
    for (const [source] of gone) this.#readers.delete(source);
    for (const reader of this.#readers.values()) reader.again();
    for (const source of sources.filter((each) => !this.#readers.has(each))) {
      const reader = this.#reader(source);
      this.#readers.set(source, reader);
      reader.start();
    }
    await Promise.all(gone.map(([, reader]) => reader.stop(grace)));
  }

  async stop(grace: Millis): Promise<void> {
    await Promise.all([...this.#readers.values()].map((reader) => reader.stop(grace)));
  }

  /** Rejects with PostError. */
  async deliver(envelope: Envelope): Promise<void> {
    const { clock, post, onTried } = this.#options;
    const { name, secrets } = this.#config;
    const body = JSON.stringify(envelope);
    const at = clock.now();
    const noted = (failure: string | null): void =>
      onTried(name, { at, id: envelope.id, type: envelope.type, tookMs: clock.now() - at, failure });
    try {
      await post(body, signedHeaders(secrets, envelope.id, at, body));
      noted(null);
    } catch (error) {
      noted(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  /** From its source, once more, now. Rejects with PostError; `false`: its source does not have it any more. */
  async redrive({ source, seq }: Pick<DeadLetter, "source" | "seq">): Promise<boolean> {
    const { fleet, inbox, events } = this.#options;
    if (source === "events") {
      const [event] = await events(seq - 1, 1);
      if (event?.seq !== seq) return false;
      await this.deliver(eventEnvelope(fleet, event));
      return true;
    }
    const [row] = await inbox.rows(seq - 1, 1);
    const message = row?.seq === seq ? await inbox.message(row) : null;
    if (!message) return false;
    await this.deliver(messageEnvelope(fleet, message));
    return true;
  }

  #reader(source: Source): Reader {
    const { fleet, inbox, events, concerns } = this.#options;
    if (source === "events")
      return this.#readerOf(source, events, async (event) => {
        const { seq, type, subject } = event;
        return this.#parcel(
          { seq, conversation: subject },
          () => eventEnvelope(fleet, event),
          (wants) => isWanted(type, wants.events) && (wants.lines.length === 0 || concerns(wants.lines, subject)),
        );
      });
    return this.#readerOf(
      source,
      (after, limit) => inbox.rows(after, limit),
      async (row) => {
        const message = await inbox.message(row);
        if (!message) return null;
        const { seq, conversation, line } = message;
        return this.#parcel(
          { seq, conversation },
          () => messageEnvelope(fleet, message),
          ({ lines }) => lines.length === 0 || lines.includes(line),
        );
      },
    );
  }

  /** null: not wanted. Nobody is judged anew while the webhook wants the same: whom an event is about may have left the line since. */
  #parcel(
    place: Pick<Parcel, "seq" | "conversation">,
    envelope: () => Envelope,
    isFor: (wants: Wants) => boolean,
  ): Parcel | null {
    const judged = this.#wants;
    if (!isFor(judged)) return null;
    return { ...place, envelope: envelope(), isStillWanted: () => judged === this.#wants || isFor(this.#wants) };
  }

  #readerOf<R extends { readonly seq: number }>(
    source: Source,
    read: (after: number, limit: number) => Promise<readonly R[]>,
    toParcel: (row: R) => Promise<Parcel | null>,
  ): Reader {
    const { clock, cursor, draw, bury, onDelivered } = this.#options;
    const { name } = this.#config;
    const reader = readerName(name, source);
    const limits = (): ReaderLimits => this.#limits;
    return new InboxReader<R, Parcel>({
      clock,
      get limits() {
        return limits();
      },
      pause: (tries) => Math.round((PAUSES[tries - 1] ?? 0) * (1 + JITTER * (2 * draw() - 1))),
      read,
      cursor: (seq) => cursor(reader, seq),
      toMessage: toParcel,
      handle: async (parcel) => {
        if (!parcel.isStillWanted()) return;
        await this.deliver(parcel.envelope);
        onDelivered(name, Math.max(0, clock.now() - Date.parse(parcel.envelope.timestamp)));
      },
      onFailure: ({ message: { seq, envelope }, error, tries, isLast }) => {
        if (!isLast) return undefined;
        const why = error instanceof PostError ? error.message : String(error);
        return bury({ webhook: name, source, seq, type: envelope.type, at: clock.now(), tries, why });
      },
    });
  }
}
