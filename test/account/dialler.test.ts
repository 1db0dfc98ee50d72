import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CANARY_EVERY, dialler, type DiallerState, GATHER } from "../../machines/account/dialler.ts";
import { accountId, type DeviceId, deviceId, type Millis } from "../../machines/ports/ids.ts";
import type { DiallerEvent, Step } from "../../machines/protocol.ts";

const device = (number: number): DeviceId => deviceId(accountId("sales"), `d${number}`);

describe("the reconnect budget", () => {
  it("lets a burst through, and then one dial per interval", () => {
    const run = new Run(25);
    for (let number = 0; number < 30; number++) run.holder(number).tell({ type: "dial.request", device: device(number) });
    run.until(1000);
    expect(run.grants.slice(0, 25).map(({ at }) => at)).toEqual(Array.from({ length: 25 }, () => 0));
    expect(run.grants.slice(25).map(({ at }) => at)).toEqual([40, 80, 120, 160, 200]);
  });

  it("serves holders of seats first, then stand-ins, then the rest, and equals in the order of asking", () => {
    const run = new Run(1).holder(9).tell({ type: "dial.request", device: device(9) });
    for (const [number, rank] of [
      [1, 2],
      [2, 1],
      [3, 0],
      [4, 1],
      [5, 0],
    ] as const) {
      run.tell({ type: "dial.rank", device: device(number), rank }).tell({ type: "dial.request", device: device(number) });
    }
    run.until(10_000);
    expect(run.grants.map(({ to }) => to)).toEqual([9, 3, 5, 2, 4, 1].map((number) => device(number)));
  });

  it("leaves the whole budget to holders who ask a moment after the others", () => {
    const run = new Run(2);
    for (const number of [1, 2, 3]) run.tell({ type: "dial.request", device: device(number) });
    run.until(GATHER - 1);
    for (const number of [4, 5]) run.holder(number).tell({ type: "dial.request", device: device(number) });
    run.until(10_000);
    expect(run.grants.map(({ to }) => to)).toEqual([4, 5, 1, 2, 3].map((number) => device(number)));
    expect(run.grants.slice(0, 2).map(({ at }) => at)).toEqual([GATHER - 1, GATHER - 1]);
  });

  it("lets one without a seat dial after that moment, when nobody else asks", () => {
    const run = new Run(25).tell({ type: "dial.request", device: device(1) }).until(1000);
    expect(run.grants).toEqual([{ at: GATHER, to: device(1) }]);
  });

  it("grants once to who asks twice", () => {
    const run = new Run(1).tell({ type: "dial.request", device: device(1) });
    for (const number of [2, 3, 2, 3, 2]) run.tell({ type: "dial.request", device: device(number) });
    expect(run.until(10_000).grants.map(({ to }) => to)).toEqual([1, 2, 3].map((number) => device(number)));
  });

  it("grants nothing to who has given up", () => {
    const run = new Run(1).tell({ type: "dial.request", device: device(1) }).tell({ type: "dial.request", device: device(2) });
    run.tell({ type: "dial.cancel", device: device(2) }).until(10_000);
    expect(run.grants.map(({ to }) => to)).toEqual([device(1)]);
  });

  /** Logins that are refused as soon as they are granted, and what dials within `span`. */
  const refusing = (run: Run, numbers: readonly number[], span: Millis): { at: Millis; to: DeviceId }[] => {
    const before = run.grants.length;
    const end = run.now + span;
    for (const number of numbers) run.tell({ type: "dial.request", device: device(number) });
    for (let seen = before; run.now < end; ) {
      if (seen === run.grants.length) run.until(Math.min(end, run.now + 10));
      for (; seen < run.grants.length; seen++) {
        const { to } = run.grants[seen] as { to: DeviceId };
        run.tell({ type: "version.refused", device: to }).tell({ type: "dial.request", device: to });
      }
    }
    return run.grants.slice(before);
  };
  const all = (count: number): number[] => Array.from({ length: count }, (_, number) => number);

  it("sends one device ahead each half minute when the version is refused, however many wait", () => {
    const run = new Run(1);
    for (const number of all(500)) run.holder(number);
    const dials = refusing(run, all(500), 3_600_000);
    expect(dials.length).toBeLessThanOrEqual(2 + 3_600_000 / CANARY_EVERY);
    const gaps = dials.slice(1).map(({ at }, index) => at - (dials[index] as { at: Millis }).at);
    expect(gaps.slice(1).every((gap) => gap >= CANARY_EVERY)).toBe(true);
  });

  it("dials less and less often when the same few are refused again and again", () => {
    const run = new Run(25);
    for (const number of all(3)) run.holder(number);
    expect(refusing(run, all(3), 3_600_000).length).toBeLessThanOrEqual(3 * 11);
    expect(refusing(run, [], 3_600_000).length).toBeLessThanOrEqual(3 * 6);
  });

  it("lets all dial again, by rank and within the budget, when one gets in", () => {
    const run = new Run(2).holder(7);
    refusing(run, [1, 2, 3, 4, 5, 6, 7], 20_000);
    run.until(run.now + CANARY_EVERY);
    const canary = run.grants.at(-1) as { to: DeviceId };
    const from = run.now;
    const before = run.grants.length;
    run.tell({ type: "version.accepted", device: canary.to }).until(from + 10_000);
    const after = run.grants.slice(before);
    expect(after.map(({ to }) => to).toSorted()).toEqual(
      all(8)
        .slice(1)
        .map(device)
        .filter((one) => one !== canary.to),
    );
    expect(after.slice(0, 2).map(({ at }) => at)).toEqual([from, from]);
    expect(after.at(-1)?.at).toBe(from + 2000);
  });

  it("holds nobody up for a single device that is refused, and does not dial that one for the others' sake", () => {
    const run = new Run(25).holder(1).holder(2);
    run.tell({ type: "dial.request", device: device(1) }).tell({ type: "version.refused", device: device(1) });
    run.tell({ type: "dial.request", device: device(1) });
    run.tell({ type: "dial.request", device: device(2) }).tell({ type: "version.accepted", device: device(2) });
    run.until(CANARY_EVERY - 1);
    expect(run.grants).toEqual([1, 2].map((number) => ({ at: 0, to: device(number) })));
    expect(run.until(CANARY_EVERY).grants.at(-1)).toEqual({ at: CANARY_EVERY, to: device(1) });
  });

  it("lets the canary ask twice for its dial, as its lease may have to be asked for in between", () => {
    const run = new Run(25);
    for (const number of [1, 2, 3]) run.holder(number).tell({ type: "dial.request", device: device(number) });
    for (const number of [1, 2, 3]) {
      run.tell({ type: "version.refused", device: device(number) }).tell({ type: "dial.request", device: device(number) });
    }
    run.until(CANARY_EVERY);
    const canary = run.grants.at(-1) as { to: DeviceId };
    run.tell({ type: "dial.request", device: canary.to }).until(CANARY_EVERY + 1);
    expect(run.grants.slice(3)).toEqual([
      { at: CANARY_EVERY, to: canary.to },
      { at: CANARY_EVERY, to: canary.to },
    ]);
  });

  it("dials at once whom a person urges, though the version is refused", () => {
    const run = new Run(25);
    for (const number of [1, 2, 3]) {
      run.holder(number).tell({ type: "version.refused", device: device(number) });
      run.tell({ type: "dial.request", device: device(number) });
    }
    expect(run.grants).toEqual([]);
    run.tell({ type: "dial.urge", device: device(3) });
    expect(run.grants).toEqual([{ at: 0, to: device(3) }]);
  });

  it("lets the others wait though a person urges all that were refused: the version is as it was", () => {
    const run = new Run(25);
    for (const number of [1, 2]) run.holder(number).tell({ type: "version.refused", device: device(number) });
    for (const number of [1, 2]) run.tell({ type: "dial.urge", device: device(number) });
    for (const number of [1, 2, 3]) run.holder(number).tell({ type: "dial.request", device: device(number) });
    expect(run.grants.map(({ to }) => to)).toEqual([device(1), device(2)]);
    // Whoever was refused once more waits like the others.
    run.tell({ type: "version.refused", device: device(1) }).tell({ type: "dial.request", device: device(1) });
    expect(run.grants).toHaveLength(2);
  });

  const scriptArb = fc.array(
    fc.record({
      after: fc.integer({ min: 0, max: 40 }),
      number: fc.integer({ min: 0, max: 40 }),
      what: fc.constantFrom("request", "request", "request", "cancel", "refused", "refused", "accepted", 0, 1, 2),
    }),
    { maxLength: 150 },
  );
  const play = (perSecond: number, script: readonly { after: Millis; number: number; what: string | number }[]): Run => {
    const run = new Run(perSecond);
    for (const { after, number, what } of script) {
      run.until(run.now + after);
      if (what === "request") run.tell({ type: "dial.request", device: device(number) });
      else if (what === "cancel") run.tell({ type: "dial.cancel", device: device(number) });
      else if (what === "refused") run.tell({ type: "version.refused", device: device(number) });
      else if (what === "accepted") run.tell({ type: "version.accepted", device: device(number) });
      else run.tell({ type: "dial.rank", device: device(number), rank: what as 0 | 1 | 2 });
    }
    return run;
  };

  it("never grants more than the burst and the rate allow, in any span", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), scriptArb, (perSecond, script) => {
        const times = play(perSecond, script).grants.map(({ at }) => at);
        times.forEach((from, first) => {
          times
            .slice(first)
            .forEach((to, more) => expect(more + 1).toBeLessThanOrEqual(perSecond + ((to - from) * perSecond) / 1000 + 1e-9));
        });
      }),
    );
  });

  it("lets no holder wait while there is budget, who is next otherwise no longer than a moment, and a lower rank never before a higher one", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), scriptArb, (perSecond, script) => {
        const run = play(perSecond, script);
        expect(run.faults).toEqual([]);
        run.until(run.now + 10_000_000);
        expect(run.state.waiting).toEqual([]);
      }),
    );
  });
});

