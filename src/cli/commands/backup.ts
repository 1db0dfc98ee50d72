/** `greenroom backup FILE` and `greenroom restore FILE`: the store as one encrypted file, and back, without old Signal keys. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { Command } from "commander";
import type { RequestId } from "../../../machines/ports/ids.ts";
import { restoreBackup, writeBackup } from "../../adapters/sqlite/backup/backup.ts";
import { MIGRATIONS } from "../../adapters/sqlite/migrations.ts";
import { openSqliteStore } from "../../adapters/sqlite/store.ts";
import type { FleetStore } from "../../config/index.ts";
import { systemClock } from "../../runtime/clock.ts";
import { controlPath } from "../../runtime/control-path.ts";
import { ControlError } from "../../runtime/control-protocol.ts";
import { type Cli, CliError } from "../cli.ts";
import { askSupervisor } from "../control-client.ts";
import { examples } from "../help.ts";
import { localOnly } from "../remote.ts";
import { storeKey } from "../store-key.ts";
import { fleetFile, fleetStore, type TargetOptions, urlOf, withTarget } from "../target.ts";
import { counted, when } from "../text.ts";

export const backupCommand = (cli: Cli): Command =>
  withTarget(
    new Command("backup")
      .description("the store as one encrypted file, while it is used; without Signal keys")
      .argument("<file>", "a file that is made"),
  )
    .addHelpText(
      "after",
      examples([["greenroom backup /mnt/backup/acme-$(date +%F).grb", "opens with the store's key only: keep that elsewhere"]]),
    )
    .action((to: string, options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const fleet = loaded(cli, options);
        const { store } = fleet;
        if (existsSync(to)) throw new CliError("E_FILE", `${to} exists already: name another file`, 2);
        const copy = `${store.file}.copy-${process.pid}`;
        const isRunning = await copied(
          options.socket ?? (cli.env["GREENROOM_SOCKET"] || controlPath(store.file)),
          store.file,
          copy,
        );
        const label = writeBackup(copy, to, existingKey(cli, fleet), { fleet: fleet.fleet, at: Date.now() });
        if (options.json) cli.json({ file: to, ...label, running: isRunning });
        else
          cli.print(
            `${to} is written. It opens with the store's key, and holds no Signal keys: after a restore each device is linked anew.`,
          );
        return 0;
      }),
    );

export const restoreCommand = (cli: Cli): Command =>
  withTarget(
    new Command("restore")
      .description("a store from a backup; each device is then to be linked anew")
      .argument("<file>", "what `greenroom backup` wrote"),
  )
    .addHelpText(
      "after",
      examples([
        ["greenroom restore acme-2026-11-25.grb", "makes the store that fleet.yaml names; never over one that is there"],
      ]),
    )
    .action((from: string, options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const fleet = loaded(cli, options);
        const key = existingKey(cli, fleet);
        if (!existsSync(from)) throw new CliError("E_FILE", `there is no file ${from}`, 2);
        const restored = restoreBackup(from, fleet.store.file, key, MIGRATIONS.at(-1)?.number ?? 0);
        await noted(fleet, key, from, restored.held);
        if (options.json) cli.json({ ...restored, store: fleet.store.file });
        else
          cli.print(
            [
              `${fleet.store.file} is restored, as it was on ${when(restored.at)}.`,
              ...(restored.held > 0
                ? [
                    `${counted(restored.held, "message")} that had not been sent then may have gone out since: held. Look: greenroom held`,
                  ]
                : []),
              "Old Signal keys would break every chat: they are not brought back. Start it (greenroom up), and link anew:",
              ...restored.devices.map((device) => `  ${device}`),
            ].join("\n"),
          );
        return 0;
      }),
    );

/** Of this machine: whoever asks for the store of another one must not get the one that happens to be here. */
const loaded = (cli: Cli, target: TargetOptions): FleetStore => {
  if (urlOf(target, cli.env) !== undefined) throw localOnly();
  const found = fleetStore(fleetFile(target.fleet, cli.env), cli.env);
  if (found.keyFault !== null) throw new CliError("E_KEY_MISSING", `store.key: ${found.keyFault}`, 2);
  return found;
};

const existingKey = ({ env }: Cli, fleet: FleetStore): Uint8Array => {
  const found = storeKey(fleet, env);
  if (found) return found.key;
  throw new CliError("E_KEY_MISSING", `there is no key: put it back at ${fleet.store.keyFile}, or set GREENROOM_KEY`, 3);
};

/** By the supervisor if it runs: nobody else can open the store then. Says whether it does. */
const copied = async (socket: string, store: string, to: string): Promise<boolean> => {
  try {
    await askSupervisor(socket, "copyStore", { to: resolve(to) });
    return true;
  } catch (error) {
    if (!(error instanceof ControlError) || error.code !== "E_NOT_RUNNING") throw error;
  }
  if (!existsSync(store)) throw new CliError("E_FILE", `there is no store ${store} yet: nothing was written`, 2);
  const db = new DatabaseSync(store, { readOnly: true });
  try {
    await backup(db, to);
  } finally {
    db.close();
  }
  return false;
};

/** The store opens, and says what happened to it. */
const noted = async ({ store }: FleetStore, key: Uint8Array, from: string, held: number): Promise<void> => {
  const opened = openSqliteStore({ file: store.file, key, clock: systemClock });
  try {
    const entry = {
      at: Date.now(),
      actor: "operator",
      action: "store.restored",
      subject: "fleet",
      text: `restored from ${from}; its devices are to be linked anew`,
      evidence: { held },
    };
    await new Promise<void>((done) =>
      opened.ask({ op: "audit.append", reqId: "restore" as RequestId, entries: [entry] }, () => done()),
    );
  } finally {
    opened.close();
  }
};
