/**
 * A fleet in production: the embedded store, real connections, the supervisor, and the socket that terminals ask. What was opened
 * is closed again when a later step fails, so a start that fails leaves nothing behind.
 */
import type { Logger } from "pino";
import type { Strategy } from "../../machines/delivery/balance/strategy.ts";
import { type LineId, nodeId, type RequestId } from "../../machines/ports/ids.ts";
import type { FailoverRecord } from "../../machines/ports/records.ts";
import { type Alerts, createAlerts } from "../alerts/assemble.ts";
import { createBaileysConnections, makeDownload } from "../adapters/baileys/index.ts";
import { MediaFolder } from "../adapters/media/media-folder.ts";
import { loadKey } from "../adapters/sqlite/key-file.ts";
import { openSqliteStore, type SqliteStore } from "../adapters/sqlite/store.ts";
import { type FleetConfig, type LoadedFleet, loadFleetFile, parseFleet, revealedWebhooks } from "../config/index.ts";
import { EventFeed } from "../http/event-feed.ts";
import { KeyRing } from "../http/keys.ts";
import { Scope } from "../http/scope.ts";
import type { Api } from "../http/server.ts";
import { countingConnections, countingStore } from "../metrics/counting-ports.ts";
import { createMetrics, type Metrics } from "../metrics/metrics.ts";
import { PluginDesk } from "../plugins/desk.ts";
import { type LoadedPlugins, loadPlugins, withPlugins } from "../plugins/load.ts";
import { Arrivals } from "./arrivals.ts";
import { AuditKeeper } from "./audit-keeper.ts";
import { WebhookDesk } from "../webhooks/desk.ts";
import { systemClock } from "./clock.ts";
import { countryOf } from "./countries.ts";
import { controlHandlers } from "./control.ts";
import { controlPath } from "./control-path.ts";
import type { ControlHandlers } from "./control-protocol.ts";
import { type ControlServer, serveControl } from "./control-server.ts";
import { tellingEnds } from "./ended-failovers.ts";
import { GroupDesk, type GroupDeskOptions } from "./group-desk.ts";
import { FleetDesk } from "./fleet-desk.ts";
import { LeaseWatch } from "./lease-watch.ts";
import { LinkDesk } from "./link-desk.ts";
import { MediaDesk } from "./media-desk.ts";
import { nodeConfigOf } from "./node-config.ts";
import { lineNow } from "./lines.ts";
import { measured, PerformanceLog } from "./performance-log.ts";
import { Phones } from "./phones.ts";
import { Retention } from "./retention.ts";
import { sendMessage } from "./sending.ts";
import { Services } from "./services.ts";
import { Series } from "./series.ts";
import { SlaDesk } from "./sla-desk.ts";
import { Supervisor } from "./supervisor.ts";
import { Views } from "./views.ts";

export interface ProductionOptions {
  readonly fleet: FleetConfig;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** Default: beside the store. */
  readonly socket?: string | undefined;
  /** Somebody asked for a shutdown over the socket. */
  readonly onStop: () => void;
  /** A user's own, by line, in place of those that the fleet names. */
  readonly strategies?: Readonly<Record<string, Strategy>>;
  /** A failover has ended, and that is durable. */
  readonly onFailoverEnd?: (record: FailoverRecord) => void;
  /** Reads the fleet file again, or `text` as if it stood there; default: with `env`. null: there is no file. */
  readonly reload?: ((text?: string) => LoadedFleet) | null;
}
export interface Production {
  readonly supervisor: Supervisor;
  readonly views: Views;
  readonly media: MediaDesk;
  readonly links: LinkDesk;
  /** What people write. */
  readonly arrivals: Arrivals;
  readonly alerts: Alerts;
  /** What the socket asks, for who is in this process. */
  readonly handlers: ControlHandlers;
  readonly socket: string;
  /** Where the HTTP API listens; null: the fleet has none. */
  readonly api: string | null;
  /** Where the store's key came from. */
  readonly keyOrigin: string;
  /** The store was made now. */
  readonly isNew: boolean;
  /** Requests that are being answered, actors, links, journal, store: in this order. */
  stop(): Promise<void>;
}

