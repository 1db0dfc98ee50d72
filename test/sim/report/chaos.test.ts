import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ChaosArguments, runChaos } from "../../../sim/chaos.ts";
import { judge } from "../../../sim/chaos/judge.ts";
import type { ChaosDocument, FoundViolation } from "../../../sim/chaos/totals.ts";
import { faultKinds } from "../../../sim/faults/catalogue.ts";
import { drawSwarmPlan } from "../../../sim/plan/draw.ts";
import type { PlannedFleet } from "../../../sim/plan/plan.ts";
import { runPlan } from "../../../sim/plan/run.ts";
import { type ReplayArguments, runReplay } from "../../../sim/replay.ts";
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
    expect(Object.keys(document?.faults ?? {})).toEqual(["close", "half-open-link"]);
    expect(document?.determinism).toEqual({ checked: 1, diverged: [] });
    expect(Object.keys(document?.timings ?? {})).toEqual(["detection", "choice", "inService", "firstAck"]);
    expect(exitCode).toBe(0);
  });

  it("runs a single seed twice and compares", { timeout: 120_000 }, async () => {
    const { document } = await chaos({ runs: { seed: "7" }, for: 300_000 });
    expect(document).toMatchObject({ runs: 1, determinism: { checked: 1, diverged: [] } });
  });

  it("begins with the seed that it is told to, and repeats that one", { timeout: 120_000 }, async () => {
    const { document } = await chaos({ runs: { seeds: 2 }, firstSeed: 20_000, for: 300_000, faults: ["close"] });
    expect(document?.determinism).toEqual({ checked: 1, diverged: [] });
    expect(document?.timings.detection.worstSeed).toMatch(/^2000[01]$/);
  });

  it("refuses what it does not know, and runs nothing", async () => {
    expect(await chaos({ faults: ["flood"] })).toMatchObject({
      document: null,
      exitCode: 2,
      stderr: expect.stringContaining("flood"),
    });
    expect(await chaos({ for: 60_000 })).toMatchObject({ document: null, exitCode: 2 });
    expect(await chaos({ runs: { seeds: 0 } })).toMatchObject({ document: null, exitCode: 2 });
    expect(await chaos({ firstSeed: 0 })).toMatchObject({ document: null, exitCode: 2 });
  });

  it("fails a fleet whose settings can't meet the targets before any run, naming relation and setting", async () => {
    const { document, exitCode, stdout, stderr } = await chaos({ fleet: { ...demoFleet(), settings } });
    expect({ document, exitCode }).toEqual({ document: null, exitCode: 1 });
    expect(stderr).toMatch(/no-false-alarm: probe \+ .*timers\.probe/s);
    expect(JSON.parse(stdout)).toEqual({ error: { code: "E_TIMERS", message: expect.stringContaining("no-false-alarm") } });
  });

  it("leaves a failed case for a CI of a fleet whose settings can't meet the targets", async () => {
    const file = join(folder, "timers", "chaos.xml");
    await chaos({ fleet: { ...demoFleet(), settings }, junit: file });
    expect(readFileSync(file, "utf8")).toMatch(
      /<testsuites tests="1" failures="1".*timers-meet-targets.*<failure.*no-false-alarm/s,
    );
    const unwritable = await chaos({ fleet: { ...demoFleet(), settings }, junit: join(file, "below.xml") });
    expect(unwritable).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/E_TIMERS.*E_FILE .*below\.xml can't be written/s),
    });
  });

  it("tells a program what it refuses as a document", async () => {
    const told = async (args: Partial<ChaosArguments>): Promise<unknown> => JSON.parse((await chaos(args)).stdout).error.code;
    expect(await told({ faults: ["flood"] })).toBe("E_UNKNOWN_FAULT");
    expect(await told({ faults: [] })).toBe("E_USAGE");
    expect(await told({ for: 1 })).toBe("E_USAGE");
  });

  it("asks before the first run whether its reports can be written", async () => {
    const file = join(folder, "a-file");
    writeFileSync(file, "");
    const fault = { document: null, exitCode: 2, stderr: expect.stringMatching(/^E_FILE .*a-file.* can't be written/) };
    expect(await chaos({ junit: join(file, "chaos.xml") })).toMatchObject(fault);
    expect(await chaos({ html: join(file, "chaos.html") })).toMatchObject(fault);
    expect(await chaos({ out: file })).toMatchObject(fault);
  });

  it("makes folders that are missing, and keeps its word though a disk is full at the end", { timeout: 120_000 }, async () => {
    const [junitFile, out] = [join(folder, "reports", "of", "chaos.xml"), join(folder, "plans", "today")];
    const args = { for: 300_000, faults: ["close"], json: false };
    expect(await chaos({ ...args, junit: junitFile, out })).toMatchObject({ exitCode: 0 });
    expect([existsSync(junitFile), existsSync(out)]).toEqual([true, true]);
    if (!existsSync("/dev/full")) return;
    const { exitCode, stdout, stderr } = await chaos({ ...args, junit: "/dev/full" });
    expect(exitCode).toBe(2);
    expect(stdout).toContain("Everything held.");
    expect(stderr).toMatch(/^E_FILE \/dev\/full/);
  });

  it("ends with what it has when interrupted, and says so everywhere", async () => {
    const file = join(folder, "interrupted.xml");
    const { document, exitCode } = await chaos({ runs: { seeds: 50 }, signal: AbortSignal.abort(), junit: file });
    expect(exitCode).toBe(130);
    expect(document).toMatchObject({ runs: 0, interrupted: true });
    expect(readFileSync(file, "utf8")).toContain('<error message="interrupted after 0 runs"/>');
    expect((await chaos({ runs: { seeds: 50 }, signal: AbortSignal.abort(), json: false })).stdout).toMatch(/^Interrupted/);
  });
});

