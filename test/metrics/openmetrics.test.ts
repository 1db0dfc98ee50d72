import { expect, it } from "vitest";
import { createMetrics } from "../../src/metrics/metrics.ts";
import { openMetrics, wantsOpenMetrics } from "../../src/metrics/openmetrics.ts";
import type { StatusAnswer } from "../../src/runtime/control-protocol.ts";

const EMPTY = { startedAt: 0, mode: "automatic", seats: [], devices: [], accounts: [], alerts: [] } as unknown as StatusAnswer;

/** What the format asks of every line: https://prometheus.io/docs/specs/om/open_metrics_spec/ */
const faultsOf = (text: string): string[] => {
  const kinds = new Map<string, string>();
  const faults: string[] = [];
  const lines = text.split("\n");
  if (lines.at(-1) !== "" || lines.at(-2) !== "# EOF") faults.push("it does not end with # EOF");
  for (const line of lines.slice(0, -2)) {
    const [, word = "", family = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (word === "TYPE") kinds.set(family, rest);
    if (word !== "") continue;
    const name = /^[a-zA-Z_:][\w:]*/.exec(line)?.[0] ?? "";
    const of = [...kinds.keys()].at(-1) ?? "";
    const ends = { counter: ["_total"], histogram: ["_bucket", "_sum", "_count"], gauge: [""], summary: ["", "_sum", "_count"] };
    if (!(ends[kinds.get(of) as keyof typeof ends] ?? []).some((end) => name === of + end)) faults.push(line);
  }
  return faults;
};

it("is the same metrics: counters by their family's name, no empty line, and an end", async () => {
  const metrics = createMetrics();
  metrics.instruments.sent.inc(3);
  const text = await metrics.scrape(EMPTY);
  const open = openMetrics(text);
  expect(faultsOf(open)).toEqual([]);
  expect(open).toContain("# TYPE greenroom_messages_sent counter\ngreenroom_messages_sent_total 3\n");
  const samples = (of: string): string[] => of.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect(samples(open)).toEqual(samples(text));
  expect(faultsOf(text)).not.toEqual([]);
});

it("calls counters, and nothing else, so that it ends with total", async () => {
  const text = await createMetrics().scrape(EMPTY);
  const kinds = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  expect(kinds.length).toBeGreaterThan(40);
  for (const [, name = "", kind] of kinds) expect(`${name} ${name.endsWith("_total")}`).toBe(`${name} ${kind === "counter"}`);
});

it.each([
  ["application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", true],
  ["text/plain", false],
  ["*/*", false],
  [undefined, false],
])("is for whoever asks for it: %s", (accept, expected) => {
  expect(wantsOpenMetrics(accept)).toBe(expected);
});
