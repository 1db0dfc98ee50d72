/** Handlers of messages: each reads the inbox at its own pace, and answers through the line that was written to. */
import type { Logger } from "pino";
import { bareAddress, type InboundRow } from "../../machines/ports/store.ts";
import { contentOf } from "../adapters/baileys/index.ts";
import { accountOf } from "../../machines/ports/ids.ts";
import type { FleetConfig } from "../config/index.ts";
import { systemClock } from "./clock.ts";
import { ControlError, type SendAnswer } from "./control-protocol.ts";
import { Inbound } from "./inbound.ts";
import { DEFAULT_LIMITS, type HandlerFailure, InboxReader } from "./inbox-reader.ts";
import type { Handler, HandlerOptions, InboundMessage, Reply } from "./messages.ts";
import type { OutgoingContent } from "./outgoing.ts";
import type { Production } from "./production.ts";
import type { SendRequest } from "./sending.ts";
import type { Views } from "./views.ts";

export interface MessageDeskOptions {
  readonly fleet: Pick<FleetConfig, "lines">;
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
  #production: Production | undefined;
  #inbound: Inbound | undefined;
  /** Addresses of the fleet's accounts. */
  readonly #ours = new Set<string>();
  #knowsOurs = false;

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

  begin(production: Production): void {
    const { supervisor, views } = production;
    this.#production = production;
    this.#inbound = new Inbound({
      lines: this.#options.fleet.lines,
      ask: (op, input) => views.ask(op, input),
      ours: () => this.#oursNow(views),
      speaker: (seat) => {
        const holder = supervisor.node.seat(seat)?.row.holder;
        return holder ? accountOf(holder) : undefined;
      },
      reload: (seat) => supervisor.node.driver.tell(`queue:${seat}`, { type: "queue.reload" }),
      contentOf,
    });
    supervisor.onFact((fact) => {
      if (fact.kind === "linked") for (const address of [fact.jid, fact.lid]) this.#ours.add(bareAddress(address));
      if (fact.kind === "received") for (const { reader } of this.#desks.values()) reader?.wake();
    });
    for (const [name, desk] of this.#desks) this.#open(name, desk);
  }

  /** Those that the store knows, once; those that are linked meanwhile come by themselves. */
  async #oursNow(views: Views): Promise<ReadonlySet<string>> {
    if (!this.#knowsOurs) {
      const { devices } = await views.ask("fleet.load", {});
      for (const address of devices.flatMap(({ jid, lid }) => [jid, lid])) if (address) this.#ours.add(bareAddress(address));
      this.#knowsOurs = true;
    }
    return this.#ours;
  }

  async stop(grace: number): Promise<void> {
    await Promise.all([...this.#desks.values()].flatMap(({ reader }) => reader?.stop(grace) ?? []));
  }

  #open(name: string, desk: Desk): void {
    const [production, inbound] = [this.#production, this.#inbound];
    if (!production || !inbound) return;
    const { views } = production;
    const { concurrency, tries, handleWithin, ahead } = { ...DEFAULT_LIMITS, ...desk.options };
    desk.reader = new InboxReader<InboundRow, InboundMessage>({
      from: desk.options.from,
      clock: systemClock,
      limits: { concurrency, tries, handleWithin, ahead },
      read: async (afterSeq, limit) => (await views.ask("inbox.read", { afterSeq, limit })).rows,
      cursor: async (seq) => (await views.ask("inbox.cursor", { reader: name, seq })).seq,
      toMessage: (row) => inbound.toMessage(row),
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
    this.#production?.supervisor.report({ type: "message.passedOver", subject: seat, data: { reader, seq, tries, error: name } });
  }
}
