/** `greenroom init [FILE]`: asks a few questions, and writes a fleet file with comments, and the key of its store. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface, type Interface } from "node:readline/promises";
import { Command } from "commander";
import { loadKey, type LoadedKey } from "../../adapters/sqlite/key-file.ts";
import { openSqliteStore } from "../../adapters/sqlite/store.ts";
import { parseFleet } from "../../config/index.ts";
import { KeyRing } from "../../http/keys.ts";
import { systemClock } from "../../runtime/clock.ts";
import { type Cli, CliError, configFault } from "../cli.ts";
import { examples, withJson } from "../help.ts";
import { fleetText, type Wishes } from "../fleet-text.ts";

interface Options {
  readonly name?: string;
  readonly line?: string;
  readonly masters?: string;
  readonly servants?: string;
  readonly twins?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

const DEFAULTS: Wishes = { name: "my-fleet", line: "support", masters: ["support-1", "support-2"], servants: [], twins: true };

export const initCommand = (cli: Cli): Command =>
  withJson(
    new Command("init")
      .description("write a fleet file and its keys, after a few questions")
      .argument("[file]", "the file that is made", "fleet.yaml")
      .option("--name <name>", `the fleet's name (default: ${DEFAULTS.name})`)
      .option("--line <line>", `what people write to (default: ${DEFAULTS.line})`)
      .option("--masters <accounts>", `who speaks on it, in order (default: ${DEFAULTS.masters.join(",")})`)
      .option("--servants <accounts>", "who works for them (default: none)")
      .option("--twins", "two devices for each master (the default)")
      .option("--no-twins", "one device for each master")
      .option("-y, --yes", "ask nothing"),
  )
    .addHelpText(
      "after",
      examples([
        ["greenroom init", "asks, and writes ./fleet.yaml"],
        ["greenroom init acme.yaml --yes --masters sales-1,sales-2 --line sales", "asks nothing"],
      ]),
    )
    .action((file: string, options: Options) =>
      cli.run(options.json === true, async () => {
        const wishes = await wishesOf(cli, options);
        const text = fleetText(wishes);
        const loaded = parseFleet(file, text, {});
        if (!loaded.ok) throw configFault("what was wished for", loaded.errors);
        write(file, text);
        const { keyFile, file: store } = loaded.fleet.store;
        const key = loadKey({ env: cli.env, file: keyFile, store });
        const adminKey = await firstKey(store, key);
        if (options.json) cli.json({ file, key: key.origin, adminKey, ...wishes });
        else cli.print(next(file, key.origin, adminKey));
        return 0;
      }),
    );

const wishesOf = async (cli: Cli, options: Options): Promise<Wishes> => {
  const given: Wishes = {
    name: options.name ?? DEFAULTS.name,
    line: options.line ?? DEFAULTS.line,
    masters: options.masters === undefined ? DEFAULTS.masters : listOf(options.masters),
    servants: options.servants === undefined ? DEFAULTS.servants : listOf(options.servants),
    twins: options.twins ?? DEFAULTS.twins,
  };
  if (options.yes || options.json || !cli.stdout.isTTY || !process.stdin.isTTY) return given;
  const terminal = createInterface({ input: process.stdin, output: cli.stderr });
  try {
    return await asked(terminal, options, given);
  } finally {
    terminal.close();
  }
};

/** What was said on the command line is not asked. */
const asked = async (terminal: Interface, options: Options, given: Wishes): Promise<Wishes> => {
  const ask = async (question: string, answer: string): Promise<string> =>
    (await terminal.question(`${question} [${answer}] `)).trim() || answer;
  const name = options.name ?? (await ask("What is the fleet's name?", given.name));
  const line = options.line ?? (await ask("What do people write to? (a name for the line)", given.line));
  const masters =
    options.masters ?? (await ask("Which numbers speak on it? (names, in order, with commas)", given.masters.join(",")));
  const servants = options.servants ?? (await ask("Which numbers work for them? (names, or nothing)", given.servants.join(",")));
  const twins = options.twins ?? !/^n/i.test(await ask("Two linked devices for each, so that one can stand in at once?", "yes"));
  return { name, line, masters: listOf(masters), servants: listOf(servants), twins };
};

const listOf = (text: string): string[] =>
  text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");

const write = (file: string, text: string): void => {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { flag: "wx" });
  } catch (error) {
    const isThere = error instanceof Error && "code" in error && error.code === "EEXIST";
    const why = isThere ? "it exists already: name another file" : error instanceof Error ? error.message : String(error);
    throw new CliError("E_FILE", `${file} was not written: ${why}`, 2);
  }
};

/** An admin's, for the API; null: the store is there already, and with it the keys that were made. */
const firstKey = async (file: string, { key, origin }: LoadedKey): Promise<string | null> => {
  if (existsSync(file)) return null;
  const store = openSqliteStore({ file, key, keyOrigin: origin, clock: systemClock });
  try {
    const ring = await KeyRing.open(store.api, () => systemClock.now());
    return (await ring.create({ name: "admin", role: "admin", lines: null, expiresIn: null }, "init")).secret;
  } finally {
    store.close();
  }
};

const next = (file: string, key: string, adminKey: string | null): string =>
  [
    `${file} is written. The store's key: ${key}. Keep a copy of it: without it every device must be linked anew.`,
    ...(adminKey === null ? [] : [`An admin's key for the HTTP API, shown this once: ${adminKey}`]),
    "",
    `  greenroom doctor ${file}    is anything in the way?`,
    `  greenroom up ${file}        start it; scan a QR code for each device`,
  ].join("\n");