class Run {
  now: Millis = 0;
  readonly grants: { at: Millis; to: DeviceId }[] = [];
  readonly faults: string[] = [];
  #step: Step<DiallerState>;

  constructor(perSecond: number) {
    this.#step = dialler.start({ perSecond }, 0);
  }
  get state(): DiallerState {
    return this.#step.state;
  }
  holder(number: number): this {
    return this.tell({ type: "dial.rank", device: device(number), rank: 0 });
  }
  tell(event: DiallerEvent extends infer E ? (E extends unknown ? Omit<E, "at"> : never) : never): this {
    this.#step = dialler.receive(this.#step.state, { ...event, at: this.now });
    const { state, effects = [], wakeAt } = this.#step;
    const granted = effects.flatMap((effect) =>
      effect.op === "tell" ? [effect.to.slice("connection:".length) as DeviceId] : [],
    );
    this.grants.push(...granted.map((to) => ({ at: this.now, to })));
    const rank = (one: DeviceId) => state.ranks.get(one) ?? 2;
    const { refused, nextCanaryAt } = state;
    const isVersionRefused = refused.size >= 2;
    const mayDial = (one: DeviceId) =>
      (isVersionRefused && one === state.canary) ||
      ((refused.get(one)?.until ?? 0) <= this.now && (!isVersionRefused || nextCanaryAt <= this.now));
    const free = state.waiting.filter((one) => mayDial(one.device));
    if (free.some((one) => granted.some((other) => rank(one.device) < rank(other)))) this.faults.push(`${this.now}: out of rank`);
    const first = free.toSorted((one, other) => rank(one.device) - rank(other.device))[0];
    const isReady = first && (rank(first.device) === 0 || first.since + GATHER <= this.now);
    if (isReady && state.budget >= 1000) this.faults.push(`${this.now}: waits with budget`);
    if (wakeAt !== null && wakeAt <= this.now) this.faults.push(`${this.now}: wishes to be woken at ${wakeAt}`);
    if ((wakeAt === null) !== (state.waiting.length === 0)) this.faults.push(`${this.now}: wakes for nothing or not at all`);
    return this;
  }
  until(end: Millis): Run {
    for (let at = this.#step.wakeAt; at !== null && at <= end && this.faults.length === 0; at = this.#step.wakeAt) {
      this.now = at;
      this.tell({ type: "wake" });
    }
    this.now = end;
    return this;
  }
}
