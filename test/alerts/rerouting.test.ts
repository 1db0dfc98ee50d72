/** Who is told changes while alerts come and go: nobody is told twice for that, and nothing goes to who is gone. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FLAPPING } from "../../machines/alerts/flapping.ts";
import { IN_A_ROW, type Item, type Notice, PACE } from "../../machines/alerts/notices.ts";
import type { AlertPolicy } from "../../machines/alerts/policy.ts";
import { Desk, POLICY } from "./notices-rig.ts";
import { HAPPENINGS, type Happening, KEYS } from "./stories.ts";

const ALL = ["ops", "phone", "boss", "chat"];
const toChat: AlertPolicy = { ...POLICY, channels: { warning: ["chat"], critical: ["ops", "chat", "phone"] } };

describe("who is told may change", () => {
  it("and a channel that comes hears of what holds, in one notice, and of nothing that is over", () => {
    const desk = new Desk();
    desk.raise("device.failed:a/1", "warning");
    desk.raise("device.failed:b/1", "warning");
    desk.raise("seat.stranded:l/a", "critical");
    desk.pass(60_000);
    desk.resolve("device.failed:b/1");
    desk.said();
    desk.reroute(toChat, ALL);
    desk.pass(60_000);
    expect(desk.said()).toEqual([
      "ops: resolved warning device.failed:b/1",
      "chat: raised warning device.failed:a/1",
      "chat: raised critical seat.stranded:l/a",
    ]);
    expect(desk.notices.filter(({ channel }) => channel === "chat")).toHaveLength(1);
    desk.resolve("device.failed:a/1");
    desk.pass(1000);
    expect(desk.said().toSorted()).toEqual([
      "chat: resolved warning device.failed:a/1",
      "ops: resolved warning device.failed:a/1",
    ]);
  });

  it("and one that goes is told nothing, not even an end; back, it is told what it has not heard, once", () => {
    const desk = new Desk();
    desk.raise("device.failed:a/1", "warning");
    desk.raise("device.failed:b/1", "warning");
    desk.pass(1000);
    desk.reroute(POLICY, ["phone", "boss"]);
    desk.resolve("device.failed:b/1");
    desk.raise("account.banned:a", "critical");
    desk.pass(60_000);
    expect(desk.said().slice(2)).toEqual(["phone: raised critical account.banned:a"]);
    desk.reroute(POLICY, ["ops", "phone", "boss"]);
    desk.pass(60_000);
    expect(desk.said()).toEqual(["ops: raised critical account.banned:a"]);
    desk.resolve("device.failed:a/1");
    desk.pass(1000);
    expect(desk.said()).toEqual(["ops: resolved warning device.failed:a/1"]);
  });

  it("and who hears of an alert after its reminder was due hears of it once, who was to be reminded only hears that", () => {
    const desk = new Desk({ ...POLICY, escalation: null });
    desk.raise("account.banned:a", "critical");
    desk.pass(3_600_000);
    desk.said();
    const critical = ["ops", "phone", "chat"];
    desk.reroute({ ...POLICY, channels: { warning: [], critical }, escalation: { after: 60_000, to: ["boss", "chat"] } }, ALL);
    desk.pass(1000);
    desk.send({ type: "wake", at: desk.now });
    desk.pass(3_600_000);
    expect(desk.said().toSorted()).toEqual([
      "boss: unacknowledged critical account.banned:a",
      "chat: raised critical account.banned:a",
    ]);
  });

  it("and what a channel that went has never got is told to it, should it come back", () => {
    const desk = new Desk();
    desk.raise("device.failed:a/1", "warning");
    desk.pass(1000);
    desk.raise("device.failed:a/1", "critical");
    desk.pass(1000);
    const [first, second] = desk.notices.filter(({ channel }) => channel === "ops") as [Notice, Notice];
    desk.said();
    const comesBackWithout = (...lost: readonly Notice[]): string[] => {
      desk.reroute(POLICY, ["phone", "boss"]);
      for (const notice of lost) desk.send({ type: "givenUp", at: desk.now, notice });
      desk.reroute(POLICY, ["ops", "phone", "boss"]);
      desk.pass(1000);
      return desk.said();
    };
    expect(comesBackWithout(second)).toEqual(["ops: escalated critical device.failed:a/1"]);
    expect(comesBackWithout(second, first)).toEqual(["ops: raised critical device.failed:a/1"]);
    expect(comesBackWithout()).toEqual([]);
  });

  it("and so is a reminder, and what comes and goes, however often it did since", () => {
    const desk = new Desk({ ...POLICY, flapping: { ...FLAPPING, times: 2 } });
    const goesWithoutAndComesBack = (channel: string): string[] => {
      const notice = desk.notices.findLast((each) => each.channel === channel) as Notice;
      desk.said();
      desk.raise("device.failed:a/1", "warning");
      desk.reroute(POLICY, ["phone"]);
      desk.send({ type: "givenUp", at: desk.now, notice });
      desk.reroute(POLICY, ["phone", channel]);
      desk.pass(1000);
      return desk.said();
    };
    desk.raise("account.banned:a", "critical");
    desk.pass(601_000);
    expect(goesWithoutAndComesBack("boss")).toEqual(["boss: unacknowledged critical account.banned:a"]);
    desk.resolve("account.banned:a");
    desk.reroute({ ...POLICY, flapping: { ...FLAPPING, times: 2 } }, ["ops"]);
    desk.pass(1000);
    desk.resolve("device.failed:a/1");
    desk.pass(1000);
    desk.raise("device.failed:a/1", "warning");
    desk.pass(1000);
    expect(desk.said().at(-1)).toBe("ops: raised warning device.failed:a/1 flapping");
    desk.resolve("device.failed:a/1");
    desk.pass(1000);
    expect(goesWithoutAndComesBack("ops")).toEqual(["ops: raised warning device.failed:a/1 flapping"]);
  });

  it("and what was owed before stays owed", () => {
    const desk = new Desk();
    desk.raise("device.failed:a/1", "warning");
    desk.resolve("device.failed:a/1");
    desk.reroute(POLICY, ALL);
    desk.pass(1000);
    expect(desk.said()).toEqual(["ops: resolved warning device.failed:a/1"]);
  });

  it("and how often a channel may be told goes on where it was", () => {
    const desk = new Desk();
    for (let index = 0; index < 30; index++) {
      desk.raise(`account.banned:${index}`, "critical");
      desk.pass(1000);
      desk.reroute(index % 2 === 0 ? toChat : POLICY, index % 3 === 0 ? ["phone"] : ALL);
    }
    expect(tooFast(desk.notices)).toEqual([]);
  });

  it("whatever happens: each is told once a level and no end of what it has not heard, nobody who is gone, and in the end all that it is to hear", () => {
    fc.assert(
      fc.property(story, (steps) => {
        expect(new Life().played(steps)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});

// ---- stories ---------------------------------------------------------------------------------------------------------

const POLICIES: readonly AlertPolicy[] = [
  POLICY,
  toChat,
  {
    channels: { warning: ["ops", "chat"], critical: ["chat"] },
    escalation: { after: 60_000, to: ["boss"] },
    flapping: { ...FLAPPING, times: 2 },
    rules: { "device.failed": { channels: { warning: ["phone"] } }, "account.banned": { escalation: null, holds: 5000 } },
  },
];

type Step =
  | Happening
  | { readonly op: "reroute"; readonly policy: number; readonly channels: readonly string[] }
  | { readonly op: "fail"; readonly channel: string }
  | { readonly op: "work"; readonly channel: string }
  | { readonly op: "restart" };
const channel = fc.constantFrom(...ALL);
const changes: readonly fc.WeightedArbitrary<Step>[] = [
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("reroute"),
      policy: fc.nat({ max: POLICIES.length - 1 }),
      channels: fc.shuffledSubarray(ALL, { minLength: 1 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("fail"), channel }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("work"), channel }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("restart") }) },
];
const story: fc.Arbitrary<readonly Step[]> = fc.array(fc.oneof<fc.WeightedArbitrary<Step>[]>(...HAPPENINGS, ...changes), {
  maxLength: 60,
  size: "max",
});

/** Where a channel was told more than ten times in a row and then once every three seconds, in one life. */
function tooFast(notices: readonly Notice[]): string[] {
  return [...Map.groupBy(notices, ({ channel: to, id }) => `${to} ${id.split(".")[0]}`)].flatMap(([name, told]) =>
    told.flatMap(({ at }, last) =>
      told
        .slice(0, last)
        .filter((earlier, first) => at - earlier.at < (last - first + 1 - IN_A_ROW) * PACE)
        .map((earlier) => `${name} is told too often from ${earlier.at} to ${at}`),
    ),
  );
}

