/** The alerts of a fleet in production: channels as the fleet file names them, the desk, and who watches the figures. */
import type { Logger } from "pino";
import type { Clock } from "../../machines/ports/clock.ts";
import type { MessageId } from "../../machines/ports/ids.ts";
import type { OutboxRow } from "../../machines/ports/store.ts";
import { type AlertsConfig, type ChannelConfig, type FleetConfig, isSameChannel } from "../config/index.ts";
import { sendMessage } from "../runtime/sending.ts";
import type { Supervisor } from "../runtime/supervisor.ts";
import type { Views } from "../runtime/views.ts";
import type { Notice } from "../../machines/alerts/notices.ts";
import { type Channel, ChannelError } from "./channels/channel.ts";
import { slack } from "./channels/slack.ts";
import { type Terminal, terminal } from "./channels/terminal.ts";
import { webhook } from "./channels/webhook.ts";
import { type Carrier, type Fate, whatsapp } from "./channels/whatsapp.ts";
import { AlertDesk } from "./desk.ts";
import type { AlertStore } from "./store.ts";
import { Watcher, type WatcherOptions } from "./watcher.ts";
import { linesOf } from "./words.ts";

export interface AlertOptions {
  readonly fleet: Pick<FleetConfig, "fleet" | "alerts" | "store">;
  readonly supervisor: Supervisor;
  readonly views: Views;
  readonly store: AlertStore;
  readonly clock: Clock;
  readonly draw: () => number;
  readonly logger: Logger;
  readonly deadLetters?: WatcherOptions["deadLetters"];
  readonly holders?: WatcherOptions["holders"];
  readonly phone?: WatcherOptions["phone"];
  readonly lease?: WatcherOptions["lease"];
  /** Left out: there are no plugins, and no channel is of that kind. */
  readonly plugin?: (channel: string, notice: Notice, signal: AbortSignal) => Promise<void>;
}
export interface Alerts {
  readonly desk: AlertDesk;
  readonly store: AlertStore;
  /** What `up` prints. */
  readonly terminal: Terminal;
  /** Before the fleet starts, and after. */
  open(): Promise<void>;
  begin(): void;
  /** As a fleet file wants them from now on. */
  change(wanted: AlertsConfig): void;
  close(): void;
}
interface Built {
  readonly config: ChannelConfig;
  readonly channel: Channel;
}

export const createAlerts = (options: AlertOptions): Alerts => {
  const { fleet, supervisor, views, store, clock, draw, logger } = options;
  const screen = terminal((notice) => {
    for (const { label, text } of linesOf(notice))
      logger[label === "RESOLVED" ? "info" : "warn"]({ notice: notice.id }, `${label} ${text}`);
  });
  const onFault = (error: unknown): void => logger.error({ err: error }, "alerts: something went wrong, and they go on");
  const isPaused = (): boolean => views.mode() === "paused";
  let built: readonly Built[] = [];
  let { limits } = fleet.alerts;
  /** One that is as it was stays the same one. */
  const channelsOf = ({ channels }: AlertsConfig): readonly Channel[] => {
    built = channels.map(
      (config) => built.find((known) => isSameChannel(known.config, config)) ?? { config, channel: channelOf(config, options) },
    );
    return [screen, ...built.map(({ channel }) => channel)];
  };
  const desk = new AlertDesk({
    policy: fleet.alerts.policy,
    channels: channelsOf(fleet.alerts),
    store,
    clock,
    draw,
    life: `${fleet.fleet}-${clock.now().toString(36)}`,
    perform: (effects) => supervisor.node.driver.perform("orchestrator", effects),
    isPaused,
    onFault,
  });
  const watcher = new Watcher({
    supervisor,
    clock,
    get limits() {
      return limits;
    },
    storeFile: fleet.store.file,
    deadLetters: options.deadLetters,
    holders: options.holders,
    phone: options.phone,
    lease: options.lease,
    wall: () => Date.now(),
    isPaused,
    onLook: () => desk.tick(),
    onFault,
  });
  let open: Awaited<ReturnType<AlertDesk["open"]>> = [];
  return {
    desk,
    store,
    terminal: screen,
    open: async () => {
      open = await desk.open();
      supervisor.onEvent((event) => desk.hear(event));
    },
    begin: () => {
      desk.begin();
      watcher.begin(open);
    },
    change: (wanted) => {
      ({ limits } = wanted);
      desk.change(wanted.policy, channelsOf(wanted));
    },
    close: () => {
      watcher.close();
      desk.close();
    },
  };
};

const channelOf = (config: ChannelConfig, options: AlertOptions): Channel => {
  const { name } = config;
  const { fleet, supervisor, views, clock } = options;
  const common = { name, fleet: fleet.fleet };
  switch (config.kind) {
    case "webhook": {
      const url = typeof config.url === "string" ? config.url : config.url.reveal();
      return webhook({ ...common, url, secret: config.secret?.reveal() ?? null, now: () => clock.now() });
    }
    case "plugin":
      return pluginChannel(name, options.plugin);
    case "slack":
      return slack({ ...common, url: config.url.reveal() });
    case "whatsapp":
      return whatsapp({
        ...common,
        to: config.to,
        lines: config.lines,
        carriers: () => carriersOf(supervisor),
        send: ({ text, ...message }) => sendMessage({ supervisor, views }, { ...message, content: { kind: "text", text } }),
        // A store that does not answer knows no fate.
        fateOf: (id) =>
          views.ask("outbox.get", { id: id as MessageId }).then(
            ({ row }) => fateIn(row),
            () => "open",
          ),
        pause: (ms) => new Promise((resolve) => clock.setTimeout(resolve, ms)),
      });
  }
};

const fateIn = (row: OutboxRow | null): Fate => {
  if (row?.state === "failed") return { failed: row.reason?.replace(/^unpreparable: /, "") ?? "it failed" };
  return row?.state === "acknowledged" || row?.state === "delivered" || row?.state === "read" ? "acknowledged" : "open";
};

const pluginChannel = (name: string, deliver: AlertOptions["plugin"]): Channel => ({
  name,
  kind: "plugin",
  deliver: async (notice, signal) => {
    if (!deliver) throw new ChannelError("there are no plugins");
    try {
      await deliver(name, notice, signal);
      return "the plugin took it";
    } catch (error) {
      throw new ChannelError("the plugin did not take it", error);
    }
  },
});

const carriersOf = ({ node }: Supervisor): Carrier[] => {
  const roster = node.roster();
  if (!roster) return [];
  return [...roster.lines.keys()].map((line) => ({
    line,
    seats: [...roster.seats.values()]
      .filter((seat) => seat.line === line)
      .map(({ id }) => {
        const view = node.seat(id);
        return { id, holder: view?.row.holder ?? null, isServing: view?.state === "serving" };
      }),
  }));
};
