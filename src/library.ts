/**
 * Greenroom in one's own process: the same supervisor, store and control socket as `greenroom up`, with messages handed to
 * functions.
 */
import { type Logger, pino } from "pino";
import { z } from "zod";
import type { Strategy } from "../machines/delivery/balance/strategy.ts";
import type { Millis } from "../machines/ports/ids.ts";
import { type FleetConfig, FleetError, type FleetInput, loadFleetFile, parseFleetData } from "./config/index.ts";
import {
  type ControlAnswers,
  ControlError,
  type ControlOp,
  type ControlRequest,
  type FailoverAnswer,
  type LinkAnswer,
  type ModeAnswer,
  type SendAnswer,
  type StatusAnswer,
} from "./runtime/control-protocol.ts";
import { call } from "./runtime/control-server.ts";
import { mustBeStrategy } from "./plugins/define.ts";
import type { EventType, TypedEvent } from "./runtime/fleet-events.ts";
import { MessageDesk } from "./runtime/message-desk.ts";
import type { Handler, HandlerOptions } from "./runtime/messages.ts";
import type { OutgoingContent } from "./runtime/outgoing.ts";
import { type Production, startProduction } from "./runtime/production.ts";
import { sendMessage } from "./runtime/sending.ts";

export { ControlError, FleetError };
export type { AlertRow, FailoverRecord } from "../machines/ports/records.ts";
export type { MessageContent } from "../machines/ports/store.ts";
export type { GivenMedia, MediaGiven, OutgoingContent } from "./runtime/outgoing.ts";
export type { Newcomer, Policy, Seats, Strategy } from "../machines/delivery/balance/strategy.ts";
export type { ConfigError, FleetConfig, FleetInput } from "./config/index.ts";
export type {
  ControlAnswers,
  ControlErrorCode,
  ControlOp,
  ControlRequest,
  FailoverAnswer,
  LinkAnswer,
  SendAnswer,
  StatusAnswer,
} from "./runtime/control-protocol.ts";
export { definePlugins } from "./plugins/define.ts";
export type { AlertChannelPlugin, EventSink, Plugins, SinkEvent } from "./plugins/define.ts";
export type { EventData, EventType, TypedEvent } from "./runtime/fleet-events.ts";
export type { Handler, HandlerOptions, InboundMessage, Reply, ReplyOptions } from "./runtime/messages.ts";

type Env = Readonly<Record<string, string | undefined>>;

export interface FleetOptions {
  /** For `GREENROOM__…` settings and `${env:NAME}`. Default: the process's. */
  readonly env?: Env;
  /** From where relative paths count. Default: the working directory. */
  readonly folder?: string;
}

/** A fleet in code instead of in a file, with the same checks. Throws a FleetError with everything that is wrong. */
export const defineFleet = (data: FleetInput, { env = process.env, folder = process.cwd() }: FleetOptions = {}): FleetConfig => {
  const parsed = parseFleetData(data, folder, env);
  if (!parsed.ok) throw new FleetError(parsed.errors);
  return parsed.fleet;
};

export interface SupervisorOptions {
  /** Default: pino, warnings and errors as JSON lines on stderr. */
  readonly logger?: Logger;
  /** For the fleet file, and GREENROOM_KEY. Default: the process's. */
  readonly env?: Env;
  /** The control socket. Default: beside the store, where `greenroom status` finds it. */
  readonly socket?: string;
  /** Strategies of your own, by line, in place of those that the fleet names. */
  readonly strategies?: Readonly<Record<string, Strategy>>;
  /** How long `stop` waits for handlers at work. Default: 10 s. */
  readonly stopWithin?: Millis;
}

export interface Outgoing {
  readonly line: string;
  /** A phone number with its country's code, or a WhatsApp address, such as a message's `chat`. */
  readonly to: string;
  /** Sent again with the same key it is the same message. */
  readonly key?: string;
  /** 0 (bulk) to 9 (urgent). Default: what the contact's tier is worth, 5 for ordinary ones. */
  readonly priority?: number;
  /** Where the contact is, in the words of the line's regions. */
  readonly region?: string;
  /** Milliseconds from now on; what has not left by then fails. */
  readonly expiresIn?: Millis;
}
export type OutgoingMessage = Outgoing & ({ readonly text: string } | { readonly content: OutgoingContent });

/** As over HTTP and from the terminal. */
const LONGEST_LIFE: Millis = 30 * 86_400_000;

const SEND = z.strictObject({
  line: z.string().min(1),
  to: z.string().min(1).max(100),
  // Looked at where it is taken: see runtime/sending.ts.
  content: z.looseObject({}),
  key: z.string().min(1).max(200).optional(),
  priority: z.int().min(0).max(9).optional(),
  region: z.string().min(1).optional(),
  expiresIn: z.number().positive().max(LONGEST_LIFE).optional(),
});

export const createSupervisor = (fleet: FleetConfig | string, options: SupervisorOptions = {}): FleetSupervisor =>
  new FleetSupervisor(fleet, options);

/** What refuses throws a ControlError: `code` says what, `message` what to do about it. */
export class FleetSupervisor {
  readonly #fleet: FleetConfig;
  readonly #hasFile: boolean;
  readonly #options: SupervisorOptions;
  readonly #logger: Logger;
  readonly #messages: MessageDesk;
  readonly #listeners = new Map<EventType, Set<(event: never) => unknown>>();
  #starting: Promise<Production> | undefined;
  #production: Production | undefined;
  #stopping: Promise<void> | undefined;

