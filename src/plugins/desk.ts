/** The plugins of a fleet at work: handlers at the inbox, sinks at the events, channels for alerts, and how each of them is. */
import type { Logger } from "pino";
import type { Notice } from "../../machines/alerts/notices.ts";
import type { Clock } from "../../machines/ports/clock.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import { MessageDesk, type MessageDeskOptions, type MessageSource } from "../runtime/message-desk.ts";
import type { LoadedPlugins } from "./load.ts";
import { Sink } from "./sink.ts";
import { PluginThread } from "./thread.ts";

export interface PluginDeskOptions {
  readonly plugins: LoadedPlugins;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly send: MessageDeskOptions["send"];
  readonly silentFor?: Millis;
}
export interface PluginView {
  readonly kind: "onMessage" | "strategies" | "alertChannels" | "eventSinks";
  readonly name: string;
  readonly state: string;
  readonly detail: string | null;
}

export class PluginDesk {
  readonly plugins: LoadedPlugins;
  readonly #thread: PluginThread;
  readonly #messages: MessageDesk;
  readonly #sinks = new Map<string, Sink>();
  readonly #failures = new Map<string, number>();
  #stopListening = (): void => undefined;

  constructor({ plugins, clock, logger, send, silentFor }: PluginDeskOptions) {
    this.plugins = plugins;
    this.#thread = new PluginThread({ file: plugins.file, clock, logger, ...(silentFor === undefined ? {} : { silentFor }) });
    this.#messages = new MessageDesk({ logger, send });
    const { onMessage, eventSinks } = plugins.names;
    for (const name of onMessage)
      this.#messages.add(
        (message, reply) => this.#counted(`onMessage ${name}`, { of: "onMessage", name, input: message, reply }),
        {
          reader: `plugin.${name}`,
        },
      );
    for (const name of eventSinks)
      this.#sinks.set(
        name,
        new Sink({
          deliver: (events) => this.#thread.call({ of: "eventSinks", name, input: events }),
          onFailure: (error) =>
            logger.warn({ err: error, sink: name }, "a plugin's event sink failed: those events are not told again"),
        }),
      );
  }

  begin(source: MessageSource): void {
    this.#thread.start();
    this.#messages.begin(source);
    this.#stopListening = source.supervisor.onEvent(({ at, type, subject, data }) => {
      for (const sink of this.#sinks.values()) sink.push({ at, type, subject, data });
    });
  }

  deliver(channel: string, notice: Notice, signal: AbortSignal): Promise<void> {
    return this.#counted(`alertChannels ${channel}`, { of: "alertChannels", name: channel, input: notice, signal });
  }

  async stop(grace: Millis): Promise<void> {
    this.#stopListening();
    await this.#messages.stop(grace);
    await this.#thread.stop();
  }

  views(): readonly PluginView[] {
    const { strategies, names } = this.plugins;
    const { state, deaths } = this.#thread;
    const lost = deaths === 0 ? [] : [`thread replaced ${deaths} times`];
    const failed = (key: string): string[] => {
      const count = this.#failures.get(key) ?? 0;
      return count === 0 ? [] : [`${count} calls failed`];
    };
    const view = (kind: PluginView["kind"], name: string, details: readonly string[]): PluginView => ({
      kind,
      name,
      state,
      detail: details.join(", ") || null,
    });
    return [
      ...names.onMessage.map((name) => view("onMessage", name, [...failed(`onMessage ${name}`), ...lost])),
      ...strategies.map(({ name }) => ({
        kind: "strategies" as const,
        name,
        state: "running",
        detail: "in the supervisor itself",
      })),
      ...names.alertChannels.map((name) => view("alertChannels", name, [...failed(`alertChannels ${name}`), ...lost])),
      ...[...this.#sinks].map(([name, { counts }]) => {
        const { delivered, waiting, dropped, failed: lostEvents } = counts;
        const told = `${delivered} delivered, ${waiting} waiting, ${dropped} dropped, ${lostEvents} failed`;
        return view("eventSinks", name, [told, ...lost]);
      }),
    ];
  }

  async #counted(key: string, call: Parameters<PluginThread["call"]>[0]): Promise<void> {
    try {
      await this.#thread.call(call);
    } catch (error) {
      this.#failures.set(key, (this.#failures.get(key) ?? 0) + 1);
      throw error;
    }
  }
}
