/**
 * What every connection port must do, simulated or real: the same commands, the same facts. An adapter's test calls
 * `connectionConformance` with an arm. Each fault that the simulator knows of links and of WhatsApp has its cases here, so that the
 * model can't drift away from what Baileys does.
 */
import { afterAll, describe, expect, it } from "vitest";
import { basics, type Case, FACTS, OPS } from "./connection-basics.ts";
import { faultCases } from "./connection-faults.ts";
import { type Arm, Stage } from "./connection-kit.ts";

/** Milliseconds. For a machine that has much else to do; no case waits for it. */
const PATIENT = 180_000;

export const titles: readonly string[] = [...basics, ...faultCases].map(({ title }) => title);

export const connectionConformance = (arm: Arm): void => {
  describe(`connection conformance: ${arm.name}`, () => {
    const stages: Stage[] = [];
    const prepared = async (): Promise<Stage> => {
      const last = stages.at(-1);
      if (last && arm.shared) {
        await last.reset();
        return last;
      }
      const stage = await Stage.start(arm);
      stages.push(stage);
      return stage;
    };
    afterAll(async () => {
      for (const each of stages) await each.close();
    });

    const tried = <T extends Case>(cases: readonly T[]): T[] => cases.filter(({ title }) => !(title in arm.skips));
    for (const each of tried(basics)) {
      it(`undisturbed: ${each.title}`, { timeout: PATIENT }, async () => {
        const stage = await prepared();
        await each.run(stage);
        expect(stage.contradictions()).toEqual([]);
      });
    }
    for (const each of tried(faultCases)) {
      it(`${each.fault}: ${each.title}`, { timeout: PATIENT }, async () => {
        const stage = await prepared();
        await each.run(stage);
        expect(stage.contradictions()).toEqual([]);
      });
    }

    it("was given every command and has told every kind of fact", () => {
      const asked = new Set(stages.flatMap((each) => [...each.asked]));
      const heard = new Set(stages.flatMap((each) => [...each.heard]));
      expect([...asked].sort()).toEqual(Object.keys(OPS).sort());
      expect([...heard].sort()).toEqual(Object.keys(FACTS).sort());
    });
  });
};
