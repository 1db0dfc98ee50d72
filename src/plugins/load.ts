/** A plugin file for the supervisor itself: what there is, checked against the fleet that names it. */
import { pathToFileURL } from "node:url";
import { STRATEGIES } from "../../machines/delivery/balance/strategies.ts";
import type { Strategy } from "../../machines/delivery/balance/strategy.ts";
import { type FleetConfig, FleetError, type LoadedFleet } from "../config/index.ts";
import { checkedPlugins, type FunctionKind } from "./define.ts";

export interface LoadedPlugins {
  /** Absolute. */
  readonly file: string;
  readonly version: string | null;
  readonly strategies: readonly Strategy[];
  readonly names: Readonly<Record<FunctionKind, readonly string[]>>;
}

/** null: the fleet names no file. Throws FleetError where it can't be loaded, or lacks what the fleet names. */
export const loadPlugins = async (fleet: FleetConfig): Promise<LoadedPlugins | null> => {
  const { plugins: file } = fleet;
  if (file === null) return null;
  const refused = (path: string, message: string): FleetError =>
    new FleetError([{ source: { kind: "whole", file: fleet.file }, path, message }]);
  try {
    const { default: given } = (await import(pathToFileURL(file).href)) as { default?: unknown };
    const { version = null, strategies = [], ...rest } = checkedPlugins(given);
    const named = (kind: FunctionKind): readonly string[] => Object.keys(rest[kind] ?? {});
    const names = { onMessage: named("onMessage"), alertChannels: named("alertChannels"), eventSinks: named("eventSinks") };
    const fault = missing(fleet, strategies, names.alertChannels);
    if (fault) throw refused(fault.path, fault.message);
    return { file, version, strategies, names };
  } catch (error) {
    if (error instanceof FleetError) throw error;
    throw refused("plugins", `${file} can't be loaded: ${error instanceof Error ? error.message : String(error)}`);
  }
};

/** A fleet that a running supervisor is to take up, with the plugins that it has: others take a restart. */
export const withPlugins = (next: LoadedFleet, plugins: LoadedPlugins | null): LoadedFleet => {
  if (!next.ok || !plugins || next.fleet.plugins !== plugins.file) return next;
  const fault = missing(next.fleet, plugins.strategies, plugins.names.alertChannels);
  return fault ? { ok: false, errors: [{ source: { kind: "whole", file: next.fleet.file }, ...fault }] } : next;
};

const missing = (
  { lines, alerts }: FleetConfig,
  strategies: readonly Strategy[],
  channels: readonly string[],
): { readonly path: string; readonly message: string } | undefined => {
  const ours: readonly string[] = STRATEGIES;
  const own = strategies.map(({ name }) => name);
  const taken = own.find((name, place) => ours.includes(name) || own.indexOf(name) !== place);
  if (taken !== undefined)
    return { path: "plugins", message: `there is a strategy ${taken} already: give the plugin's another name` };
  const known = [...ours, ...own];
  const line = lines.find(({ strategy }) => !known.includes(strategy));
  if (line)
    return {
      path: `lines.${line.id}.strategy`,
      message: `there is no strategy ${line.strategy}, here or among the plugins. There are: ${known.join(", ")}`,
    };
  const channel = alerts.channels.find(({ kind, name }) => kind === "plugin" && !channels.includes(name));
  if (!channel) return undefined;
  return {
    path: `alerts.channels.${channel.name}`,
    message: `the plugins have no alert channel of that name. They have: ${channels.join(", ") || "none"}`,
  };
};
