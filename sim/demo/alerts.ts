/**
 * The demo's alerts, as an operator has them: a section of a fleet file, a desk, and a webhook, which is received in this process. What
 * is measured is when a notice has arrived there.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { Logger } from "pino";
import type { Millis } from "../../machines/ports/ids.ts";
import type { SqliteStore } from "../../src/adapters/sqlite/store.ts";
import { type Alerts, createAlerts } from "../../src/alerts/assemble.ts";
import { type FleetConfig, parseFleetData } from "../../src/config/index.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import type { Supervisor } from "../../src/runtime/supervisor.ts";
import { Views } from "../../src/runtime/views.ts";
import { DECLARATION } from "./fleet.ts";

/** Of one alert, in a notice that has arrived. */
export interface Told {
  readonly at: Millis;
  readonly subject: string;
  readonly raisedAt: Millis;
}
/** A post office: where notices arrive. */
export interface Post {
  readonly url: string;
  onTold(listener: (told: Told) => void): () => void;
  close(): void;
}

export const openPost = async (): Promise<Post> => {
  const listeners = new Set<(told: Told) => void>();
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const alerts = alertsIn(await text(request));
    const at = systemClock.now();
    response.writeHead(204).end();
    for (const { subject, raisedAt } of alerts)
      for (const listener of listeners) listener({ at, subject, raisedAt: Date.parse(raisedAt) });
  };
  const server = createServer((request, response) => void take(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    onTold: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

/** As docs/alerts.md has it. */
const alertsIn = (body: string): readonly { readonly subject: string; readonly raisedAt: string }[] =>
  (JSON.parse(body) as { data: { alerts: { subject: string; raisedAt: string }[] } }).data.alerts;

interface DemoAlertsOptions {
  readonly url: string;
  readonly file: string;
  readonly store: SqliteStore;
  readonly supervisor: Supervisor;
  readonly logger: Logger;
}
export const alertsFor = ({ url, file, store, supervisor, logger }: DemoAlertsOptions): Alerts => {
  const now = (): Millis => systemClock.now();
  return createAlerts({
    fleet: fleetFile(file, url),
    supervisor,
    views: new Views(supervisor, { fleet: "demo", startedAt: now(), now }),
    store: store.alerts,
    clock: systemClock,
    draw: Math.random,
    logger,
  });
};

/** Each device is broken several times within two minutes, and each of them is a drill of its own: that is not coming and going. */
const fleetFile = (file: string, url: string): FleetConfig => {
  const loaded = parseFleetData(
    {
      fleet: "demo",
      store: { file },
      accounts: Object.fromEntries(
        DECLARATION.accounts.map(({ id, role, devices }) => [
          id,
          { role, devices: devices.map((device) => device.slice(id.length + 1)) },
        ]),
      ),
      lines: Object.fromEntries(DECLARATION.lines.map(({ id, masters, servants }) => [id, { masters, servants }])),
      alerts: { channels: { ops: { kind: "webhook", url } }, flapping: { times: 10, within: "1m" } },
    },
    "/",
    {},
  );
  if (!loaded.ok) throw new Error(loaded.errors.map(({ path, message }) => `${path}: ${message}`).join("; "));
  return loaded.fleet;
};
