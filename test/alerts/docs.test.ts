import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { RULES, SAID_RULES } from "../../machines/alerts/rules.ts";
import { parseFleet } from "../../src/config/index.ts";

const text = readFileSync(join(import.meta.dirname, "../../docs/alerts.md"), "utf8");
const rows = text
  .split("\n")
  .filter((line) => /^\| `[a-z]+\.[A-Za-z]+` \|/.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim()));

describe("docs/alerts.md", () => {
  it("lists every rule, and the limits that they have", () => {
    const measured = Object.entries(RULES).map(([rule, { isLow, warning, critical, holds }]) => {
      const limit = (value: number | null): string => (value === null ? "never" : `${isLow ? "<" : ">"} ${value}`);
      return [rule, limit(warning), limit(critical), `${holds / 1000} s`];
    });
    const written = rows
      .filter((cells) => cells.length === 8)
      .map((cells) => [cells[1]?.replaceAll("`", ""), ...cells.slice(4, 7)]);
    expect(sorted(written.map(String))).toEqual(sorted(measured.map(String)));
    const said = rows.filter((cells) => cells.length === 6).map((cells) => cells[1]?.replaceAll("`", ""));
    expect(sorted(said.map(String))).toEqual(sorted([...SAID_RULES]));
  });

  it("shows a section that is accepted as it stands", () => {
    const section = /```yaml\n(alerts:[\s\S]*?)```/.exec(text)?.[1] ?? "";
    const fleet = "fleet: acme\naccounts: { m: { role: master, devices: [a] } }\nlines: { support: { masters: [m] } }\n";
    const env = { OPS_SECRET: "x", SLACK: "https://x" };
    expect(parseFleet("/fleet.yaml", fleet + section.replace("file:./slack.url", "env:SLACK"), env)).toMatchObject({ ok: true });
  });
});

function sorted(list: readonly string[]): string[] {
  return list.toSorted((one, other) => one.localeCompare(other));
}
