import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dialler, type DiallerState, GATHER } from "../../machines/account/dialler.ts";
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

  const scriptArb = fc.array(
    fc.record({
      after: fc.integer({ min: 0, max: 40 }),
      number: fc.integer({ min: 0, max: 40 }),
      what: fc.constantFrom("request", "request", "request", "cancel", 0, 1, 2),
    }),
    { maxLength: 150 },
  );
  const play = (perSecond: number, script: readonly { after: Millis; number: number; what: string | number }[]): Run => {
    const run = new Run(perSecond);
    for (const { after, number, what } of script) {
      run.until(run.now + after);
      if (what === "request") run.tell({ type: "dial.request", device: device(number) });
      else if (what === "cancel") run.tell({ type: "dial.cancel", device: device(number) });
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
        run.until(run.now + 60_000);
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
    if (state.waiting.some((one) => granted.some((other) => rank(one.device) < rank(other))))
      this.faults.push(`${this.now}: out of rank`);
    const first = state.waiting.toSorted((one, other) => rank(one.device) - rank(other.device))[0];
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
