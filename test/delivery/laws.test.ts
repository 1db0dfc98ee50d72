import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isProved } from "../../machines/delivery/outbox-state.ts";
import { schedule, type ScheduleStep, take } from "./schedules.ts";
import { DEVICES, SEAT, World } from "./world.ts";

const runs = process.env["GREENROOM_FULL"] ? 20_000 : 1500;
/** Small enough that schedules meet every bound. Waits that only end what a broken connection left open are out of reach. */
const SMALL = {
  seat: SEAT,
  window: 8,
  perConversation: 3,
  page: 4,
  remember: 4,
  perDevice: 3,
  recordBatch: 3,
  ackFor: 1e9,
  askedFor: 1e9,
  orphanedFor: 1e9,
} as const;

/** What nobody offered may be found late: no matter of waiting. A final word on an attempt that was given up is not heard, and comes again. */
const isLeftOut = (step: ScheduleStep): boolean =>
  step.do === "acceptQuietly" ||
  (step.do === "connection" && step.fate === "unpreparable") ||
  (step.do === "whatsapp" && step.says === 479);

describe("under any schedule a seat's queue", () => {
  it("keeps order, never repeats what is proved or refused, tries once at a time (checked by the world at every send)", () => {
    fc.assert(
      fc.property(schedule, fc.constantFrom("hold" as const, "resend" as const), (steps, whenNumberChanges) => {
        const world = new World({ ...SMALL, whenNumberChanges });
        for (const step of steps) take(world, step);
        expect(world.mostUnderWay).toBeLessThanOrEqual(20);
      }),
      { numRuns: runs },
    );
  });

  it("keeps order, too, when facts come later than it waits for them, on the wire as at the hand-over", () => {
    const hasty = { ...SMALL, ackFor: 700, askedFor: 900, orphanedFor: 400 };
    fc.assert(
      fc.property(schedule, fc.constantFrom("hold" as const, "resend" as const), (steps, whenNumberChanges) => {
        const world = new World({ ...hasty, whenNumberChanges }, { areFactsLate: true });
        for (const step of steps) if (!isLeftOut(step)) take(world, step);
        const last = new Map<string, number>();
        const written = new Set<string>();
        const late: string[] = [];
        for (const { message } of world.wire) {
          const { conversation, seq } = world.state(message);
          if (written.has(message)) continue;
          written.add(message);
          if (seq < (last.get(conversation) ?? 0)) late.push(message);
          last.set(conversation, Math.max(seq, last.get(conversation) ?? 0));
        }
        expect(late).toEqual([]);
      }),
      { numRuns: runs },
    );
  });

  it("loses nothing: once the world is kind, all is proved, failed for a reason, or held", () => {
    fc.assert(
      fc.property(schedule, fc.nat(2), (steps, last) => {
        const world = new World(SMALL);
        for (const step of steps) take(world, step);
        world.reload();
        world.heal(DEVICES[last] as never);
        expect(world.unfinished()).toEqual([]);
        const stopped = [...world.rows.values()].filter(({ state }) => state === "failed" || state === "held");
        expect(stopped.filter(({ reason }) => !reason)).toEqual([]);
      }),
      { numRuns: runs },
    );
  });

  it("writes down every proof that it was told", () => {
    fc.assert(
      fc.property(schedule, (steps) => {
        const world = new World(SMALL);
        for (const step of steps) take(world, step);
        world.reload();
        world.heal(DEVICES[0] as never);
        const rows = [...world.rows.values()].map(({ id, state }) => ({ id, state, proved: world.truth(id).proved }));
        expect(rows.filter(({ state, proved }) => proved && state !== "failed" && !isProved(state))).toEqual([]);
        expect(rows.filter(({ state, proved }) => isProved(state) && !proved)).toEqual([]);
      }),
      { numRuns: runs },
    );
  });

  it("lists every attempt that was written, and one of them as unanswered if two may have arrived", () => {
    fc.assert(
      fc.property(schedule, (steps) => {
        const world = new World(SMALL);
        for (const step of steps) take(world, step);
        world.heal(DEVICES[1] as never);
        const written = new Map<string, number>();
        for (const send of world.wire) written.set(send.message, (written.get(send.message) ?? 0) + 1);
        const twice = [...written].filter(([, times]) => times > 1);
        expect(twice.filter(([message, times]) => world.state(message).attempts.length < times)).toEqual([]);
        const unmarked = twice.filter(([message]) => {
          const outcomes = world.state(message).attempts.map(({ outcome }) => outcome);
          const mayHaveArrived = outcomes.filter((outcome) => outcome !== "refused" && outcome !== "unsent");
          return mayHaveArrived.length > 1 && !mayHaveArrived.includes("unanswered");
        });
        expect(unmarked).toEqual([]);
      }),
      { numRuns: runs },
    );
  });

  it("holds no more in memory than it may", () => {
    fc.assert(
      fc.property(schedule, (steps) => {
        const world = new World(SMALL);
        for (const step of steps) take(world, step);
        // What an operator releases, or no other seat takes, comes back beside the window.
        const back = steps.filter((step) => step.do === "operator" || step.do === "reroute").length;
        const reserve = SMALL.window >> 2;
        expect(world.mostInMemory).toBeLessThanOrEqual(SMALL.window + reserve + back);
      }),
      { numRuns: runs },
    );
  });

  it("does the same when the same happens", () => {
    fc.assert(
      fc.property(schedule, (steps) => {
        const logs = [0, 1].map(() => {
          const world = new World(SMALL);
          for (const step of steps) take(world, step);
          return world.log;
        });
        expect(logs[0]).toEqual(logs[1]);
      }),
      { numRuns: runs / 5 },
    );
  });
});
