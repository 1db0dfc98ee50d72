/**
 * Brings one webhook what it wants: what people write, and what happens in the fleet. At least once, in order for each conversation
 * (and for each seat, device or account that an event is about), several at once.
 *
 * Nothing is queued a second time: inbox and event log are durable already, and a cursor in the store says how far each webhook has come.
 * What fails is tried again with growing pauses for a day; what comes after it in its conversation waits, the rest does not. Then it
 * becomes a dead letter, which names its place: it can be redriven for as long as its source has it.
 */
import type { Clock } from "../../machines/ports/clock.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import type { FleetEventRow } from "../../machines/ports/records.ts";
import type { InboundRow } from "../../machines/ports/store.ts";
import { InboxReader } from "../runtime/inbox-reader.ts";
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
  readonly config: WebhookConfig;
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

interface Parcel {
  readonly seq: number;
  readonly conversation: string;
  readonly envelope: Envelope;
}
/** Whatever rows it reads. */
interface Reader {
  start(): void;
  wake(): void;
  stop(grace: Millis): Promise<void>;
}

export class Courier {
  readonly #options: CourierOptions;
  readonly #readers: Reader[] = [];
  readonly #names: ReaderOf[] = [];

  constructor(options: CourierOptions) {
    this.#options = options;
    const { config, fleet, inbox, events, concerns } = options;
    if (isWanted(RECEIVED, config.events)) {
      this.#readers.push(
        this.#reader(
          "inbox",
          (after, limit) => inbox.rows(after, limit),
          async (row) => {
            const message = await inbox.message(row);
            if (!message || (config.lines.length > 0 && !config.lines.includes(message.line))) return null;
            return { seq: row.seq, conversation: message.conversation, envelope: messageEnvelope(fleet, message) };
          },
        ),
      );
    }
    if (config.events.some((pattern) => pattern !== RECEIVED)) {
      this.#readers.push(
        this.#reader("events", events, async (event) => {
          if (!isWanted(event.type, config.events)) return null;
          if (config.lines.length > 0 && !concerns(config.lines, event.subject)) return null;
          return { seq: event.seq, conversation: event.subject, envelope: eventEnvelope(fleet, event) };
        }),
      );
    }
  }

  get readers(): readonly ReaderOf[] {
    return this.#names;
  }

  start(): void {
    for (const reader of this.#readers) reader.start();
  }
  wake(): void {
    for (const reader of this.#readers) reader.wake();
  }
  async stop(grace: Millis): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.stop(grace)));
  }

  /** Rejects with PostError. */
  async deliver(envelope: Envelope): Promise<void> {
    const { clock, config, post, onTried } = this.#options;
    const body = JSON.stringify(envelope);
    const at = clock.now();
    const noted = (failure: string | null): void =>
      onTried(config.name, { at, id: envelope.id, type: envelope.type, tookMs: clock.now() - at, failure });
    try {
      await post(body, signedHeaders(config.secrets, envelope.id, at, body));
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

  #reader<R extends { readonly seq: number }>(
    source: Source,
    read: (after: number, limit: number) => Promise<readonly R[]>,
    toParcel: (row: R) => Promise<Parcel | null>,
  ): Reader {
    const { clock, config, cursor, draw } = this.#options;
    const name = `webhook:${config.name}:${source}`;
    this.#names.push({ reader: name, source });
    return new InboxReader<R, Parcel>({
      clock,
      limits: { concurrency: config.concurrency, tries: TRIES, handleWithin: 60_000, ahead: 10_000 },
      pause: (tries) => Math.round((PAUSES[tries - 1] ?? 0) * (1 + JITTER * (2 * draw() - 1))),
      read,
      cursor: (seq) => cursor(name, seq),
      toMessage: toParcel,
      handle: async ({ envelope }) => {
        await this.deliver(envelope);
        this.#options.onDelivered(config.name, Math.max(0, clock.now() - Date.parse(envelope.timestamp)));
      },
      onFailure: ({ message, error, tries, isLast }) => {
        if (!isLast) return undefined;
        const why = error instanceof PostError ? error.message : String(error);
        const { seq, envelope } = message;
        return this.#options.bury({ webhook: config.name, source, seq, type: envelope.type, at: clock.now(), tries, why });
      },
    });
  }
}
