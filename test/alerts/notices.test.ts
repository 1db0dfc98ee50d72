import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GATHER, GATHER_MORE, IN_A_ROW, type Item, PACE, STORM } from "../../machines/alerts/notices.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import type { AlertLevel } from "../../machines/ports/records.ts";
import { Desk, POLICY } from "./notices-rig.ts";
import { HAPPENINGS, type Happening } from "./stories.ts";

describe("notices", () => {
  it("tell an alert at once, to those who want its level, and its end to the same", () => {
    const desk = new Desk();
    desk.raise("device.failed:a/1", "warning");
    desk.pass(GATHER);
    expect(desk.said()).toEqual(["ops: raised warning device.failed:a/1"]);
    desk.resolve("device.failed:a/1");
    desk.pass(GATHER_MORE);
    expect(desk.said()).toEqual(["ops: resolved warning device.failed:a/1"]);
    desk.pass(3_600_000);
    expect(desk.said()).toEqual([]);
    expect(desk.owed()).toEqual([]);
  });

  it("tell that an alert grew worse, once, however often it is said", () => {
    const desk = new Desk();
    desk.raise("device.failed:a/1", "warning");
    desk.pass(1000);
    desk.raise("device.failed:a/1", "critical");
    desk.raise("device.failed:a/1", "critical");
    desk.pass(1000);
    expect(desk.said()).toEqual([
      "ops: raised warning device.failed:a/1",
      "phone: raised critical device.failed:a/1",
      "ops: escalated critical device.failed:a/1",
    ]);
  });

  it("of forty links that are lost together are at most three, the first at once, and name all of them", () => {
    const lost = fc.array(fc.integer({ min: 0, max: 25_000 }), { minLength: 40, maxLength: 40 });
    const cause = fc.constantFrom("fleet.outage:", "fleet.brake:", null);
    fc.assert(
      fc.property(lost, cause, (times, known) => {
        // An outage is judged from the first few of them; otherwise all are lost within two seconds.
        const at = times.map((time) => (known === "fleet.outage:" ? time : time % 1900)).sort((a, b) => a - b);
        const desk = new Desk();
        const start = desk.now;
        if (known !== null) desk.raise(known, "critical");
        for (const [index, time] of at.entries()) {
          desk.passTo(start + time);
          desk.raise(`device.failed:a/${index}`, "warning");
        }
        desk.pass(4 * STORM);
        const toOps = desk.notices.filter(({ channel }) => channel === "ops");
        expect(toOps.length).toBeLessThanOrEqual(3);
        expect(toOps[0]?.at).toBe((toOps[0]?.items[0]?.raisedAt ?? 0) + GATHER);
        const told = toOps.flatMap(({ items }) => items.map(({ key }) => key)).filter((key) => key.startsWith("device"));
        expect(told.sort()).toEqual(at.map((_, index) => `device.failed:a/${index}`).sort());
        expect(desk.slowest(({ rule }) => known !== "fleet.outage:" && rule === "device.failed")).toBeLessThanOrEqual(
          GATHER_MORE,
        );
      }),
      { numRuns: 90 },
    );
  });

  it("speak of each device that fails within a second, however many do, and gather what else is said of it", () => {
    const desk = new Desk();
    desk.raise("fleet.brake:", "critical");
    for (let index = 0; index < 9; index++) {
      desk.pass(3500);
      desk.raise(`device.failed:a/${index}`, "warning");
      desk.pass(1500);
      desk.raise(`device.replaced:a/${index}`, "warning");
    }
    desk.pass(STORM + GATHER_MORE);
    expect(desk.slowest(({ rule }) => rule === "device.failed")).toBe(GATHER_MORE);
    expect(desk.slowest(({ rule }) => rule === "device.replaced")).toBeGreaterThan(GATHER_MORE);
    expect(desk.notices.filter(({ channel }) => channel === "ops").length).toBeLessThanOrEqual(11);
  });

  it("speak at once of one that failed and is well again, or is refused for good, in a storm", () => {
    const desk = new Desk();
    desk.raise("fleet.outage:", "critical");
    desk.pass(5000);
    desk.raise("device.failed:a/1", "warning");
    desk.pass(100);
    desk.raise("device.loggedOut:a/2", "critical");
    desk.pass(GATHER_MORE);
    expect(desk.said().filter((line) => line.startsWith("ops"))).toEqual([
      "ops: raised critical fleet.outage:",
      "ops: raised warning device.failed:a/1",
      "ops: raised critical device.loggedOut:a/2",
    ]);
    desk.resolve("fleet.outage:");
    desk.raise("fleet.brake:", "critical");
    desk.pass(5000);
    desk.raise("device.failed:a/3", "warning");
    desk.pass(100);
    desk.resolve("device.failed:a/3");
    desk.pass(GATHER_MORE);
    expect(desk.said().at(-1)).toBe("ops: resolved warning device.failed:a/3");
  });

  it("gather what a known cause brings about, and nothing else", () => {
    const desk = new Desk();
    desk.raise("fleet.brake:", "critical");
    desk.pass(5000);
    const symptoms = ["seat.vacant", "queue.age", "ack.latency", "error.rate", "standby.none"].map((rule) => `${rule}:x`);
    for (const key of symptoms) desk.raise(key, "warning");
    desk.pass(GATHER_MORE);
    expect(desk.said()).toEqual(["ops: raised critical fleet.brake:", "phone: raised critical fleet.brake:"]);
    desk.pass(STORM);
    expect(desk.said()).toEqual(symptoms.map((key) => `ops: raised warning ${key}`));
    desk.raise("disk.low:fleet", "warning");
    desk.pass(GATHER_MORE);
    expect(desk.said()).toEqual(["ops: raised warning disk.low:fleet"]);
  });

  it("say the first word about somebody once, however bad it was before", () => {
    const desk = new Desk();
    desk.raise("fleet.brake:", "critical");
    desk.raise("device.loggedOut:a/1", "critical");
    desk.raise("device.unreachable:a/1", "warning");
    desk.pass(STORM + GATHER_MORE);
    const toOps = (): string[] => desk.said().filter((line) => line.startsWith("ops"));
    expect(toOps()).toContain("ops: raised warning device.unreachable:a/1");
    desk.raise("device.failed:a/1", "critical");
    desk.pass(GATHER_MORE);
    expect(toOps()).toEqual([]);
    desk.pass(STORM);
    expect(toOps()).toEqual(["ops: raised critical device.failed:a/1"]);
  });

  it("come by tens at the most, and then one every three seconds, whatever happens", () => {
    const desk = new Desk();
    for (let index = 0; index < 90; index++) {
      desk.raise(`device.failed:a/${index}`, "warning");
      desk.pass(1000);
    }
    desk.pass(STORM);
    const told = desk.notices.filter(({ items }) => items.some(({ rule }) => rule === "device.failed"));
    expect(told.length).toBeLessThanOrEqual(IN_A_ROW + Math.ceil(91_000 / PACE));
    expect(desk.slowest(() => true)).toBeLessThanOrEqual(PACE + GATHER_MORE);
    expect(new Set(told.flatMap(({ items }) => items.map((item) => item.key)))).toHaveLength(90);
  });

  it("tell what an alert that comes and goes does, and then nothing until it is steady", () => {
    const desk = new Desk();
    for (let round = 0; round < 12; round++) {
      desk.raise("device.failed:a/1", "warning");
      desk.pass(10_000);
      desk.resolve("device.failed:a/1");
      desk.pass(10_000);
    }
    const said = desk.said();
    expect(said).toHaveLength(7);
    expect(said.at(-1)).toBe("ops: raised warning device.failed:a/1 flapping");
    desk.pass(400_000);
    expect(desk.said()).toEqual(["ops: resolved warning device.failed:a/1"]);
  });

  it("take what comes and goes as often, and for as long, as the fleet wants it", () => {
    const desk = new Desk({ ...POLICY, flapping: { times: 2, within: 30_000, steady: 60_000 } });
    const comesAndGoes = (pause: Millis): string[] => {
      desk.raise("device.failed:a/1", "warning");
      desk.pass(5000);
      desk.resolve("device.failed:a/1");
      desk.pass(pause);
      return desk.said();
    };
    expect(comesAndGoes(40_000)).toHaveLength(2);
    expect(comesAndGoes(20_000)).toHaveLength(2);
    expect(comesAndGoes(59_000)).toEqual(["ops: raised warning device.failed:a/1 flapping"]);
    desk.pass(2000);
    expect(desk.said()).toEqual(["ops: resolved warning device.failed:a/1"]);
    expect(comesAndGoes(1000)).toHaveLength(2);
    // As it is for as long as that, it does not come and go any more: its end is told at once.
    desk.raise("device.failed:a/1", "warning");
    desk.pass(61_000);
    desk.resolve("device.failed:a/1");
    desk.pass(1000);
    expect(desk.said()).toEqual(["ops: raised warning device.failed:a/1 flapping", "ops: resolved warning device.failed:a/1"]);
  });

  it("are one for what is over and back within one instant, as in the record", () => {
    const desk = new Desk();
    desk.raise("account.restricted:a", "warning");
    desk.flicker("account.restricted:a");
    desk.pass(1000);
    expect(desk.said()).toEqual(["ops: raised warning account.restricted:a"]);
    expect(desk.owed()).toHaveLength(1);
    desk.resolve("account.restricted:a");
    desk.pass(1000);
    expect(desk.said()).toEqual(["ops: resolved warning account.restricted:a"]);
  });

  it("come a second time where nobody acknowledges, to those who are named for it", () => {
    const desk = new Desk();
    desk.raise("account.banned:a", "critical");
    desk.pass(601_000);
    expect(desk.said()).toEqual([
      "ops: raised critical account.banned:a",
      "phone: raised critical account.banned:a",
      "phone: unacknowledged critical account.banned:a",
      "boss: unacknowledged critical account.banned:a",
    ]);
    desk.resolve("account.banned:a");
    desk.pass(1000);
    expect(desk.said().map((line) => line.split(" ")[0])).toEqual(["ops:", "phone:", "boss:"]);
  });

  it("do not come a second time once a person has acknowledged", () => {
    const desk = new Desk();
    desk.raise("account.banned:a", "critical");
    desk.pass(1000);
    desk.send({ type: "acknowledged", at: desk.now, key: "account.banned:a", by: "ann" });
    desk.pass(3_600_000);
    expect(desk.said()).toHaveLength(2);
  });

  it("are held back by a silence, and told at its end if it still holds", () => {
    const desk = new Desk();
    const silence = { id: "s1", rule: "device.*", subject: "a", from: desk.now, until: desk.now + 60_000, by: "ann", why: "" };
    desk.send({ type: "silences", at: desk.now, silences: [silence] });
    desk.raise("device.failed:a/1", "warning");
    desk.raise("device.failed:a/2", "warning");
    desk.raise("device.failed:b/1", "warning");
    desk.pass(30_000);
    desk.resolve("device.failed:a/2");
    desk.pass(10_000);
    expect(desk.said()).toEqual(["ops: raised warning device.failed:b/1"]);
    desk.pass(30_000);
    expect(desk.said()).toEqual(["ops: raised warning device.failed:a/1"]);
  });

  it("are held back while the fleet is paused, but for the one that says that it is paused", () => {
    const desk = new Desk();
    desk.send({ type: "paused", at: desk.now, isPaused: true });
    desk.raise("device.failed:a/1", "warning");
    desk.raise("fleet.paused:fleet", "warning");
    desk.pass(60_000);
    expect(desk.said()).toEqual(["ops: raised warning fleet.paused:fleet"]);
    desk.send({ type: "paused", at: desk.now, isPaused: false });
    desk.pass(1000);
    expect(desk.said()).toEqual(["ops: raised warning device.failed:a/1"]);
  });

  it("wait for a rule that has to hold, and tell nobody of what ended sooner", () => {
    const desk = new Desk();
    desk.raise("device.unreachable:a/1", "warning");
    desk.raise("device.unreachable:a/2", "warning");
    desk.pass(10_000);
    desk.resolve("device.unreachable:a/2");
    desk.pass(9000);
    expect(desk.said()).toEqual([]);
    desk.pass(2000);
    expect(desk.said()).toEqual(["ops: raised warning device.unreachable:a/1"]);
  });

  it("wait for no time that an earlier life saw, when the clock was set back in between", () => {
    const desk = new Desk();
    for (let round = 0; round < 4; round++) {
      desk.raise("device.failed:a/1", "warning");
      desk.pass(2000);
      desk.resolve("device.failed:a/1");
      desk.pass(2000);
    }
    desk.raise("account.banned:a", "critical");
    desk.raise("device.unreachable:a/1", "warning");
    desk.pass(2000);
    desk.said();
    desk.restart(3_600_000);
    desk.pass(2000);
    expect(desk.said()).toEqual(["ops: resolved warning device.failed:a/1", "ops: raised warning device.unreachable:a/1"]);
    desk.pass(601_000);
    desk.resolve("account.banned:a");
    desk.resolve("device.unreachable:a/1");
    desk.pass(2000);
    expect(desk.said().map((line) => line.replace("critical ", ""))).toEqual([
      "phone: unacknowledged account.banned:a",
      "boss: unacknowledged account.banned:a",
      "ops: resolved account.banned:a",
      "ops: resolved warning device.unreachable:a/1",
      "phone: resolved account.banned:a",
      "boss: resolved account.banned:a",
    ]);
    expect(desk.owed()).toEqual([]);
  });

  it("never tell a channel that it has failed itself", () => {
    const desk = new Desk();
    desk.raise("alerts.channel:phone", "critical", "phone");
    desk.pass(700_000);
    expect(new Set(desk.notices.map(({ channel }) => channel))).toEqual(new Set(["ops", "boss"]));
  });

  describe("whatever happens", () => {
    it("tell each channel of each alert once a level, of its end if and only if it was told, and owe nothing in the end", () => {
      fc.assert(
        fc.property(story, (steps) => {
          expect(faultsIn(played(steps))).toEqual([]);
        }),
        { numRuns: 300 },
      );
    });

    it("tell the same however often a life ends and the next goes on from what was owed", () => {
      fc.assert(
        fc.property(story, fc.integer({ min: 1, max: 7 }), (steps, every) => {
          expect(faultsIn(played(steps, every))).toEqual([]);
        }),
        { numRuns: 150 },
      );
    });
  });
});

