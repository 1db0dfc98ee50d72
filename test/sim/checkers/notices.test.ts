import { describe, expect, it } from "vitest";
import type { Notice } from "../../../machines/alerts/notices.ts";
import { alertsAreTold, falseIn, noticesOf } from "../../../sim/checkers/notices.ts";
import { eventsOf } from "../../../sim/checkers/life.ts";
import { faultKinds } from "../../../sim/faults/catalogue.ts";
import { drawSwarmPlan } from "../../../sim/plan/draw.ts";
import { lifeOf } from "../../../sim/plan/life.ts";
import { PLAN_VERSION, type Plan } from "../../../sim/plan/plan.ts";
import { runPlan } from "../../../sim/plan/run.ts";
import { declare, demoFleet } from "../../../sim/world/reference.ts";
import { brokenIn, honest } from "./doctored.ts";

describe("alerts are told", () => {
  it("in an honest life, each once", () => {
    const life = honest();
    expect(brokenIn(alertsAreTold, life)).toEqual([]);
    const raised = eventsOf(life, "said").filter(({ type }) => type === "alert.raised");
    const told = noticesOf(life).flatMap(({ items }) => items.filter(({ kind }) => kind === "raised"));
    expect(told.map(({ key }) => key).sort()).toEqual(raised.map(({ data }) => String(data["key"])).sort());
  });

  it("whatever happens: over a few drawn lives", () => {
    const broken = Array.from({ length: 2 }, (_, index) => {
      const plan = drawSwarmPlan(`told-${index}`, { fleet: { ...demoFleet(), settings: {} }, for: 300_000, kinds: faultKinds });
      return brokenIn(alertsAreTold, lifeOf(plan, runPlan(plan)));
    });
    expect(broken.flat()).toEqual([]);
  });

  it("of forty links that are lost together in at most three notices, and as many when they are back", () => {
    const life = lifeOf(LOST, runPlan(LOST));
    const failed = eventsOf(life, "said").filter(({ type, data }) => type === "alert.raised" && data["rule"] === "device.failed");
    expect(failed.length).toBeGreaterThanOrEqual(40);
    const notices = noticesOf(life).filter(({ items }) => items.some(({ kind }) => kind !== "resolved"));
    expect(notices.length).toBeLessThanOrEqual(3);
    expect(notices[0]?.at).toBeLessThan(life.from + 60_000 + 6000);
    expect(brokenIn(alertsAreTold, life)).toEqual([]);
  });

  it("and a notice that is missing, late, told twice or made up is noticed", () => {
    const life = honest();
    const notices = noticesOf(life);
    const [first] = notices as [Notice, ...Notice[]];
    const wrong = (...given: readonly Notice[]): string[] =>
      [...falseIn(life, given)].map(({ text }) => text.replace(/^\S+ /, ""));
    expect(wrong(...notices)).toEqual([]);
    expect(wrong()).toContainEqual(expect.stringContaining("was told to nobody"));
    expect(wrong({ ...first, at: first.at + 2000 }, ...notices.slice(1))).toContainEqual(
      expect.stringMatching(/was told \d+ ms later/),
    );
    expect(wrong(first, ...notices)).toContainEqual(expect.stringContaining("was told twice"));
    const madeUp = { ...first, items: first.items.map((item) => ({ ...item, key: "device.failed:nobody/a" })) };
    expect(wrong(...notices, madeUp)).toContainEqual(expect.stringContaining("nobody had said so"));
  });
});

const LINES = Array.from({ length: 20 }, (_, index) => ({ name: `line${index}`, masters: [1, 1], servants: 0 }));
/** Twenty lines, forty masters; the whole path to WhatsApp falls silent. */
const LOST: Plan = {
  version: PLAN_VERSION,
  seed: "forty",
  fleet: { ...declare(...LINES), settings: {} },
  workload: { from: 20_000, until: 100_000, peoplePerLine: 1, sends: 0.1, writes: 0, warm: 1 },
  faults: [{ kind: "silent-path", target: { all: true }, at: 60_000, for: 40_000, keeps: false }],
  liveness: null,
  for: 240_000,
};