const NODE = nodeId("local");
/** Deliveries under way when a webhook ends, or all, get so long; what is not done is delivered when it comes back. */
const WEBHOOKS_WITHIN = 3000;
/** Handlers at work get so long; what is not done is handed over at the next start. */
const PLUGINS_WITHIN = 3000;

/** Throws StoreError or ControlError when something that it needs can't be had. */
export const startProduction = async (options: ProductionOptions): Promise<Production> => {
  const { fleet, env, logger } = options;
  const loaded = await loadPlugins(fleet);
  const { file, keyFile, key: given } = fleet.store;
  const { key, origin } = loadKey({
    env,
    file: keyFile,
    store: file,
    ...(given ? { given: { text: given.reveal(), origin: given.reference } } : {}),
  });
  const store = openSqliteStore({ file, key, keyOrigin: origin, clock: systemClock, countryOf });
  let control: ControlServer | undefined;
  let api: Api | undefined;
  let alerts: Alerts | undefined;
  let address: string | null = null;
  try {
    const feed = new EventFeed();
    const folder = new MediaFolder(`${file}.media`, key);
    const lease = new LeaseWatch(
      () => store.isOurs(),
      () => systemClock.now(),
    );
    const metrics = createMetrics(() => lease.age());
    const phones = new Phones({
      store: store.phones,
      clock: systemClock,
      onFault: (error) => logger.error({ err: error }, "when phones were seen could not be written down"),
    });
    const series = new Series((account, sentAt) => phones.taken(account, sentAt));
    const strategies = { ...strategiesOf(fleet, loaded), ...options.strategies };
    const { supervisor, groupsOf } = assemble({ ...options, strategies }, store, feed, folder, series, metrics, phones);
    supervisor.onEvent((event) => metrics.onEvent(event));
    const views = new Views(supervisor, {
      fleet: fleet.fleet,
      startedAt: systemClock.now(),
      now: () => systemClock.now(),
      desk: () => desk,
      phone: (account) => phones.of(account),
    });
    const {
      reload = (text?: string) => (text === undefined ? loadFleetFile(fleet.file, env) : parseFleet(fleet.file, text, env)),
    } = options;
    const desk: FleetDesk = new FleetDesk({
      fleet,
      reload: reload && ((text) => withPlugins(reload(text), loaded)),
      configOf: (each) => nodeConfigOf(each, { ...strategiesOf(each, loaded), ...ofItsLines(each, options.strategies) }),
      supervisor,
      views,
      setWebhooks: (wanted) => webhooks.change(revealedWebhooks(wanted), WEBHOOKS_WITHIN),
      setAlerts: (wanted) => opened.change(wanted),
    });
    const links = new LinkDesk(supervisor, () => desk.devices);
    const arrivals = new Arrivals({
      supervisor,
      views,
      get lines() {
        return desk.fleet.lines;
      },
    });
    const keys = await KeyRing.open(store.api, () => systemClock.now());
    const media = new MediaDesk({
      folder,
      download: makeDownload(mediaServer(fleet)),
      needed: async (ids, since) => (await views.ask("media.needed", { ids, since })).ids,
      now: () => systemClock.now(),
      onFault: (error) => logger.error({ err: error }, "media that no message needs could not be removed"),
    });
    const performance = new PerformanceLog(series, {
      clock: systemClock,
      get lines() {
        return desk.fleet.lines.map(({ id }) => id);
      },
      line: (id) => lineNow(supervisor, id),
      append: (rows, dropBefore) => views.ask("performance.append", { rows, dropBefore }),
      onFault: (error) => logger.error({ err: error }, "how the seats did could not be written down"),
    });
    const plugins =
      loaded &&
      new PluginDesk({
        plugins: loaded,
        clock: systemClock,
        logger,
        send: (message) => sendMessage({ supervisor, views, media }, message),
      });
    const opened = createAlerts({
      fleet,
      supervisor,
      views,
      store: store.alerts,
      clock: systemClock,
      draw: Math.random,
      logger,
      deadLetters: async () => Object.fromEntries((await webhooks.views()).map(({ name, dead }) => [name, dead])),
      holders: () => metrics.instruments.grants.bySeat,
      phone: (account) => phones.of(account),
      lease,
      ...(plugins ? { plugin: (channel, notice, signal) => plugins.deliver(channel, notice, signal) } : {}),
    });
    const webhooks = new WebhookDesk({
      fleet: fleet.fleet,
      webhooks: revealedWebhooks(fleet.webhooks),
      store: store.webhooks,
      clock: systemClock,
      draw: Math.random,
      inbox: { rows: (after, limit) => arrivals.rows(after, limit), message: (row) => arrivals.toMessage(row) },
      events: async (afterSeq, limit) => (await views.ask("events.read", { afterSeq, limit })).rows,
      concerns: (lines, subject) => new Scope(lines as readonly LineId[], () => views.roster()).subject(subject),
      cursor: async (reader, seq) => (await views.ask("inbox.cursor", { reader, seq })).seq,
      onDelivered: (webhook, lag) => metrics.instruments.webhookLag.observe({ webhook }, lag / 1000),
      onDead: ({ webhook, type, tries, why }) =>
        supervisor.report({ type: "webhook.dead", subject: webhook, data: { event: type, tries, why } }),
      onFault: (error) => logger.error({ err: error }, "the last deliveries of webhooks could not be written down or read"),
    });
    arrivals.onMore(() => webhooks.wake());
    feed.onEvents(() => webhooks.wake());
    const retention = new Retention({
      config: fleet.retention,
      store: store.retention,
      webhookReaders: () => webhooks.readers,
      now: () => systemClock.now(),
      onFault: (error) => logger.error({ err: error }, "what is kept no longer could not be removed"),
    });
    const auditKeeper = new AuditKeeper({
      audit: store.audit,
      days: fleet.retention.auditDays,
      now: () => systemClock.now(),
      perform: (effects) => supervisor.node.driver.perform("orchestrator", effects),
      onFault: (error) => logger.error({ err: error }, "the audit could not be looked through"),
    });
    const sla = new SlaDesk({
      store: store.sla,
      now: () => systemClock.now(),
      oldest: () => supervisor.node.owesSince(),
      mode: () => views.mode(),
      onFault: (error) => logger.error({ err: error }, "when the seats were down could not be written down"),
    });
    const services = new Services({
      supervisor,
      webhooks,
      plugins,
      channels: () => opened.desk.channels,
      doors: { socket: () => control?.path ?? null, api: () => address },
      store: file,
    });
    const parts = {
      alerts: opened,
      supervisor,
      views,
      media,
      performance,
      fleet: desk,
      links,
      keys,
      audit: store.audit,
      metrics,
      sla,
      webhooks,
      services,
      groups: new GroupDesk({ supervisor, views, calls: groupsOf }),
      contacts: store.api,
      arrivals,
      copyStore: (to: string) => store.copyTo(to),
      lastEvent: () => store.api.lastEvent(),
      onStop: options.onStop,
    };
    const handlers = controlHandlers(parts);
    const onFault = (op: string, error: unknown): void => logger.error({ err: error, op }, "a request could not be answered");
    const served = await serveControl({ path: options.socket ?? controlPath(file), handlers, onFault });
    control = served;
    feed.begin(await store.api.lastEvent());
    alerts = opened;
    await opened.open();
    await phones.open();
    await supervisor.start();
    opened.begin();
    void media.sweep();
    performance.begin();
    phones.begin();
    sla.begin();
    retention.begin();
    auditKeeper.begin();
    await webhooks.begin();
    const { createApi } = fleet.api ? await import("../http/server.ts") : {};
    api = fleet.api && createApi ? createApi({ config: fleet.api, parts, store: store.api, arrivals, feed, logger }) : undefined;
    address = (await api?.listen()) ?? null;
    plugins?.begin({ supervisor, views, arrivals });
    return {
      supervisor,
      views,
      media,
      links,
      alerts: opened,
      arrivals,
      handlers,
      socket: served.path,
      api: address,
      keyOrigin: origin,
      isNew: store.isNew,
      stop: async () => {
        links.close();
        opened.close();
        media.stop();
        await api?.close();
        await served.close();
        await plugins?.stop(PLUGINS_WITHIN);
        await webhooks.stop(WEBHOOKS_WITHIN);
        await performance.stop();
        await sla.stop();
        retention.stop();
        auditKeeper.stop();
        await supervisor.stop();
        await phones.stop();
        store.close();
      },
    };
  } catch (error) {
    alerts?.close();
    await api?.close();
    await control?.close(0);
    store.close();
    throw error;
  }
};

