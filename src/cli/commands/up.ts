/** `greenroom up FLEET`: the supervisor, until it is told to stop. */
import { Command, Option } from "commander";
import { type Logger, pino } from "pino";
import { type FleetConfig, type LoadedFleet, loadFleetFile, parseFleet } from "../../config/index.ts";
import { watchFleetFile } from "../../runtime/fleet-watch.ts";
import type { Production } from "../../runtime/production.ts";
import { type Cli, CliError, configFault, type ExitCode } from "../cli.ts";
import { examples } from "../help.ts";
import { interrupts } from "../interrupts.ts";
import { fleetFile } from "../target.ts";
import { watchInTerminal } from "../up-view.ts";
import { summaryOf } from "./config.ts";

interface Options {
  readonly endpoint?: string;
  readonly endpointRootKey?: string;
  readonly socket?: string;
  readonly json?: boolean;
  readonly logLevel?: string;
  readonly watch?: boolean;
}

const LEVELS = ["trace", "debug", "info", "warn", "error", "silent"] as const;

export const upCommand = (cli: Cli): Command =>
  new Command("up")
    .description("keep a fleet in service, until Ctrl-C")
    .argument("[fleet]", "the fleet file (default: $GREENROOM_FLEET, or ./fleet.yaml)")
    .option("--socket <path>", "the control socket (default: beside the store, or $GREENROOM_SOCKET)")
    .addOption(
      new Option("--log-level <level>", "of the JSON lines on stderr (default: info, in a terminal error)").choices(LEVELS),
    )
    .option("--no-watch", "take up the fleet file only when told to (`config apply`), not whenever it is saved")
    .option("--json", "say on stdout, as one JSON document, what was started; log on stderr")
    .optionsGroup("For tests, against a server such as `greenroom loopback`:")
    .option("--endpoint <url>", "ws:// or wss:// address on this machine, instead of WhatsApp")
    .option("--endpoint-root-key <key>", "its public root key, in hex or base64")
    .addHelpText(
      "after",
      examples([
        ["greenroom up fleet.yaml", "shows a QR code for each device that is not linked yet"],
        [
          "greenroom up fleet.yaml 2>> greenroom.log &",
          "without a terminal it logs JSON lines; link with `greenroom device link`",
        ],
      ]),
    )
    .action((file: string | undefined, options: Options) => cli.run(options.json === true, () => up(cli, file, options)));

const up = async (cli: Cli, named: string | undefined, options: Options): Promise<ExitCode> => {
  const read = reader(cli, fleetFile(named, cli.env), options);
  const fleet = load(read);
  // Loaded only now: a wrong file is told without waiting for Baileys.
  const { startProduction } = await import("../../runtime/production.ts");
  const isTerminal = cli.stdout.isTTY && options.json !== true;
  const level = options.logLevel ?? (isTerminal ? "error" : "info");
  const logger = pino({ level, base: { pid: process.pid, fleet: fleet.fleet } }, pino.destination({ dest: 2, sync: true }));
  process.on("unhandledRejection", (error) =>
    logger.error({ err: error }, "something was rejected and nobody cared: please report it"),
  );

  const stop = Promise.withResolvers<string>();
  const interrupt = interrupts(() => stop.resolve("a signal"));
  const socket = options.socket ?? (cli.env["GREENROOM_SOCKET"] || undefined);
  const onStop = (): void => stop.resolve("a request");
  const reload = (text?: string): LoadedFleet => read.reload(text);
  const production = await startProduction({ fleet, env: cli.env, logger, socket, onStop, reload });
  const stopWatching = options.watch === false ? undefined : watchFleetFile(fleet.file, () => void takeUp(production, logger));
  const view = isTerminal && !interrupt.signal.aborted ? watchInTerminal(cli.stdout, production, fleet) : undefined;
  if (options.json) cli.json(startedDocument(production, fleet));
  if (!view) logStart(production, fleet, logger);

  const why = await stop.promise;
  view?.say("Shutting down; Ctrl-C again ends it at once.");
  logger.info({ why }, "shutting down");
  stopWatching?.();
  await production.stop();
  view?.close();
  logger.info("stopped");
  return 0;
};

/** Somebody has saved the fleet file. One that is wrong changes nothing. */
const takeUp = async ({ handlers }: Production, logger: Logger): Promise<void> => {
  try {
    const { changes } = await handlers.apply({ dryRun: false, force: false, match: null });
    for (const { text, isLive } of changes) {
      if (isLive) logger.info(text);
      else logger.warn(`${text}: needs a restart`);
    }
  } catch (error) {
    logger.error({ err: error }, "the fleet file was saved, and is not taken up: what ran before goes on");
  }
};

interface Reader {
  readonly file: string;
  readonly reload: (text?: string) => LoadedFleet;
}
const reader = (cli: Cli, file: string, { endpoint, endpointRootKey }: Options): Reader => {
  const env = {
    ...cli.env,
    ...(endpoint === undefined ? {} : { [ENDPOINT]: endpoint }),
    ...(endpointRootKey === undefined ? {} : { [ROOT_KEY]: hexOf(endpointRootKey) }),
  };
  if (endpointRootKey !== undefined && endpoint === undefined)
    throw new CliError("E_USAGE", "--endpoint-root-key says whom to trust at --endpoint, and that is missing", 2);
  return { file, reload: (text) => (text === undefined ? loadFleetFile(file, env) : parseFleet(file, text, env)) };
};

const load = ({ file, reload }: Reader): FleetConfig => {
  const loaded = reload();
  if (loaded.ok) return loaded.fleet;
  const fault = configFault(file, loaded.errors);
  const text = fault.message.replaceAll(ENDPOINT, "--endpoint").replaceAll(ROOT_KEY, "--endpoint-root-key");
  throw new CliError(fault.code, text, fault.exitCode);
};

/** The options are settings of the file, and checked as such. */
const ENDPOINT = "GREENROOM__WHATSAPP__ENDPOINT";
const ROOT_KEY = "GREENROOM__WHATSAPP__ROOT_KEY";
const hexOf = (key: string): string => (/^[A-Za-z0-9+/_-]{43}=?$/.test(key) ? Buffer.from(key, "base64").toString("hex") : key);

const startedDocument = ({ socket, api, supervisor, links, isNew }: Production, fleet: FleetConfig) => ({
  fleet: fleet.fleet,
  pid: process.pid,
  socket,
  api,
  store: fleet.store.file,
  isNew,
  endpoint: fleet.whatsapp?.url ?? null,
  seats: [...(supervisor.node.roster()?.seats.keys() ?? [])],
  unlinked: links.pending().map(({ device }) => device),
});

const LOOPBACK = /^(127\.|::1$|localhost$)/;
const logStart = (production: Production, fleet: FleetConfig, logger: Logger): void => {
  const { socket, api, keyOrigin, isNew, links } = production;
  logger.info({ socket, store: fleet.store.file, keyOrigin, isNew }, `started: ${summaryOf(fleet)}`);
  if (api !== null) logger.info({ api }, `the HTTP API listens on ${api}`);
  if (fleet.api && !fleet.api.tls && !LOOPBACK.test(fleet.api.host))
    logger.warn(
      { api },
      "the HTTP API can be reached from other machines without TLS: set api.tls, or put a proxy with TLS in front",
    );
  if (fleet.whatsapp) logger.warn({ endpoint: fleet.whatsapp.url }, "a test server takes WhatsApp's place");
  for (const { device } of links.pending())
    logger.warn({ device }, `${device} is not linked: greenroom device link ${device} --socket ${socket}`);
};