// ---- stories ---------------------------------------------------------------------------------------------------------

type Step = Happening | { readonly op: "pause"; readonly isPaused: boolean };
const pause: fc.Arbitrary<Step> = fc.record({ op: fc.constant("pause"), isPaused: fc.boolean() });
const story: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof<fc.WeightedArbitrary<Step>[]>(...HAPPENINGS, { weight: 1, arbitrary: pause }),
  {
    maxLength: 60,
  },
);

function played(steps: readonly Step[], restartEvery = Number.POSITIVE_INFINITY): Desk {
  const desk = new Desk();
  for (const [index, step] of steps.entries()) {
    if (step.op === "raise") desk.raise(step.key, step.level);
    else if (step.op === "resolve") desk.resolve(step.key);
    else if (step.op === "ack") desk.send({ type: "acknowledged", at: desk.now, key: step.key, by: "ann" });
    else if (step.op === "pause") desk.send({ type: "paused", at: desk.now, isPaused: step.isPaused });
    else if (step.op === "silence") desk.silence(step.subject, step.length);
    else if (step.op === "pass") desk.pass(step.span);
    if (index % restartEvery === restartEvery - 1) desk.restart();
  }
  desk.send({ type: "paused", at: desk.now, isPaused: false });
  desk.pass(1_000_000);
  return desk;
}

