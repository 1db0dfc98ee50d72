/**
 * From the fleet that runs to another one: what differs, in an operator's words, and how much of it a running fleet can take up.
 * Pure. What a secret says is not compared, only where it comes from; webhooks and channels are the exception, as they can take it up.
 */
import { isDeepStrictEqual } from "node:util";
import { STRATEGIES } from "../../machines/delivery/balance/strategies.ts";
import { NOT_NAMED } from "./about.ts";
import { changesOfAlerts } from "./alert-changes.ts";
import type { AlertsConfig } from "./alerts.ts";
import type { AccountConfig, FleetConfig, LineConfig } from "./fleet.ts";
import { changesOfWebhooks } from "./webhook-changes.ts";

export interface FleetDifference {
  /** An account, device or line, `webhook:`, `channel:` or `alerts:` and a name, or a section of the fleet file. */
  readonly subject: string;
  readonly text: string;
}

export const diffFleet = (from: FleetConfig, to: FleetConfig): readonly FleetDifference[] => [
  ...added(from.accounts, to.accounts).map(({ id, role, devices }) => ({
    subject: id,
    text: `account ${id} (${role}) is added, with ${devices.join(", ")}`,
  })),
  ...added(to.accounts, from.accounts).map(({ id, devices }) => ({
    subject: id,
    text: `account ${id} is removed, with ${devices.join(", ")}`,
  })),
  ...both(from.accounts, to.accounts).flatMap(([old, other]) => changesOfAccount(old, other)),
  ...added(from.lines, to.lines).map(({ id, masters, servants }) => ({
    subject: id,
    text: `line ${id} is added: ${[...masters, ...servants].join(", ")}`,
  })),
  ...added(to.lines, from.lines).map(({ id }) => ({ subject: id, text: `line ${id} is removed` })),
  ...both(from.lines, to.lines).flatMap(([old, other]) => changesOfLine(old, other)),
  ...changesOfAbout(from, to),
  ...changesOfWebhooks(from.webhooks, to.webhooks),
  ...changesOfAlerts(from.alerts, to.alerts),
  ...keysOf(from, to, ["file", "accounts", "lines", "about", "webhooks", "alerts"]).map((key) => ({
    subject: key,
    text: `the section ${key} changes`,
  })),
];

/** `from`, with those changes of `to` that need no restart. */
export const liveFleet = (from: FleetConfig, to: FleetConfig): FleetConfig => {
  const strategies = new Set<string>([...STRATEGIES, ...from.lines.map(({ strategy }) => strategy)]);
  const lines = to.lines.flatMap((line): LineConfig[] => {
    // What other plugins have is known at the next start.
    if (to.plugins === from.plugins || strategies.has(line.strategy)) return [line];
    const old = from.lines.find(({ id }) => id === line.id);
    return old ? [{ ...line, strategy: old.strategy, balance: old.balance }] : [];
  });
  // All of it or nothing: rules name channels.
  const alerts =
    to.plugins === from.plugins || pluginsOf(to.alerts).every((name) => pluginsOf(from.alerts).includes(name))
      ? to.alerts
      : from.alerts;
  return { ...from, accounts: to.accounts, lines, about: to.about, webhooks: to.webhooks, alerts };
};

const pluginsOf = ({ channels }: AlertsConfig): readonly string[] =>
  channels.filter(({ kind }) => kind === "plugin").map(({ name }) => name);

const changesOfAbout = ({ about: old }: FleetConfig, { about: other }: FleetConfig): FleetDifference[] =>
  [...new Set([...Object.keys(old), ...Object.keys(other)])].flatMap((subject) => {
    const [was, is] = [old[subject] ?? NOT_NAMED, other[subject] ?? NOT_NAMED];
    return [
      ...(was.name === is.name ? [] : [{ subject, text: `${subject} is called ${quoted(is.name)} (now ${quoted(was.name)})` }]),
      ...(was.labels.join() === is.labels.join()
        ? []
        : [
            {
              subject,
              text: `${subject} has the labels ${is.labels.join(", ") || "none"} (now ${was.labels.join(", ") || "none"})`,
            },
          ]),
    ];
  });
const quoted = (name: string | null): string => (name === null ? "nothing" : JSON.stringify(name));

const changesOfAccount = (old: AccountConfig, other: AccountConfig): FleetDifference[] => [
  ...other.devices
    .filter((device) => !old.devices.includes(device))
    .map((device) => ({ subject: device, text: `device ${device} is added` })),
  ...old.devices
    .filter((device) => !other.devices.includes(device))
    .map((device) => ({ subject: device, text: `device ${device} is removed` })),
  ...settings(`account ${old.id}`, old, other, ["id", "devices"]),
];

const changesOfLine = (old: LineConfig, other: LineConfig): FleetDifference[] => [
  ...(["masters", "servants"] as const)
    .filter((key) => old[key].join() !== other[key].join())
    .map((key) => ({
      subject: old.id,
      text: `line ${old.id}: its ${key} are ${other[key].join(", ") || "none"} (now ${old[key].join(", ") || "none"})`,
    })),
  ...settings(`line ${old.id}`, old, other, ["id", "masters", "servants"]),
];

const settings = <T extends { readonly id: string }>(name: string, old: T, other: T, but: readonly string[]): FleetDifference[] =>
  keysOf(old, other, but).map((key) => ({
    subject: old.id,
    text: `${name}: ${key} changes from ${said(old, key)} to ${said(other, key)}`,
  }));

const said = (of: object, key: string): string => JSON.stringify((of as Record<string, unknown>)[key]) ?? "nothing";

/** Where they differ. */
const keysOf = (old: object, other: object, but: readonly string[]): string[] =>
  [...new Set([...Object.keys(old), ...Object.keys(other)])].filter(
    (key) =>
      !but.includes(key) && !isDeepStrictEqual((old as Record<string, unknown>)[key], (other as Record<string, unknown>)[key]),
  );

const added = <T extends { readonly id: string }>(from: readonly T[], to: readonly T[]): readonly T[] =>
  to.filter(({ id }) => !from.some((each) => each.id === id));
const both = <T extends { readonly id: string }>(from: readonly T[], to: readonly T[]): readonly (readonly [T, T])[] =>
  from.flatMap((old) => {
    const other = to.find(({ id }) => id === old.id);
    return other ? [[old, other] as const] : [];
  });
