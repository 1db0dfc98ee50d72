/** A fleet as a file again: everything that was filled in stands there. Without `redacted: false` it can be loaded as it is. */
import { relative, dirname } from "node:path";
import { stringify } from "yaml";
import type { Caps } from "../../machines/delivery/caps.ts";
import { accountOf, type DeviceId } from "../../machines/ports/ids.ts";
import type { AlertsConfig } from "./alerts.ts";
import { mapAt } from "./data.ts";
import { formatDuration } from "./duration.ts";
import type { ApiConfig, FleetConfig } from "./fleet.ts";
import type { Secret } from "./secret.ts";
import { webhooksAsData } from "./webhooks.ts";

export interface RenderOptions {
  /** Secrets as the references that the file has; otherwise in the clear. */
  readonly redacted: boolean;
}

export const renderFleet = (fleet: FleetConfig, options: RenderOptions): string =>
  stringify(fleetAsData(fleet, options), { lineWidth: 130, defaultStringType: "PLAIN" });

/** The same as plain data, for JSON. */
export const fleetAsData = (fleet: FleetConfig, { redacted }: RenderOptions): Readonly<Record<string, unknown>> => ({
  fleet: fleet.fleet,
  store: {
    file: pathFrom(fleet.file, fleet.store.file),
    ...(fleet.store.key ? { key: secretText(fleet.store.key, redacted) } : {}),
  },
  accounts: Object.fromEntries(
    fleet.accounts.map(({ id, role, devices, pacing, caps }) => [
      id,
      {
        role,
        devices: devices.map(deviceName),
        ...(pacing || caps ? { pacing: { ...pacing, ...(caps ? capsAsData(caps) : {}) } } : {}),
      },
    ]),
  ),
  lines: Object.fromEntries(
    fleet.lines.map(({ id, masters, servants, work, ...rest }) => [
      id,
      { masters: [...masters], servants: [...servants], work: [...work], ...rest },
    ]),
  ),
  ...(Object.keys(fleet.about).length > 0 ? { about: aboutAsData(fleet) } : {}),
  timers: Object.fromEntries(Object.entries(fleet.timers).map(([key, millis]) => [key, formatDuration(millis)])),
  brake: { ...fleet.brake, within: formatDuration(fleet.brake.within) },
  reconnect: { ...fleet.reconnect },
  ...(fleet.api ? { api: apiAsData(fleet.api) } : {}),
  ...(fleet.alerts.written ? { alerts: redacted ? fleet.alerts.written : revealed(fleet.alerts) } : {}),
  ...(fleet.webhooks.length > 0 ? { webhooks: webhooksAsData(fleet.webhooks, redacted) } : {}),
  retention: { ...fleet.retention },
  ...(fleet.plugins === null ? {} : { plugins: pathFrom(fleet.file, fleet.plugins) }),
  ...(fleet.whatsapp
    ? {
        whatsapp: {
          endpoint: fleet.whatsapp.url,
          ...(fleet.whatsapp.rootPublicKey ? { rootKey: Buffer.from(fleet.whatsapp.rootPublicKey).toString("hex") } : {}),
          selfSigned: fleet.whatsapp.allowSelfSigned,
        },
      }
    : {}),
});

const aboutAsData = ({ about }: FleetConfig) =>
  Object.fromEntries(
    Object.entries(about).map(([subject, { name, labels }]) => [
      subject,
      { ...(name === null ? {} : { name }), labels: [...labels] },
    ]),
  );

const pathFrom = (file: string, to: string): string => `./${relative(dirname(file), to)}`.replace(/^\.\/\.\.\//, "../");

const capsAsData = ({ newContacts, warmUp }: Caps) => ({
  ...(newContacts.perHour === null && newContacts.perDay === null ? {} : { newContacts: withoutNulls(newContacts) }),
  ...(warmUp.length > 0 ? { warmUp: warmUp.map(withoutNulls) } : {}),
});
const withoutNulls = (value: object): object => Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null));

const apiAsData = ({ tls, rateLimit, ...rest }: ApiConfig) => ({
  ...rest,
  ...(tls ? { tls: { ...tls } } : {}),
  rateLimit: { ...rateLimit },
});
/** References of channels as what they stand for. */
const revealed = ({ channels, written }: AlertsConfig): Readonly<Record<string, unknown>> => ({
  ...written,
  channels: Object.fromEntries(
    channels.map((channel) => [
      channel.name,
      {
        ...mapAt(mapAt(written ?? {}, "channels"), channel.name),
        ...("url" in channel && typeof channel.url !== "string" ? { url: channel.url.reveal() } : {}),
        ...("secret" in channel && channel.secret ? { secret: channel.secret.reveal() } : {}),
      },
    ]),
  ),
});

const secretText = (secret: Secret, redacted: boolean): string => (redacted ? secret.reference : secret.reveal());
const deviceName = (device: DeviceId): string => device.slice(accountOf(device).length + 1);
