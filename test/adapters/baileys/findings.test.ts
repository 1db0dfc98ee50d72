import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const ROOT = new URL("../../../", import.meta.url);
const page = readFileSync(new URL("docs/baileys.md", ROOT), "utf8");
/** The last cell of each line of the tables: `file: "title", "title"; file: "title"`. */
const cells = [...page.matchAll(/^\|(?! -|.*\| test \|).*\|([^|]+)\|$/gm)].map(([, cell]) => cell ?? "");
const cited = cells.flatMap((cell) =>
  cell.split(";").flatMap((part) => {
    const [, file = "", titles = ""] = /^\s*([^:]+): (.*)$/.exec(part) ?? [];
    const path = file.includes("/") ? file : `test/adapters/baileys/${file}`;
    return [...titles.matchAll(/"([^"]+)"/g)].map(([, title = ""]) => ({ path: `${path}.test.ts`, title }));
  }),
);

describe("docs/baileys.md", () => {
  it("names a test for each finding", () => {
    expect(cells.length).toBeGreaterThan(20);
    expect(cells.filter((cell) => !/: "/.test(cell))).toEqual([]);
  });

  it("names only tests that exist", () => {
    const missing = cited.filter(({ path, title }) => {
      const file = new URL(path, ROOT);
      return !existsSync(file) || !readFileSync(file, "utf8").includes(title);
    });
    expect(missing).toEqual([]);
  });
});