describe("a run that comes to no end", () => {
  const plan = drawSwarmPlan("7", { fleet: null, for: 300_000, kinds: faultKinds });

  it("is a violation of its own, the same each time", () => {
    const throws = (): never => {
      throw new RangeError("no such row");
    };
    const [one, other] = [1, 2].map(() => judge(plan, { deviceStore: throws, wantsTrace: true }));
    expect(one?.violations).toEqual([{ property: "run-ends", at: null, text: expect.stringContaining("no such row") }]);
    expect(one?.trace).toBe(other?.trace);
  });

  /** The demo's fleet with a strategy whose choice is this code. */
  const fleetThat = (name: string, code: string): PlannedFleet => {
    const strategiesFrom = join(folder, `${name}.mjs`);
    writeFileSync(strategiesFrom, `export default { strategies: [{ name: "own", begin: () => () => { ${code} } }] };`);
    const balance = {
      strategy: "own",
      weights: {},
      adaptive: false,
      priority: { tiers: [], reserved: 0 },
      geo: { regions: [], otherwise: null },
    };
    const fleet = demoFleet();
    const line = { whenNumberChanges: "hold", outboxLimit: 100, failback: "manual", balance } as const;
    return { ...fleet, settings: { strategiesFrom, lines: Object.fromEntries(fleet.lines.map(({ id }) => [id, line])) } };
  };

  it("takes no other run with it, and can be replayed by what is printed", { timeout: 120_000 }, async () => {
    const deadly = fleetThat("deadly", "process.exit(7)");
    const args = { fleet: deadly, fleetFile: "my fleet.yaml", for: 300_000, faults: ["close"] };
    const out = join(folder, "dead");
    const all = await chaos({ ...args, runs: { seeds: 2 }, out });
    expect(all.exitCode).toBe(1);
    expect(all.document).toMatchObject({ runs: 2, violations: [{ property: "run-ends", seed: "1" }] });
    expect(readdirSync(out)).toEqual(["run-ends-1.json"]);
    // A seed is any text, and leads nowhere.
    await chaos({ ...args, runs: { seed: "../it's" }, out });
    expect(readdirSync(out).toSorted()).toEqual(["run-ends-.._it_s.json", "run-ends-1.json"]);
    const { stdout } = await chaos({ ...args, runs: { seed: "../it's" }, json: false });
    expect(stdout).toContain(String.raw`greenroom chaos --seed '../it'\''s' --fleet 'my fleet.yaml' --for 300s --faults close`);
  });

  it("because it goes round in circles is given up, and after three of them the rest", { timeout: 120_000 }, async () => {
    const endless = fleetThat("endless", "for (;;);");
    const args = { fleet: endless, for: 300_000, faults: ["close"], patience: 2_000 };
    const { document, exitCode } = await chaos({ ...args, runs: { seeds: 50 } });
    expect(exitCode).toBe(1);
    expect(document?.runs).toBe(3);
    expect(document?.violations).toMatchObject([{ property: "run-ends", seed: "1", shrunk: null }]);
    expect(document?.violations[0]?.text).toBe(
      "it had not ended after 2 s of real time (and 2 more, seeds 2, 3); after 3 such, no more runs were begun",
    );
    expect(document?.violations[0]?.plan).not.toBeNull();
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
const BY_CLASS = { "close, twin": { count: 1, p50: 70, p99: 4_321, max: 4_321, worstSeed: "3", marginMs: 679 } };
const document = (violations: readonly FoundViolation[]): ChaosDocument => ({
  runs: 10,
  interrupted: false,
  simulatedSeconds: 6_000,
  wallSeconds: 2,
  violations,
  timings: Object.fromEntries(
    ["detection", "choice", "inService", "firstAck"].map((key) => [
      key,
      { count: 1, p50: 70, p99: 4_500, max: 4_500, worstSeed: "3", boundMs: 5_000, marginMs: 500, byClass: BY_CLASS },
    ]),
  ) as unknown as ChaosDocument["timings"],
  excluded: { "the brake held": 2 },
  faults: { close: 4, "clock-skew": 0 },
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
    expect(text).toContain("Faults that bit: close 4\nFaults that never did: clock-skew\n");
    expect(text).toMatch(/close, twin +1 +70 ms +4321 ms +4321 ms +679 ms/);
    expect(summary(document([]), { replay })).toContain("Everything held.");
  });

  it("as JUnit: one case a property, escaped", () => {
    const xml = junit(document([broken]), replay);
    expect(xml).toMatch(/<testsuites tests="\d+" failures="1"/);
    expect(xml).toContain('message="seed 17: message &quot;m1&quot; &lt;b&gt;"');
    expect(xml).toContain('name="one-holder-per-term" time="0"/>');
    expect(junit(document([]), replay)).not.toContain("<failure");
    expect(junit(document([{ ...broken, text: "\u001B[31m\u0000" }]), replay)).toContain('message="seed 17: \uFFFD[31m\uFFFD"');
  });

  it("as a page that fetches nothing", () => {
    const page = reportHtml(document([broken]), replay);
    expect(page).not.toMatch(/(?:src|href)=|url\(|@import/);
    expect(page).toContain("&lt;b&gt;");
    expect(page).toContain("greenroom replay nothing-lost-17.json");
  });
});

describe("greenroom replay", () => {
  const again = (name: string, content: string, args: Partial<ReplayArguments> = {}) => {
    const file = join(folder, name);
    writeFileSync(file, content);
    const [stdout, stderr] = [new Sink(), new Sink()];
    return { ...runReplay({ file, json: true, stdout, stderr, ...args }), stdout: stdout.text, stderr: stderr.text };
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

  it("runs one of those that a report names, if it is said which", { timeout: 120_000 }, () => {
    const violations = [
      { property: "nothing-lost", seed: "7", plan, shrunk: null },
      { property: "in-order", seed: "7", plan: null, shrunk: plan },
      { property: "determinism", seed: "7", plan: null, shrunk: null },
    ];
    const refused = again("report.json", JSON.stringify({ violations }));
    expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("--property") });
    expect(refused.stderr).toContain("nothing-lost, in-order");
    expect(again("report.json", JSON.stringify({ violations }), { property: "in-order" })).toMatchObject({ exitCode: 0 });
    expect(again("one.json", JSON.stringify({ violations: violations.slice(1, 2) }))).toMatchObject({ exitCode: 0 });
    const held = again("held.json", JSON.stringify({ violations: [] }));
    expect(held).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("nothing in it is broken") });
  });

  it("says that there is nothing to shrink", { timeout: 120_000 }, () => {
    const told = again("sound.json", JSON.stringify({ property: "in-order", plan }), { shrink: true, json: false });
    expect(told.stdout).toContain("nothing to shrink: it breaks no in-order");
  });

  it("keeps and shrinks no journal, and takes no trace of an exploration for a plan", () => {
    const record = JSON.stringify({ k: "life" });
    for (const asked of [{ shrink: true }, { save: "story" }, { property: "in-order" }])
      expect(again("journal.jsonl", record, asked)).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/^E_USAGE --/) });
    const trace = again("trace.json", JSON.stringify({ kind: "exploration", version: 1 }));
    expect(trace.stderr).toContain("greenroom explore --replay");
    expect(JSON.parse(trace.stdout)).toMatchObject({ error: { code: "E_PLAN" } });
  });
});
