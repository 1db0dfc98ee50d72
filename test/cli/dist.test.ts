/**
 * What is published: packed, unpacked into an empty project beside what it says that it depends on, run there, and refused where Node
 * is too old. `npm run test:full` lets npm install it, which takes a registry, and minutes where that is slow.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { tooOld } from "../../src/node-version.ts";
import { bareEnv, FLEET } from "./process.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PATIENCE = 300_000;
/** A Node beside the project's own that must be refused; undefined: this machine has none. */
const OLD_NODE = (process.env["PATH"] ?? "")
  .split(delimiter)
  .map((folder) => join(folder, "node"))
  .find((node) => existsSync(node) && tooOld(spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.slice(1)) !== undefined);
if (OLD_NODE === undefined) console.warn("No Node older than 24.15 on PATH: that it is refused was not tried.");

const PROGRAM = `import { ControlError, createSupervisor, defineFleet, FleetError, type InboundMessage } from "greenroom";

const accounts = { "sales-1": { role: "master" as const, devices: ["a", "b"] } };
// @ts-expect-error: a line has masters
try { defineFleet({ fleet: "acme", accounts, lines: { sales: {} }, timers: { probe: "soon" } }); }
catch (error) { if (error instanceof FleetError) console.log(error.errors.length); }
const supervisor = createSupervisor(defineFleet({ fleet: "acme", accounts, lines: { sales: { masters: ["sales-1"] } } }));
supervisor.on("seat.serving", ({ subject, data }) => console.log(subject, data.device));
// @ts-expect-error: nothing of the kind is ever told
supervisor.on("seat.servign", () => undefined);
supervisor.onMessage(async ({ text }: InboundMessage, reply) => { await reply(text ?? "?", { quote: true }); });
await supervisor.start();
try { await supervisor.send({ line: "salse", to: "+491701234567", text: "hi" }); }
catch (error) { if (error instanceof ControlError) console.log(error.code); }
console.log((await supervisor.status()).seats.map(({ id, phase }) => id + " " + phase).join());
await supervisor.stop();
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "greenroom-pack-"));
  writeFileSync(join(folder, "package.json"), '{ "name": "bot", "private": true, "type": "module" }\n');
  writeFileSync(join(folder, "fleet.yaml"), FLEET);
  writeFileSync(join(folder, "bot.ts"), PROGRAM);
  const { version } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8")) as { version: string };
  const tarball = `./greenroom-${version}.tgz`;
  // Makes what it packs: see "prepack".
  must(ROOT, "npm", "pack", "--pack-destination", folder);
  if (process.env["GREENROOM_FULL"]) must(folder, "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", tarball);
  else unpack(tarball);
}, PATIENCE);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("puts `greenroom` on the path, with everything that it reads", { timeout: PATIENCE }, () => {
  expect(greenroom("--version").stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(greenroom("config", "check", "--json")).toMatchObject({ status: 0, stderr: "" });
  writeFileSync(`${folder}/journal.jsonl`, '{"n":1,"k":"life","version":0,"node":"n1","at":0}\n');
  expect(greenroom("replay", "journal.jsonl", "--html", "film.html")).toMatchObject({ status: 2, stderr: "" });
  expect(readFileSync(`${folder}/film.html`, "utf8")).toContain("the journal is of version 0");
  // Through the door to the simulator, and refused there.
  expect(greenroom("demo", "--faults", "earthquake")).toMatchObject({
    status: 2,
    stdout: "",
    stderr: expect.stringMatching(/earthquake/),
  });
});

it("is a library, with types, and so is what the documents show", { timeout: PATIENCE }, () => {
  const files = ["bot.ts", ...["README.md", "docs/library.md", "docs/balancing.md"].flatMap(writeSnippets)];
  const options = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2024", "--module", "nodenext", "--types", "node"];
  const types = ["--typeRoots", `${ROOT}node_modules/@types`];
  const checked = run(folder, process.execPath, `${ROOT}node_modules/typescript/bin/tsc`, ...options, ...types, ...files);
  expect(checked).toMatchObject({ status: 0, stdout: "" });
  const ran = run(folder, process.execPath, "bot.ts");
  expect(ran).toMatchObject({ status: 0, stderr: "", stdout: "2\nE_UNKNOWN_LINE\nsales/sales-1 vacant\n" });
});

it.skipIf(OLD_NODE === undefined)("refuses a Node that is too old, in one sentence", { timeout: PATIENCE }, () => {
  const refusal = expect.stringMatching(/^greenroom needs Node 24\.15 or newer, and this is \d+\.\d+\.\d+: get one from \S+\n$/);
  const command = run(folder, OLD_NODE ?? "", "node_modules/.bin/greenroom", "--version");
  expect(command).toMatchObject({ status: 2, stdout: "", stderr: refusal });
  const imported = run(
    folder,
    OLD_NODE ?? "",
    "--input-type=module",
    "--eval",
    'await import("greenroom").catch((e) => console.error(e.message))',
  );
  expect(imported).toMatchObject({ stdout: "", stderr: refusal });
});

/** The TypeScript of a document, as files of the project. */
const writeSnippets = (document: string): string[] => {
  const snippets = [...readFileSync(`${ROOT}${document}`, "utf8").matchAll(/```ts\n(.*?)```/gs)];
  if (snippets.length === 0) throw new Error(`${document} shows no program`);
  return snippets.map(([, code = ""], index) => {
    const name = `${document.replaceAll(/\W/g, "-")}-${index}.ts`;
    writeFileSync(join(folder, name), code);
    return name;
  });
};

/** As npm leaves it: the package itself, beside it nothing but what it names as its dependencies, and its commands. */
const unpack = (tarball: string): void => {
  const modules = join(folder, "node_modules");
  const own = join(modules, "greenroom");
  mkdirSync(own, { recursive: true });
  must(folder, "tar", "-xzf", tarball, "-C", own, "--strip-components=1");
  const { bin, dependencies } = JSON.parse(readFileSync(join(own, "package.json"), "utf8")) as Record<string, object>;
  const link = (to: string, path: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(to, path);
  };
  for (const name of Object.keys(dependencies ?? {})) link(`${ROOT}node_modules/${name}`, join(modules, name));
  for (const [name, file] of Object.entries(bin ?? {})) link(join(own, file), join(modules, ".bin", name));
};

const run = (cwd: string, command: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env: bareEnv(), encoding: "utf8" });
  return { status, stdout, stderr };
};
/** What it takes to reach a registry from here. */
const ROUTE = Object.fromEntries(
  Object.entries(process.env).filter(([name]) =>
    /^(node_extra_ca_certs|ssl_cert_\w+|\w+_proxy|npm_config_registry)$/i.test(name),
  ),
) as Record<string, string>;
const must = (cwd: string, ...[command, ...args]: [string, ...string[]]): void => {
  const { status, stderr } = spawnSync(command, args, { cwd, env: bareEnv(ROUTE), encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
};
const greenroom = (...args: string[]) => run(folder, process.execPath, "node_modules/.bin/greenroom", ...args);
