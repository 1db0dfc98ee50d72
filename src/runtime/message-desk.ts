/** Handlers of messages: each reads the inbox at its own pace, and answers through the line that was written to. */
import type { Logger } from "pino";
import type { InboundRow } from "../../machines/ports/store.ts";
import { systemClock } from "./clock.ts";
import { ControlError, type SendAnswer } from "./control-protocol.ts";
import { DEFAULT_LIMITS, type HandlerFailure, InboxReader, type ReaderLimits } from "./inbox-reader.ts";
import type { Handler, HandlerOptions, InboundMessage, Reply } from "./messages.ts";
import type { OutgoingContent } from "./outgoing.ts";
import type { Production } from "./production.ts";
import type { SendRequest } from "./sending.ts";

/** What it reads from, and tells of what it passed over. */
export type MessageSource = Pick<Production, "views" | "arrivals" | "supervisor">;
export interface MessageDeskOptions {
  readonly logger: Logger;
  readonly send: (message: SendRequest) => Promise<SendAnswer>;
}
type Reader = InboxReader<InboundRow, InboundMessage>;
interface Desk {
  readonly handler: Handler;
  readonly options: HandlerOptions;
  reader: Reader | undefined;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const STOP_WITHIN = 10_000;

export class MessageDesk {
  readonly #options: MessageDeskOptions;
  readonly #desks = new Map<string, Desk>();
  #source: MessageSource | undefined;

  constructor(options: MessageDeskOptions) {
    this.#options = options;
  }

  /** Returns how to take it away again. */
  add(handler: Handler, options: HandlerOptions): () => Promise<void> {
    const { reader: name = "bot", from } = options;
    if (!NAME.test(name))
      throw new ControlError("E_BAD_REQUEST", `"${name}" is no name for a reader: use letters, digits, ".", "_" or "-"`);
    if (from !== undefined && (!Number.isSafeInteger(from) || from < 1))
      throw new ControlError("E_BAD_REQUEST", `from: expected a message's seq, a whole number from 1 on; found ${from}`);
    if (typeof handler !== "function")
      throw new ControlError("E_BAD_REQUEST", `onMessage: expected a function, found ${typeof handler}`);
    limitsOf(options);
    if (this.#desks.has(name))
      throw new ControlError(
        "E_REFUSED",
        `the reader ${name} has a handler already: give this one another name, onMessage(handler, { reader: "…" })`,
      );
    const desk: Desk = { handler, options, reader: undefined };
    this.#desks.set(name, desk);
    this.#open(name, desk);
    return async () => {
      if (this.#desks.get(name) !== desk) return;
      await desk.reader?.stop(STOP_WITHIN);
      this.#desks.delete(name);
    };
  }

  begin(source: MessageSource): void {
    this.#source = source;
    source.arrivals.onMore(() => {
      for (const { reader } of this.#desks.values()) reader?.wake();
    });
    for (const [name, desk] of this.#desks) this.#open(name, desk);
  }

  async stop(grace: number): Promise<void> {
    await Promise.all([...this.#desks.values()].flatMap(({ reader }) => reader?.stop(grace) ?? []));
  }

  #open(name: string, desk: Desk): void {
    if (!this.#source) return;
    const { views, arrivals } = this.#source;
    desk.reader = new InboxReader<InboundRow, InboundMessage>({
      from: desk.options.from,
      clock: systemClock,
      limits: limitsOf(desk.options),
      read: (afterSeq, limit) => arrivals.rows(afterSeq, limit),
      cursor: async (seq) => (await views.ask("inbox.cursor", { reader: name, seq })).seq,
      toMessage: (row) => arrivals.toMessage(row),
      handle: (message) => desk.handler(message, this.#replyTo(name, message)),
      onFailure: (failure) => this.#onFailure(name, failure),
    });
    desk.reader.start();
  }

  /** The n-th answer to a message has the same key whenever the handler is run: it goes out once. */
  #replyTo(reader: string, { seq, id, line, chat }: InboundMessage): Reply {
    let answers = 0;
    return async (answer, { quote = false, key, priority, expiresIn } = {}) => {
      answers++;
      const content: OutgoingContent = typeof answer === "string" ? { kind: "text", text: answer } : answer;
      return this.#options.send({
        line,
        to: chat,
        content: quote && content.kind !== "raw" && content.kind !== "reaction" ? { ...content, replyTo: id } : content,
        key: key ?? `reply:${reader}:${seq}:${answers}`,
        priority,
        expiresIn,
      });
    };
  }

  #onFailure(reader: string, { message, error, tries, isLast }: HandlerFailure<InboundMessage>): void {
    const { seq, seat } = message;
    const { logger } = this.#options;
    const seen = { err: error, reader, seq, seat, tries };
    if (!isLast) return logger.warn(seen, "a handler failed: the message is handed over again");
    logger.error(seen, "a handler failed for the last time: the message is passed over");
    const name = error instanceof Error ? error.name : typeof error;
    this.#source?.supervisor.report({ type: "message.passedOver", subject: seat, data: { reader, seq, tries, error: name } });
  }
}

/** A handler with room for nothing would never hear anything, and nobody would be told. Throws E_BAD_REQUEST. */
const limitsOf = (options: Partial<ReaderLimits>): ReaderLimits => {
  const limit = (name: keyof ReaderLimits): number => {
    const value = options[name] ?? DEFAULT_LIMITS[name];
    if (Number.isSafeInteger(value) && value >= 1) return value;
    throw new ControlError("E_BAD_REQUEST", `onMessage: ${name}: expected a whole number from 1 on, found ${String(value)}`);
  };
  return {
    concurrency: limit("concurrency"),
    tries: limit("tries"),
    handleWithin: limit("handleWithin"),
    ahead: limit("ahead"),
  };
};