/** Channels that may fail: what such a one was told waits until it works, or is given up as it goes. */
class Life {
  readonly #desk = new Desk();
  readonly #wrong: string[] = [];
  readonly #failing = new Set<string>();
  readonly #waiting = new Map<string, Notice[]>();
  /** By channel and alert: what was heard. */
  readonly #heard = new Map<string, Item[]>();
  /** By channel and alert: those that may hear of an end without a beginning. */
  readonly #mayHearEnd = new Set<string>();
  /** By channel and key: the last that was heard, of those that a channel is still to hear the end of. */
  readonly #last = new Map<string, Item>();
  #seen = 0;

  played(steps: readonly Step[]): readonly string[] {
    for (const step of steps) {
      this.#take(step);
      this.#look();
    }
    for (const each of ALL) this.#take({ op: "work", channel: each });
    // In small steps: everything is looked at under the rules under which it was told.
    for (let turn = 0; turn < 20; turn++) this.#take({ op: "pass", span: 100_000 });
    this.#look();
    for (const [alertKey, level] of this.#desk.open)
      for (const each of ALL) {
        const last = this.#last.get(`${each} ${alertKey}`);
        // What comes and goes may have been worse when it was told.
        const isHeard = last && last.kind !== "resolved" && (last.level === level || last.level === "critical");
        if (this.#desk.isTold(each, alertKey, level) && !isHeard) this.#wrong.push(`${each} has not heard of ${alertKey}`);
      }
    for (const [name, { kind, key: alertKey }] of this.#last)
      if (kind !== "resolved" && !this.#desk.open.has(alertKey)) this.#wrong.push(`${name} has ended, and that was not heard`);
    for (const { alert } of this.#desk.owed()) if (alert.resolvedAt !== null) this.#wrong.push(`${alert.key} is still owed`);
    return [...this.#wrong, ...tooFast(this.#desk.notices)];
  }

  #take(step: Step): void {
    const desk = this.#desk;
    if (step.op === "raise") desk.raise(step.key, step.level);
    else if (step.op === "resolve") this.#resolve(step.key);
    else if (step.op === "ack") desk.send({ type: "acknowledged", at: desk.now, key: step.key, by: "ann" });
    else if (step.op === "silence") desk.silence(step.subject, step.length);
    else if (step.op === "restart") desk.restart();
    else if (step.op === "fail") this.#failing.add(step.channel);
    else if (step.op === "work") {
      this.#failing.delete(step.channel);
      for (const notice of this.#waiting.get(step.channel) ?? []) this.#hear(notice);
      this.#waiting.delete(step.channel);
    } else if (step.op === "reroute") this.#reroute(POLICIES[step.policy] ?? POLICY, step.channels);
    else if (step.op === "pass") desk.pass(step.span);
  }

  #resolve(alertKey: string): void {
    const duty = this.#desk.owed().findLast(({ alert }) => alert.key === alertKey && alert.resolvedAt === null);
    for (const each of ALL)
      if (duty && this.#desk.isTold(each, alertKey, duty.alert.level))
        this.#mayHearEnd.add(`${each} ${alertKey} ${duty.alert.raisedAt}`);
    this.#desk.resolve(alertKey);
  }

  #reroute(policy: AlertPolicy, channels: readonly string[]): void {
    this.#look();
    this.#desk.reroute(policy, channels);
    for (const each of ALL.filter((name) => !channels.includes(name))) {
      for (const notice of (this.#waiting.get(each) ?? []).toReversed()) {
        this.#desk.send({ type: "givenUp", at: this.#desk.now, notice });
        for (const item of notice.items)
          if (item.kind === "unacknowledged") this.#mayHearEnd.add(`${each} ${item.key} ${item.raisedAt}`);
      }
      this.#waiting.delete(each);
    }
  }

  /** What was told since the last look, under the rules of now; who is gone hears of no end. */
  #look(): void {
    const fresh = this.#desk.notices.slice(this.#seen);
    this.#seen = this.#desk.notices.length;
    for (const notice of fresh) {
      const { channel: to } = notice;
      if (!this.#desk.channels.includes(to)) this.#wrong.push(`${to} is gone, and was told`);
      if (this.#failing.has(to)) this.#waiting.set(to, [...(this.#waiting.get(to) ?? []), notice]);
      else this.#hear(notice);
    }
    for (const to of ALL.filter((each) => !this.#desk.channels.includes(each)))
      for (const alertKey of KEYS) {
        const isToHear = this.#desk
          .owed()
          .some(({ alert, told: { [to]: level } }) => alert.key === alertKey && level !== undefined && level !== "resolved");
        if (!isToHear) this.#last.delete(`${to} ${alertKey}`);
      }
  }

  #hear({ channel: to, items }: Notice): void {
    for (const item of items) {
      const name = `${to} ${item.key} ${item.raisedAt}`;
      const before = this.#heard.get(name) ?? [];
      const isOfKey = this.#last.get(`${to} ${item.key}`);
      const isRepeat = before.some(({ kind, level }) => kind === item.kind && (level === item.level || kind === "resolved"));
      const isAgain = item.kind === "raised" && before.some(({ kind, level }) => kind === "escalated" && level === item.level);
      if (isRepeat || isAgain) this.#wrong.push(`${name}: ${item.kind} ${item.level} is told twice`);
      if (item.kind === "resolved" && before.length === 0 && !isOfKey && !this.#mayHearEnd.has(name))
        this.#wrong.push(`${name}: its end is told, and it was not`);
      this.#heard.set(name, [...before, item]);
      this.#last.set(`${to} ${item.key}`, item);
    }
  }
}
