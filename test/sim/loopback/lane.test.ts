import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Link } from "../../../sim/loopback/connection.ts";
import { type Flow, FREE, Lane } from "../../../sim/loopback/lane.ts";
import type { Latency } from "../../../sim/loopback/random.ts";
import { Service } from "../../../sim/loopback/service.ts";

describe("one direction of a link", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("keeps the order of a queue, and does not add up its delays", () => {
    const delays = [400, 50, 2500, 100];
    const came: [string, number][] = [];
    const waits: number[] = [];
    const start = performance.now();
    const lane = new Lane<string>(
      (item) => came.push([item, Math.round(performance.now() - start)]),
      (ms) => waits.push(Math.round(ms)),
    );
    lane.set({ held: false, delay: () => delays.shift() ?? 0 });
    lane.push("a");
    lane.push("b");
    vi.advanceTimersByTime(1000);
    lane.push("c");
    vi.advanceTimersByTime(1000);
    lane.push("d");
    vi.advanceTimersByTime(5000);
    expect(came).toEqual([
      ["a", 400],
      ["b", 400],
      ["c", 3500],
      ["d", 3500],
    ]);
    expect(waits.map((ms) => Math.round(ms / 100) * 100)).toEqual([400, 400, 2500, 1500]);
  });
});

describe("the usual latency", () => {
  const flowsWith = (latency: Latency): Flow[] => {
    const service = new Service({ seed: 1, latency, dedupe: "client", log: () => undefined });
    const flows: Flow[] = [];
    const link = { setFlow: (inbound: Flow, outbound: Flow) => void flows.push(inbound, outbound) };
    service.reviewFlow(link as unknown as Link);
    return flows;
  };

  it("is for each direction, or for what the server sends alone", () => {
    const [inbound, outbound] = flowsWith({ min: 50, max: 50 });
    expect([inbound?.delay?.(), outbound?.delay?.()]).toEqual([50, 50]);
    const [free, late] = flowsWith({ ways: "out", min: 50, max: 50 });
    expect([free, late?.delay?.()]).toEqual([FREE, 50]);
  });
});
