/** Which running supervisor is meant: by its socket, by its fleet file, or by the address of its API. */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { type FleetStore, loadFleetFile, loadFleetStore } from "../config/index.ts";
import { controlPath } from "../runtime/control-path.ts";
import type { ControlAnswers, ControlOp, ControlRequest } from "../runtime/control-protocol.ts";
import { type Cli, CliError, configFault, type Env } from "./cli.ts";
import { askSupervisor } from "./control-client.ts";
import { askRemote, remoteOf } from "./remote.ts";

export interface TargetOptions {
  readonly fleet?: string;
  readonly socket?: string;
  readonly url?: string;
  readonly json?: boolean;
}

const DEFAULT_FLEET = "fleet.yaml";

export const withTarget = (command: Command): Command =>
  command
    .option("-f, --fleet <file>", `the fleet file that it was started with (default: $GREENROOM_FLEET, or ./${DEFAULT_FLEET})`)
    .option("--socket <path>", "its control socket, if it is not beside the store (or $GREENROOM_SOCKET)")
    .option("--url <url>", "its API instead, on another machine (or $GREENROOM_URL), with a key in $GREENROOM_API_KEY")
    .option("--json", "one JSON document instead of text");

/** The fleet file that is meant when none, or this one, is named. */
export const fleetFile = (named: string | undefined, env: Env): string => {
  const file = named ?? env["GREENROOM_FLEET"];
  if (file !== undefined && file !== "") return file;
  if (existsSync(DEFAULT_FLEET)) return DEFAULT_FLEET;
  throw new CliError(
    "E_WHICH_FLEET",
    `there is no ./${DEFAULT_FLEET} here: name the fleet file, or set GREENROOM_FLEET. To begin one: greenroom init`,
    2,
  );
};

const socketOf = ({ socket, fleet }: TargetOptions, env: Env): string => {
  const named = socket ?? (fleet === undefined ? env["GREENROOM_SOCKET"] : undefined);
  if (named !== undefined && named !== "") return named;
  return controlPath(fleetStore(fleetFile(fleet, env), env).store.file);
};

/**
 * A supervisor is asked how it does above all when its file is wrong, and its terminal need not have the secrets that it has.
 * Throws CliError E_CONFIG, with all that is wrong, where not even the store's place can be told.
 */
export const fleetStore = (file: string, env: Env): FleetStore & { readonly keyFault: string | null } => {
  const found = loadFleetStore(file, env);
  if (found) return found;
  const loaded = loadFleetFile(file, env);
  throw configFault(file, loaded.ok ? [] : loaded.errors);
};

/** The address of its API, where that is how it is to be asked. */
export const urlOf = ({ url, fleet, socket }: TargetOptions, env: Env): string | undefined =>
  (url ?? (fleet === undefined && socket === undefined ? env["GREENROOM_URL"] : undefined)) || undefined;

/** Asks it, and waits for the answer. Throws CliError or ControlError. */
export const ask = async <K extends ControlOp>(
  cli: Cli,
  target: TargetOptions,
  op: K,
  request: ControlRequest<K>,
): Promise<ControlAnswers[K]> => {
  const url = urlOf(target, cli.env);
  if (url !== undefined) return askRemote(remoteOf(url, cli.env), op, request);
  return askSupervisor(socketOf(target, cli.env), op, request);
};
