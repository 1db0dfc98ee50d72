/** docs/moving.md answers each of the troubles that are known from other gateways, and names the test that holds the answer. */
import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const at = (path: string): URL => new URL(`../../${path}`, import.meta.url);
const text = readFileSync(at("docs/moving.md"), "utf8");
const rows = [...text.slice(text.indexOf("## Troubles")).matchAll(/^\| (.+?) \| (.+) \| (.+) \|$/gm)]
  .map(([, trouble = "", answer = "", tests = ""]) => ({
    trouble,
    answer,
    tests: [...tests.matchAll(/`([^`]+)`/g)].map(([, test]) => test),
  }))
  .filter(({ trouble }) => trouble !== "trouble" && trouble !== "---");

it("answers all 25 of them", () => {
  expect(rows).toHaveLength(25);
});
it("names tests that there are, and one at least for whatever is said to be solved", () => {
  const none = rows.filter(({ tests }) => tests.length === 0).map(({ trouble }) => trouble);
  expect(none).toEqual(["several servers"]);
  const missing = rows
    .flatMap(({ tests }) => tests)
    .filter((test) => !["ts", "test.ts"].some((end) => existsSync(at(`test/${test}.${end}`))));
  expect(missing).toEqual([]);
});
it("has what is not solved in the README, too", () => {
  const limits = readFileSync(at("README.md"), "utf8").split("## Limits and risks")[1]?.replaceAll(/\s+/g, " ") ?? "";
  expect(
    rows.filter(({ answer }) => answer.includes("**Not**") || answer.includes("**not**")).map(({ trouble }) => trouble),
  ).toEqual([
    "428 loops while the event loop is blocked",
    '"waiting for this message"',
    "memory grows",
    "one crash takes all",
    "several servers",
  ]);
  for (const words of [
    "threads of their own",
    "how often phones ask again",
    "over weeks",
    "process for each account",
    "One process and one SQLite file",
  ])
    expect(limits).toContain(words);
});