  /** Throws a FleetError with everything that is wrong with the fleet file, a TypeError for what is no strategy. */
  constructor(fleet: FleetConfig | string, options: SupervisorOptions) {
    this.#fleet = typeof fleet === "string" ? loaded(fleet, options.env ?? process.env) : checked(fleet);
    this.#hasFile = typeof fleet === "string";
    for (const strategy of Object.values(options.strategies ?? {})) mustBeStrategy(strategy);
    this.#options = options;
    this.#logger = options.logger ?? pino({ level: "warn" }, pino.destination(2));
    this.#messages = new MessageDesk({
      logger: this.#logger,
      send: (message) => this.#send(message),
    });
  }

  /** Resolves when the store is open and every actor has begun; devices come into service in the seconds after. */
  async start(): Promise<void> {
    this.#starting ??= this.#start();
    await this.#starting;
  }

  /**
   * Hands over what people write, each message at least once, in order within a conversation. `reply` sends to where the message came
   * from, through its line. May be called before `start`. Returns how to end that; what is under way is waited for.
   */
  onMessage(handler: Handler, options: HandlerOptions = {}): () => Promise<void> {
    if (this.#stopping) throw notRunning("was stopped");
    return this.#messages.add(handler, options);
  }

  /** Resolves once the message is durable: from then on it is not lost. */
  async send(message: OutgoingMessage): Promise<SendAnswer> {
    const { text, content, ...rest } = message as Outgoing & { text?: string; content?: OutgoingContent };
    if (text !== undefined && content !== undefined)
      throw new ControlError("E_BAD_REQUEST", "send: give either a text or a content");
    return this.#send({ ...rest, content: content ?? { kind: "text", text: text ?? "" } });
  }

  /** Returns how to stop listening. A listener that throws harms nobody: it is logged. */
  on<T extends EventType>(type: T, listener: (event: TypedEvent<T>) => unknown): () => void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  status(): Promise<StatusAnswer> {
    return this.ask("status", {});
  }
  /** Moves a seat once nothing is under way; `to`: a device, left out the one that ranks first. */
  switchover(seat: string, to?: string): Promise<FailoverAnswer> {
    return this.ask("switchover", to === undefined ? { seat } : { seat, to });
  }
  /** Moves a seat at once. */
  failover(seat: string, to?: string): Promise<FailoverAnswer> {
    return this.ask("failover", to === undefined ? { seat } : { seat, to });
  }
  /** Automatic failover off; it stays off through a restart. */
  pause(): Promise<ModeAnswer> {
    return this.ask("pause", {});
  }
  resume(): Promise<ModeAnswer> {
    return this.ask("resume", {});
  }
  /** Begins linking a device: what is to be scanned, or with `phone` what is to be entered on that phone. */
  link(device: string, { phone }: { readonly phone?: string } = {}): Promise<LinkAnswer> {
    return this.ask("link", phone === undefined ? { device } : { device, phone });
  }

  /** Everything else that the command line can ask: `why`, `history`, `alerts`, `audit`, `held`, `release`, `drain`, … */
  async ask<K extends ControlOp>(op: K, request: ControlRequest<K>): Promise<ControlAnswers[K]> {
    return (await call(this.#running().handlers, op, request)) as ControlAnswers[K];
  }

  /** Handlers first, then links, then the store. What was not done is handed over at the next start. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    await this.#stopping;
  }

  async #start(): Promise<Production> {
    if (this.#stopping) throw notRunning("was stopped");
    const { env = process.env, socket, strategies } = this.#options;
    const production = await startProduction({
      fleet: this.#fleet,
      env,
      logger: this.#logger,
      ...(socket === undefined ? {} : { socket }),
      ...(strategies === undefined ? {} : { strategies }),
      ...(this.#hasFile ? {} : { reload: null }),
      onStop: () => void this.stop(),
      onFailoverEnd: (record) =>
        this.#tell({ at: record.endedAt ?? 0, type: "failover.ended", subject: record.seat, data: record }),
    });
    production.supervisor.onEvent(({ at, type, subject, data }) => {
      // Told above, with all its steps.
      if (type !== "failover.ended") this.#tell({ at, type: type as EventType, subject, data });
    });
    this.#production = production;
    this.#messages.begin(production);
    return production;
  }

  async #stop(): Promise<void> {
    // One that can't start has left nothing to be stopped.
    const production = await this.#starting?.catch(() => undefined);
    await this.#messages.stop(this.#options.stopWithin ?? 10_000);
    this.#production = undefined;
    await production?.stop();
  }

  #send(request: Parameters<typeof sendMessage>[1]): Promise<SendAnswer> {
    const parsed = SEND.safeParse(request);
    if (!parsed.success)
      throw new ControlError("E_BAD_REQUEST", `send: ${z.prettifyError(parsed.error).replaceAll(/\s*\n\s*/g, " ")}`);
    return sendMessage(this.#running(), request);
  }

  #running(): Production {
    if (this.#production) return this.#production;
    throw notRunning(this.#stopping ? "was stopped" : "has not started: await start() first");
  }

  /** In a turn of its own: what a listener does is none of the machines' business. */
  #tell<T extends EventType>(event: TypedEvent<T>): void {
    for (const listener of this.#listeners.get(event.type) ?? []) {
      void Promise.resolve(event as never)
        .then(listener)
        .catch((error: unknown) => this.#logger.error({ err: error, event: event.type }, "a listener failed"));
    }
  }
}

const notRunning = (what: string): ControlError => new ControlError("E_NOT_RUNNING", `this supervisor ${what}`);

const loaded = (file: string, env: Env): FleetConfig => {
  const fleet = loadFleetFile(file, env);
  if (!fleet.ok) throw new FleetError(fleet.errors);
  return fleet.fleet;
};

const checked = (fleet: FleetConfig): FleetConfig => {
  if (Array.isArray(fleet.accounts) && Array.isArray(fleet.lines)) return fleet;
  throw new TypeError("createSupervisor takes the path of a fleet file, or what defineFleet returns");
};