/** By line, those that the fleet file names and the plugins have. */
const strategiesOf = ({ lines }: FleetConfig, plugins: LoadedPlugins | null): Readonly<Record<string, Strategy>> =>
  Object.fromEntries(
    lines.flatMap(({ id, strategy }) => {
      const own = plugins?.strategies.find(({ name }) => name === strategy);
      return own ? [[id, own]] : [];
    }),
  );

/** A line that is gone has none. */
const ofItsLines = ({ lines }: FleetConfig, given: Readonly<Record<string, Strategy>> = {}): Readonly<Record<string, Strategy>> =>
  Object.fromEntries(Object.entries(given).filter(([line]) => lines.some(({ id }) => id === line)));

/** A test server has its media where it is itself. */
const mediaServer = ({ whatsapp }: FleetConfig) =>
  whatsapp ? { host: new URL(whatsapp.url).host, allowSelfSigned: whatsapp.allowSelfSigned } : {};

const assemble = (
  { fleet, logger, strategies, onFailoverEnd }: ProductionOptions,
  store: SqliteStore,
  feed: EventFeed,
  media: MediaFolder,
  series: Series,
  metrics: Metrics,
  phones: Phones,
): { readonly supervisor: Supervisor; readonly groupsOf: GroupDeskOptions["calls"] } => {
  let requests = 0;
  const counted = countingStore(store, metrics.instruments);
  const onEnd = (record: FailoverRecord): void => {
    metrics.onFailover(record);
    onFailoverEnd?.(record);
    const { steps: _, seat, ...data } = record;
    supervisor.report({ type: "failover.ended", subject: seat, data });
  };
  const { whatsapp } = fleet;
  const connections = createBaileysConnections({
    store: counted,
    clock: systemClock,
    logger,
    media: (id) => media.read(id),
    nextRequestId: () => `c${++requests}` as RequestId,
    onPhone: (account, at) => phones.seen(account, at),
    ...(whatsapp
      ? {
          endpoint: {
            url: whatsapp.url,
            allowSelfSigned: whatsapp.allowSelfSigned,
            ...(whatsapp.rootPublicKey ? { rootPublicKey: whatsapp.rootPublicKey } : {}),
          },
          clientHint: (device) => device.replace("/", "-"),
        }
      : {}),
  });
  const supervisor: Supervisor = new Supervisor({
    node: NODE,
    config: nodeConfigOf(fleet, strategies),
    store: feed.watching(tellingEnds(counted, onEnd)),
    connections: measured(countingConnections(connections, metrics.instruments), series),
    clock: systemClock,
    logger,
  });
  return { supervisor, groupsOf: (device) => connections.groups(device) };
};