function faultsIn(desk: Desk): string[] {
  const byChannel = Map.groupBy(
    desk.notices.flatMap(({ channel, items }) => items.map((item) => ({ name: `${channel} ${item.key}`, item }))),
    ({ name }) => name,
  );
  const wrong = [...byChannel].flatMap(([name, told]) =>
    faultsOf(
      name,
      told.map(({ item }) => item),
    ),
  );
  for (const [alertKey, level] of desk.open) {
    const last = byChannel.get(`ops ${alertKey}`)?.at(-1)?.item;
    if (last?.resolvedAt !== null || last.level !== level) wrong.push(`${alertKey} is ${level}, and ops were told otherwise`);
  }
  // Whoever was told of an alert was told of its end, and of no end of what still holds.
  for (const [name, told] of byChannel) {
    const isTold = told.at(-1)?.item.kind !== "resolved";
    const level = desk.open.get(name.slice(name.indexOf(" ") + 1));
    if (isTold && level === undefined) wrong.push(`${name} has ended, and that was not told`);
    if (!isTold && (level === "critical" || (level !== undefined && name.startsWith("ops")))) wrong.push(`${name} still holds`);
  }
  return [...wrong, ...desk.owed().flatMap(({ alert }) => (alert.resolvedAt === null ? [] : [`${alert.key} is still owed`]))];
}

/** In order: raised, perhaps escalated, perhaps unacknowledged, resolved; then the next one. */
function faultsOf(name: string, items: readonly Item[]): string[] {
  const wrong: string[] = [];
  let level: AlertLevel | null = null;
  let isReminded = false;
  for (const item of items) {
    const say = (what: string): void => void wrong.push(`${name}: ${what} at ${item.raisedAt}`);
    if (item.kind === "raised") {
      if (level !== null) say("raised twice");
      [level, isReminded] = [item.level, false];
    } else if (item.kind === "escalated") {
      if (level !== "warning" || item.level !== "critical") say("escalated from nothing");
      level = item.level;
    } else if (item.kind === "unacknowledged") {
      if (isReminded) say("reminded twice");
      [level, isReminded] = [item.level, true];
    } else {
      level = null;
    }
  }
  return wrong;
}
