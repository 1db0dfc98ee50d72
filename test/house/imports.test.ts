/** DESIGN "House": which folder may import which, and what is kept out of machines and the simulated world. */
import { describe, expect, it } from "vitest";
import { type Import, importsOf, type Source, sourcesIn, usesOf } from "./source.ts";

interface Rule {
  readonly says: string;
  applies(path: string): boolean;
  /** Given: an import for which this is false breaks the rule. */
  allows?(imported: Import, path: string): boolean;
  /** Given: code where one of these stands breaks the rule. */
  readonly bans?: readonly RegExp[];
}

/** The name by itself: not a property of something, nor part of a longer name. */
const global = (names: string): RegExp => new RegExp(`(?<![\\w$.])(?:${names})(?![\\w$])(?!\\s*[?]?:)`);
const CLOCKS_AND_RANDOM = [
  /(?<![\w$.])Date\.now\b/,
  /(?<![\w$.])new\s+Date\s*(?!\(\s*[^)\s])/,
  /(?<![\w$.])Math\.random\b/,
  /(?<![\w$.])(?:setTimeout|setInterval|setImmediate|queueMicrotask)\s*\(/,
  global("performance"),
  global("crypto"),
  /(?<![\w$.])process\s*\./,
  global("globalThis"),
];
const under =
  (...folders: readonly string[]) =>
  (path: string | null) =>
    path !== null && folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
/** They declare a clock's methods under the platform's names. */
const CLOCKS = under("machines/ports/clock.ts", "sim/world/clock.ts");
const named = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

const RULES: readonly Rule[] = [
  {
    says: "machines imports xstate and itself, nothing else",
    applies: under("machines"),
    allows: ({ specifier, target }) => specifier === "xstate" || under("machines")(target),
  },
  {
    says: "sim imports machines and itself; only sim/demo imports src",
    applies: under("sim"),
    allows: ({ target }, path) =>
      target === null || under("sim", "machines")(target) || (under("sim/demo.ts", "sim/demo")(path) && under("src")(target)),
  },
  {
    says: "src imports machines and itself; only src/cli/simulator-door.ts opens sim/main.ts",
    applies: under("src"),
    allows: ({ target }, path) =>
      target === null || under("src", "machines")(target) || (path === "src/cli/simulator-door.ts" && target === "sim/main.ts"),
  },
  {
    says: "Baileys is named in src/adapters/baileys and sim/loopback alone",
    applies: (path) => under("src", "sim", "machines")(path) && !under("src/adapters/baileys", "sim/loopback")(path),
    allows: ({ specifier }) => !/^(@whiskeysockets\/)?baileys$|^libsignal$/.test(named(specifier)),
  },
  {
    says: "machines has no clock, no randomness and no process of its own",
    applies: (path) => under("machines")(path) && !CLOCKS(path),
    bans: CLOCKS_AND_RANDOM,
  },
  {
    says: "machines has no promises: those end in the production adapters",
    applies: under("machines"),
    bans: [global("Promise|PromiseLike"), /(?<![\w$.])(?:await\s+[\w(<[]|async(?:\s+[\w<]|\s*\())/],
  },
  {
    says: "the simulated world has one clock and seeded streams",
    applies: (path) => under("sim/world", "sim/faults", "sim/checkers", "sim/explorer", "sim/scenarios")(path) && !CLOCKS(path),
    bans: CLOCKS_AND_RANDOM,
    allows: ({ specifier }) => !/^(node:)?(crypto|timers|timers\/promises|perf_hooks)$/.test(specifier),
  },
];

const broken = (source: Source): string[] =>
  RULES.filter((rule) => rule.applies(source.path)).flatMap((rule) => [
    ...(rule.allows
      ? importsOf(source)
          .filter((imported) => !rule.allows?.(imported, source.path))
          .map(({ line, specifier }) => `${source.path}:${line} imports "${specifier}": ${rule.says}`)
      : []),
    ...(rule.bans ?? []).flatMap((ban) =>
      usesOf(source, ban).map(({ line, found }) => `${source.path}:${line} uses ${found}: ${rule.says}`),
    ),
  ]);

describe("the house", () => {
  it("keeps its arrows, and its machines free of the world", () => {
    expect(sourcesIn("machines", "sim", "src").flatMap(broken)).toEqual([]);
  });
});

describe("the rules see", () => {
  it.each([
    ["machines/a.ts", 'import { x } from "node:fs";', 1],
    ["machines/a.ts", 'import type {\n  X,\n} from "../src/x.ts";', 1],
    ["machines/a.ts", 'export * from "../../outside.ts";', 1],
    ["machines/a.ts", "const x = await import('xstate/graph');", 2],
    ["machines/a/b.ts", 'import { x } from "../ports/ids.ts";\nimport { setup } from "xstate";', 0],
    ["machines/a.ts", "const x = Date.now();", 1],
    ["machines/a.ts", "const x = new Date();", 1],
    ["machines/a.ts", "const x = new Date(at).toISOString();", 0],
    ["machines/a.ts", "clock.setTimeout(fire, 1); setTimeout(fire, 1);", 1],
    ["machines/a.ts", "const f = async () => 1;", 1],
    ["machines/a.ts", "const f: Promise<void> = g();", 1],
    ["machines/a.ts", "const f = process.env.X ?? crypto.randomUUID();", 2],
    ["machines/a.ts", "// Date.now()\n/* async () */ const a = 'Math.random'; const b = `setTimeout(${a})`;", 0],
    ["machines/a.ts", "const b = `x ${`y ${Math.random()}`} z`;", 1],
    ["machines/a.ts", 'const r = /["`]/; const n = Math.random(); // "', 1],
    ["machines/a.ts", 'const url = "http://x"; const n = Math.random();', 1],
    ["sim/x.ts", 'import { y } from "../src/y.ts";', 1],
    ["sim/demo/x.ts", 'import { y } from "../../src/y.ts";', 0],
    ["sim/demo.ts", 'import { y } from "../src/y.ts";', 0],
    ["sim/demolition.ts", 'import { y } from "../src/y.ts";', 1],
    ["sim/world/x.ts", 'import { randomBytes } from "node:crypto";\nconst t = performance.now();', 2],
    ["src/cli/x.ts", 'import { y } from "../../sim/main.ts";', 1],
    ["src/cli/simulator-door.ts", 'const y = import("../../sim/main.ts");', 0],
    ["src/cli/simulator-door.ts", 'const y = import("../../sim/world/clock.ts");', 1],
    ["src/runtime/x.ts", 'import { proto } from "@whiskeysockets/baileys/WAProto";', 1],
    ["src/adapters/baileys/x.ts", 'import { proto } from "@whiskeysockets/baileys";', 0],
  ])("in %s: %s", (path, text, count) => {
    expect(broken({ path, text })).toHaveLength(count);
  });

  it("the line of what they report", () => {
    const text = 'import { setup } from "xstate";\n\n/* a\n b */\nconst at = Date.now();\n';
    expect(broken({ path: "machines/a.ts", text })).toEqual([
      "machines/a.ts:5 uses Date.now: machines has no clock, no randomness and no process of its own",
    ]);
  });
});
