import { execFile } from "node:child_process";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { Cli } from "../../src/cli/cli.ts";
import { programFor } from "../../src/cli/program.ts";
import { inside } from "./inside.ts";
import { bareEnv, greenroom, MAIN, makeFolder } from "./process.ts";

const COMMANDS = [
  "demo",
  "loopback",
  "config check",
  "config print",
  "up",
  "device link",
  "device restart",
  "key create",
  "key list",
  "key revoke",
  "stop",
  "status",
  "why",
  "account list",
  "history",
  "alerts",
  "alerts list",
  "alerts show",
  "alerts ack",
  "alerts silence",
  "alerts unsilence",
  "alerts silences",
  "alerts test",
  "alerts report",
  "audit",
  "line show",
  "line rebalance",
  "send",
  "switchover",
  "failback",
  "failover",
  "drain",
  "init",
  "doctor",
  "webhook",
  "webhook list",
  "webhook log",
  "webhook test",
  "webhook dead",
  "webhook redrive",
  "backup",
  "restore",
  "sla report",
  "top",
  "tail",
  "metrics",
  "metrics show",
  "metrics export",
  "audit verify",
  "audit export",
  "audit prune",
  "message",
  "cancel",
  "services",
  "queue",
  "account link",
  "account cordon",
  "line list",
  "group list",
  "group participants",
  "media download",
  "contact list",
  "held",
  "held list",
  "held release",
  "held drop",
  "pause",
  "resume",
];

describe("help", () => {
  it("lists every command in groups, with examples and exit codes, on a screen", async () => {
    const { code, stdout, stderr } = await inside(["--help"], process.env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const listed = new Set(stdout.split("\n").map((line) => /^ {2}([a-z]+)\b/.exec(line)?.[1]));
    expect(COMMANDS.filter((name) => !listed.has(name.split(" ")[0]))).toEqual([]);
    expect(stdout).toMatch(/Run a fleet:[\s\S]*Look at a running fleet:[\s\S]*Examples:[\s\S]*Exit codes: 0 fine/);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stdout.split("\n").length).toBeLessThanOrEqual(70);
  });

  it("is what one gets who types nothing", async () => {
    const { code, stdout } = await inside([], process.env);
    expect(code).toBe(0);
    expect(stdout).toContain("Usage: greenroom COMMAND");
  });

  it.each(COMMANDS.filter((name) => !["held", "audit", "alerts", "metrics", "webhook"].includes(name)))(
    "of %s says what it does, and how it is typed",
    (name) => {
      const text = helpOf(name.split(" "));
      expect(text).toContain(`Usage: greenroom ${name}`);
      expect(text).toContain("--json");
    },
  );

  it("of every command gives an example of it, and fits 80 columns", () => {
    const all = allOf(programFor(new Cli(process.stdout, process.stderr, {})), []);
    expect(all.length).toBeGreaterThan(80);
    const pages = all.map(({ path, command }) => ({ path, isLeaf: command.commands.length === 0, text: pageOf(command) }));
    // `accounts` and `drain` are written as they are known to most.
    const without = pages.filter(({ path, isLeaf, text }) => {
      const shown = text.split("Examples:")[1] ?? "";
      return ![path, ...(isLeaf ? [path.split(" ").at(-1) ?? ""] : [])].some((name) => shown.includes(`greenroom ${name}`));
    });
    expect(without.map(({ path }) => path)).toEqual([]);
    const wide = pages.flatMap(({ path, text }) =>
      text
        .split("\n")
        .filter(({ length }) => length > 80)
        .map((line) => `${path}: ${line}`),
    );
    expect(wide).toEqual([]);
  });
});

describe("bad usage", () => {
  it.each([
    [["statsu"], "Did you mean status?"],
    [["status", "--jsn"], "Did you mean --json?"],
    [["why"], "missing required argument 'seat'"],
    [["history", "--limit", "many"], "expected a whole number from 1 to 1000"],
    [["demo", "--seconds", "0"], "expected a number above 0"],
    [["config", "chek"], "Did you mean check?"],
  ])("%j exits with 2, and a hint", async (args, hint) => {
    const { code, stdout, stderr } = await inside(args, process.env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(hint);
  });

  it("without a fleet file says how to name one", async () => {
    const { code, stdout, stderr } = await greenroom(["status", "--json"], { cwd: makeFolder() });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^E_WHICH_FLEET there is no \.\/fleet\.yaml here: name the fleet file/);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "E_WHICH_FLEET" } });
  });
});

describe("the version", () => {
  it("is the package's", async () => {
    expect((await inside(["--version"], process.env)).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("of Node is checked before anything else is loaded", async () => {
    const script = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "22.20.0" } }); await import(${JSON.stringify(MAIN)})`;
    const ended = await new Promise((resolve) =>
      execFile(process.execPath, ["--input-type=module", "-e", script], { env: bareEnv() }, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, stdout, stderr }),
      ),
    );
    expect(ended).toEqual({
      code: 2,
      stdout: "",
      stderr: "greenroom needs Node 24.15 or newer, and this is 22.20.0: get one from https://nodejs.org\n",
    });
  });
});

const helpOf = (path: readonly string[]): string => {
  let command: Command = programFor(new Cli(process.stdout, process.stderr, {}));
  for (const name of path) {
    const next = command.commands.find((one) => one.name() === name);
    if (!next) throw new Error(`there is no command ${name}`);
    command = next;
  }
  return pageOf(command);
};
const pageOf = (command: Command): string => {
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
};
/** With all that are below it. */
const allOf = (command: Command, path: readonly string[]): { readonly path: string; readonly command: Command }[] => [
  { path: path.join(" "), command },
  ...command.commands.flatMap((each) => allOf(each, [...path, each.name()])),
];
