import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ChaosArguments, runChaos } from "../../../sim/chaos.ts";
import type { ChaosDocument, FoundViolation } from "../../../sim/chaos/totals.ts";
import { faultKinds } from "../../../sim/faults/catalogue.ts";
import { drawSwarmPlan } from "../../../sim/plan/draw.ts";
import { runPlan } from "../../../sim/plan/run.ts";
import { runReplay } from "../../../sim/replay.ts";
import { reportHtml } from "../../../sim/report/html.ts";
import { junit } from "../../../sim/report/junit.ts";
import { summary } from "../../../sim/report/summary.ts";
import { demoFleet } from "../../../sim/world/reference.ts";

class Sink {
  text = "";
  write(text: string): void {
    this.text += text;
  }
}

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "greenroom-chaos-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const chaos = async (args: Partial<ChaosArguments>) => {
  const [stdout, stderr] = [new Sink(), new Sink()];
  const outcome = await runChaos({ fleet: null, runs: { seeds: 1 }, json: true, jobs: 1, stdout, stderr, ...args });
  return { ...outcome, stdout: stdout.text, stderr: stderr.text };
};
const settings = { timers: { probe: 6_000 } };

describe("greenroom chaos", () => {
  it("runs seeds in threads and says what they amount to", { timeout: 120_000 }, async () => {
    const { document, exitCode, stdout } = await chaos({
      runs: { seeds: 3 },
      for: 300_000,
      jobs: 2,
      faults: ["close", "half-open-link"],
    });
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(document)));
    expect(document).toMatchObject({ runs: 3, simulatedSeconds: 900, violations: [], lost: 0 });
    expect(Object.keys(document?.faults ?? {}).every((kind) => kind === "close" || kind === "half-open-link")).toBe(true);
    expect(Object.keys(document?.timings ?? {})).toEqual(["detection", "choice", "inService", "firstAck"]);
    expect(exitCode).toBe(0);
  });

  it("runs a single seed twice and compares", { timeout: 120_000 }, async () => {
    const { document } = await chaos({ runs: { seed: "7" }, for: 300_000 });
    expect(document).toMatchObject({ runs: 1, determinism: { checked: 1, diverged: [] } });
  });

  it("refuses what it does not know, and runs nothing", async () => {
    expect(await chaos({ faults: ["flood"] })).toMatchObject({
      document: null,
      exitCode: 2,
      stderr: expect.stringContaining("flood"),
    });
    expect(await chaos({ for: 60_000 })).toMatchObject({ document: null, exitCode: 2 });
    expect(await chaos({ runs: { seeds: 0 } })).toMatchObject({ document: null, exitCode: 2 });
  });

  it("fails a fleet whose settings can't meet the targets before any run, naming relation and setting", async () => {
    const { document, exitCode, stderr } = await chaos({ fleet: { ...demoFleet(), settings } });
    expect({ document, exitCode }).toEqual({ document: null, exitCode: 1 });
    expect(stderr).toMatch(/no-false-alarm: probe \+ .*timers\.probe/s);
  });
});

const broken: FoundViolation = {
  property: "nothing-lost",
  seed: "17",
  text: 'message "m1" <b>',
  plan: null,
  shrunk: {
    ...drawSwarmPlan(1, { fleet: null, for: 600_000, kinds: faultKinds }),
    faults: [{ kind: "close", target: { device: "sales-1/a" as never }, at: 61_000, for: 0, code: 428 }],
  },
};
const document = (violations: readonly FoundViolation[]): ChaosDocument => ({
  runs: 10,
  simulatedSeconds: 6_000,
  wallSeconds: 2,
  violations,
  timings: Object.fromEntries(
    ["detection", "choice", "inService", "firstAck"].map((key) => [
      key,
      { count: 1, p50: 70, p99: 4_500, max: 4_500, worstSeed: "3", boundMs: 5_000, marginMs: 500, byClass: {} },
    ]),
  ) as unknown as ChaosDocument["timings"],
  excluded: { "the brake held": 2 },
  faults: { close: 4 },
  messages: 100,
  lost: 0,
  availability: 0.99995,
  falseNumberChanges: 0,
  falseTwinHandovers: 1,
  coverage: { transitions: { taken: 10, total: 12, missing: ["seat: any + x → y"], rare: {}, excused: 1, wronglyExcused: [] } },
  determinism: { checked: 1, diverged: [] },
});
const replay = ({ property, seed }: FoundViolation): string => `greenroom replay ${property}-${seed}.json`;

describe("reports", () => {
  it("as text: the story in plain words and the command that replays it", () => {
    const text = summary(document([broken]), { replay });
    expect(text).toContain("BROKEN nothing-lost (seed 17)");
    expect(text).toContain("at 61 s: WhatsApp closes the link of sales-1/a with code 428");
    expect(text).toContain("greenroom replay nothing-lost-17.json");
    expect(summary(document([]), { replay })).toContain("Everything held.");
  });

  it("as JUnit: one case a property, escaped", () => {
    const xml = junit(document([broken]), replay);
    expect(xml).toMatch(/<testsuites tests="\d+" failures="1"/);
    expect(xml).toContain('message="seed 17: message &quot;m1&quot; &lt;b&gt;"');
    expect(xml).toContain('name="one-holder-per-term" time="0"/>');
    expect(junit(document([]), replay)).not.toContain("<failure");
  });

  it("as a page that fetches nothing", () => {
    const page = reportHtml(document([broken]), replay);
    expect(page).not.toMatch(/(?:src|href)=|url\(|@import/);
    expect(page).toContain("&lt;b&gt;");
    expect(page).toContain("greenroom replay nothing-lost-17.json");
  });
});

describe("greenroom replay", () => {
  const again = (name: string, content: string) => {
    const file = join(folder, name);
    writeFileSync(file, content);
    const [stdout, stderr] = [new Sink(), new Sink()];
    return { ...runReplay({ file, json: true, stdout, stderr }), stdout: stdout.text, stderr: stderr.text };
  };
  const plan = drawSwarmPlan("7", { fleet: null, for: 300_000, kinds: faultKinds });

  it("runs a plan twice, the same to the last byte", { timeout: 120_000 }, () => {
    const { exitCode, stdout } = again("plan.json", JSON.stringify(plan));
    expect(JSON.parse(stdout)).toMatchObject({ isSame: true, violations: [], saved: null });
    expect(exitCode).toBe(0);
  });

  it("runs what a failing run left", { timeout: 120_000 }, () => {
    expect(again("failing.json", JSON.stringify({ property: "nothing-lost", plan })).exitCode).toBe(0);
  });

  it("follows a journal that a simulated node wrote, state by state", { timeout: 120_000 }, () => {
    const lines: string[] = [];
    runPlan(plan, { journal: (record) => void lines.push(JSON.stringify(record)) });
    const { exitCode, stdout } = again("journal.jsonl", lines.join("\n"));
    expect(JSON.parse(stdout)).toMatchObject({ outcome: "identical", unverified: 0 });
    expect(exitCode).toBe(0);
    const doctored = lines.map((line) => line.replace('"type":"connection.serving"', '"type":"connection.closed"'));
    expect(again("doctored.jsonl", doctored.join("\n")).exitCode).toBe(1);
  });

  it("refuses a file that is neither, and says why", () => {
    expect(again("broken.json", "{")).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("it is no JSON") });
    expect(again("old.json", JSON.stringify({ ...plan, version: 9 }))).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("version 9"),
    });
    expect(readFileSync(join(folder, "old.json"), "utf8")).toContain('"version":9');
  });
});
