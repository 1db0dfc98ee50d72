/** A sweep in small: seeds hold, the same plan is the same run in one process and in two, and every kept scenario holds. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { judge } from "../../../sim/chaos/judge.ts";
import { faultKinds } from "../../../sim/faults/catalogue.ts";
import { drawSwarmPlan } from "../../../sim/plan/draw.ts";
import { inPlainWords } from "../../../sim/plan/words.ts";
import { read } from "../../../sim/replay.ts";

const SEEDS = process.env["GREENROOM_FULL"] ? 500 : 60;
const TWICE = ["7", "19", "23"];
const scenarios = fileURLToPath(new URL("../../../sim/scenarios/", import.meta.url));
const draw = (seed: string, length: number) => drawSwarmPlan(seed, { fleet: null, for: length, kinds: faultKinds });

describe("a sweep of seeds", () => {
  for (let from = 1; from <= SEEDS; from += 10) {
    it(`seeds ${from} to ${from + 9} hold`, { timeout: 240_000 }, () => {
      for (let seed = from; seed < from + 10; seed++) {
        const { violations, lost } = judge(draw(String(seed), 600_000));
        expect({ seed, violations, lost }).toEqual({ seed, violations: [], lost: 0 });
      }
    });
  }
});

describe("the same plan", () => {
  const traceOf = (seed: string) => judge(draw(seed, 300_000), { wantsTrace: true }).trace;

  it.each(TWICE)("seed %s is the same run twice in one process", { timeout: 120_000 }, (seed) => {
    expect(traceOf(seed)).toBe(traceOf(seed));
  });

  it("is the same run in another process", { timeout: 240_000 }, () => {
    const child = fileURLToPath(new URL("./runs.child.ts", import.meta.url));
    const told = execFileSync(process.execPath, ["--disable-warning=ExperimentalWarning", child, ...TWICE], {
      encoding: "utf8",
      env: { ...process.env, NODE_ENV: "production" },
    });
    expect(told.trim().split("\n")).toEqual(TWICE.map(traceOf));
  });

  it("differs from another seed's", { timeout: 120_000 }, () => {
    expect(traceOf("7")).not.toBe(traceOf("19"));
  });
});

describe("kept scenarios", () => {
  for (const file of readdirSync(scenarios).filter((name) => name.endsWith(".json"))) {
    const { plan } = read(`${scenarios}${file}`);
    it(`${file}: ${inPlainWords(plan).slice(1).join("; ")}`, { timeout: 120_000 }, () => {
      expect(judge(plan).violations).toEqual([]);
    });
  }
});
