import { describe, expect, it } from "vitest";
import { catalogue, describeFault, drawFault, faultKinds, type Fault, type FaultKind } from "../../../sim/faults/catalogue.ts";
import type { Target } from "../../../sim/faults/rule.ts";
import { createRandom } from "../../../sim/world/random.ts";
import { a, account, ana, b, Bench, node } from "./bench.ts";

const calm = { stallsPerHour: 0, chatterMean: 0 };
const device: Target = { device: a };
const now = { at: 0, for: 60_000 } as const;

/** One of each kind, as it hits device a, and what is to be seen of it. */
const cases: { [K in FaultKind]: { fault: Extract<Fault, { kind: K }>; seen: (bench: Bench) => void } } = {
  close: {
    fault: { kind: "close", target: device, at: 0, for: 0, code: 503 },
    seen: (bench) => {
      bench.run(1_000);
      expect(bench.of("closed")).toMatchObject([{ reason: "unavailable", code: 503 }]);
      bench.serve();
    },
  },
  "half-open-link": {
    fault: { kind: "half-open-link", target: device, ...now },
    seen: (bench) => {
      bench.probe();
      bench.run(2_000);
      expect(bench.of("probed")).toMatchObject([{ rtt: null }]);
      bench.serve();
    },
  },
  "silent-path": {
    fault: { kind: "silent-path", target: device, ...now, keeps: true },
    seen: (bench) => {
      bench.send(1);
      bench.run(1_000);
      bench.open();
      bench.run(10_000);
      expect(bench.of("closed").at(-1)).toMatchObject({ reason: "timedOut" });
      expect(bench.ledger("shown")).toEqual([]);
      // What was written arrives when the path is back, although the link is long gone.
      bench.run(60_000);
      expect(bench.ledger("shown")).toHaveLength(1);
    },
  },
  "one-way": {
    fault: { kind: "one-way", target: device, ...now, dead: "down" },
    seen: (bench) => {
      bench.send(1);
      bench.run(5_000);
      expect(bench.ledger("shown")).toHaveLength(1);
      expect(bench.of("acked")).toEqual([]);
    },
  },
  slow: {
    fault: { kind: "slow", target: device, ...now, mean: 2_000 },
    seen: (bench) => {
      bench.probe(1, 30_000);
      bench.run(30_000);
      expect(bench.of("probed")[0]?.rtt).toBeGreaterThan(500);
    },
  },
  lossy: {
    fault: { kind: "lossy", target: device, ...now, loss: 0.9 },
    seen: (bench) => {
      bench.probe(1, 60_000);
      bench.run(60_000);
      expect(bench.of("probed")[0]?.rtt).toBeGreaterThan(500);
    },
  },
  "upgrade-503": {
    fault: { kind: "upgrade-503", target: device, ...now, status: 503, closes: true },
    seen: (bench) => {
      bench.run(500);
      bench.open();
      bench.run(2_000);
      expect(bench.of("closed")).toMatchObject([
        { reason: "dropped", code: 428 },
        { reason: "refused", code: 503 },
      ]);
    },
  },
  "login-refused": {
    fault: { kind: "login-refused", target: device, ...now, code: 405, closes: true },
    seen: (bench) => {
      bench.run(500);
      bench.open();
      bench.run(2_000);
      expect(bench.of("closed").at(-1)).toMatchObject({ reason: "outdated", code: 405 });
    },
  },
  "ack-lost": {
    fault: { kind: "ack-lost", target: device, ...now, mute: true },
    seen: (bench) => {
      bench.send(1);
      bench.run(5_000);
      expect(bench.ledger("shown")).toHaveLength(1);
      expect(bench.of("acked")).toEqual([]);
      expect(bench.of("receipt")).toEqual([]);
    },
  },
  "send-swallowed": {
    fault: { kind: "send-swallowed", target: device, ...now, share: 1 },
    seen: (bench) => {
      bench.send(1);
      bench.probe();
      bench.run(5_000);
      expect(bench.of("sent")).toHaveLength(1);
      expect(bench.ledger("swallowed")).toHaveLength(1);
      expect(bench.ledger("shown")).toEqual([]);
      expect(bench.of("probed")[0]?.rtt).not.toBeNull();
    },
  },
  restricted: {
    fault: { kind: "restricted", target: { account }, ...now, announced: false },
    seen: (bench) => {
      bench.send(1, { contact: "c:2" });
      bench.run(2_000);
      expect(bench.of("refused")).toMatchObject([{ code: 463 }]);
      expect(bench.of("closed")).toEqual([]);
      bench.run(60_000);
      expect(bench.world.service.standingOf(account).standing).toBe("good");
    },
  },
  banned: {
    fault: { kind: "banned", target: { account }, ...now, code: 402 },
    seen: (bench) => {
      bench.run(1_000);
      expect(bench.of("closed")).toMatchObject([{ reason: "banned", code: 402, until: bench.ledger("standing")[0]?.until }]);
      bench.open(b);
      bench.run(2_000);
      expect(bench.of("closed")[1]).toMatchObject({ device: b, reason: "banned" });
      bench.run(60_000);
      bench.serve();
    },
  },
  "logged-out": {
    fault: { kind: "logged-out", target: device, at: 0, for: "permanent" },
    seen: (bench) => {
      bench.run(1_000);
      expect(bench.of("closed")).toMatchObject([{ reason: "loggedOut", code: 401 }]);
      bench.serve(b);
    },
  },
  replaced: {
    fault: { kind: "replaced", target: device, at: 0, for: 0, returns: 1 },
    seen: (bench) => {
      bench.run(1_000);
      expect(bench.of("closed")).toMatchObject([{ reason: "replaced", code: 440 }]);
      bench.serve();
      bench.run(5_000);
      expect(bench.of("closed")[1]).toMatchObject({ reason: "replaced" });
      bench.serve();
      bench.run(10_000);
      expect(bench.of("closed")).toHaveLength(2);
    },
  },
  "phone-gone": {
    fault: { kind: "phone-gone", target: { account }, ...now },
    seen: (bench) => {
      bench.run(1_000);
      expect(bench.of("closed")).toMatchObject([{ reason: "locked", code: 403 }]);
      bench.open(b);
      bench.run(2_000);
      expect(bench.of("closed")[1]).toMatchObject({ device: b, reason: "locked" });
      bench.run(60_000);
      bench.serve();
    },
  },
  outage: {
    fault: { kind: "outage", target: { region: "br" }, ...now, manner: "refusing" },
    seen: (bench) => {
      bench.run(1_000);
      expect(bench.of("closed")).toMatchObject([{ reason: "unavailable", code: 503 }]);
      bench.open();
      bench.run(2_000);
      expect(bench.of("closed")[1]).toMatchObject({ reason: "refused", code: 503 });
    },
  },
  "offline-replay": {
    fault: { kind: "offline-replay", target: device, ...now, late: null },
    seen: (bench) => {
      bench.world.service.write(ana, account, "hi");
      bench.run(1_000);
      bench.perform({ op: "terminate", device: a });
      bench.run(1_000);
      bench.world.service.write(ana, account, "and again");
      bench.run(1_000);
      bench.open();
      bench.run(10_000);
      expect(bench.of("opened")).toHaveLength(1);
      expect(bench.of("serving")).toEqual([]);
      expect(bench.store.inbox).toHaveLength(1);
    },
  },
  repeated: {
    fault: { kind: "repeated", target: device, ...now, share: 1, after: 1_000 },
    seen: (bench) => {
      bench.send(1);
      bench.world.service.write(ana, account, "hi");
      bench.run(5_000);
      expect(bench.of("acked")).toHaveLength(2);
      expect(bench.of("received")).toHaveLength(1);
    },
  },
  "late-events": {
    fault: { kind: "late-events", target: device, ...now, by: 2_500, share: 1 },
    seen: (bench) => {
      bench.send(1);
      bench.run(2_000);
      expect(bench.of("acked")).toEqual([]);
      bench.run(4_000);
      expect(bench.of("acked")).toHaveLength(1);
    },
  },
  "node-crash": {
    fault: { kind: "node-crash", target: { node }, at: 0, for: 0, tells: false, downFor: 500 },
    seen: (bench) => {
      bench.run(5_000);
      // A lost machine tells nobody: WhatsApp believes in the link until the device is back.
      expect(bench.world.service.hasSession(a)).toBe(true);
      expect(bench.of("closed")).toEqual([]);
      bench.serve();
    },
  },
  "node-pause": {
    fault: { kind: "node-pause", target: { node }, at: 0, for: 5_000 },
    seen: (bench) => {
      bench.probe(1, 1_000);
      bench.run(4_999);
      expect(bench.of("probed")).toEqual([]);
      bench.run(1);
      // The deadline runs before the answer that waited in the socket.
      expect(bench.of("probed")).toMatchObject([{ rtt: null }]);
    },
  },
  "late-timers": {
    fault: { kind: "late-timers", target: { node }, ...now, mean: 3_000 },
    seen: (bench) => {
      bench.inject({ kind: "half-open-link", target: device, ...now });
      for (let no = 0; no < 10; no++) bench.probe(no, 1_000);
      bench.run(1_100);
      expect(bench.of("probed").length).toBeLessThan(10);
    },
  },
  "clock-skew": {
    fault: { kind: "clock-skew", target: { node }, ...now, offset: 10_000, rate: 2 },
    seen: (bench) => {
      bench.inject({ kind: "half-open-link", target: device, ...now });
      bench.probe(1, 3_000);
      bench.run(1_600);
      expect(bench.of("probed")).toMatchObject([{ rtt: null }]);
    },
  },
  "store-slow": {
    fault: { kind: "store-slow", target: { all: true }, ...now, mean: 5_000 },
    seen: (bench) => {
      bench.send(1);
      bench.run(200);
      expect(bench.of("sent")).toEqual([]);
      bench.run(60_000);
      expect(bench.of("sent")).toHaveLength(1);
    },
  },
  "store-failing": {
    fault: { kind: "store-failing", target: { node }, ...now, cause: "full", share: 1 },
    seen: (bench) => {
      bench.send(1);
      bench.run(1_000);
      expect(bench.of("unsent")).toMatchObject([{ why: "store" }]);
    },
  },
  "store-partition": {
    fault: { kind: "store-partition", target: { node }, at: 0, for: 5_000 },
    seen: (bench) => {
      bench.send(1);
      bench.run(4_999);
      expect(bench.of("sent")).toEqual([]);
      bench.run(5_000);
      expect(bench.of("sent")).toHaveLength(1);
    },
  },
  "store-crash": {
    fault: { kind: "store-crash", target: { all: true }, at: 0, for: 2_000, applied: false },
    seen: (bench) => {
      bench.send(1);
      bench.run(1_500);
      expect(bench.of("unsent")).toHaveLength(1);
      bench.run(1_000);
      bench.send(2);
      bench.run(1_000);
      expect(bench.of("sent")).toHaveLength(1);
    },
  },
  operator: {
    fault: { kind: "operator", target: device, at: 0, for: 5_000, order: "cordon", twice: false },
    seen: (bench) => {
      expect(bench.orders).toEqual([{ kind: "cordon", device: a, cordoned: true }]);
      bench.run(6_000);
      expect(bench.orders.at(-1)).toEqual({ kind: "cordon", device: a, cordoned: false });
    },
  },
};

describe("each fault", () => {
  for (const kind of faultKinds) {
    const { fault, seen } = cases[kind];
    it(`${kind}: ${describeFault(fault)}`, () => {
      const bench = new Bench(1, calm);
      bench.serve();
      bench.grant();
      // The recipient is known, so that a send needs no question first.
      bench.send(0);
      bench.run(2_000);
      bench.forget();
      bench.inject(fault);
      seen(bench);
      expect(bench.world.board.bites.get(kind)).toBeGreaterThan(0);
    });
  }

  it("is drawn at random as data that survives JSON, and says in words what it does", () => {
    const random = createRandom(1).stream("draw");
    const aims = {
      device,
      account: { account },
      seat: { seat: "sales/sales-1" },
      node: { node },
      region: { region: "br" },
      all: { all: true },
    };
    for (const kind of faultKinds) {
      for (const aim of catalogue[kind].aims) {
        const fault = drawFault(kind, random, aims[aim] as Target, 1_000);
        expect(JSON.parse(JSON.stringify(fault))).toEqual(fault);
        expect(describeFault(fault)).toMatch(/^\w.{10,}/);
        expect(fault).toMatchObject({ kind, at: 1_000 });
      }
    }
  });
});

describe("the board", () => {
  it("begins and ends faults on time, and lets the first that decides win", () => {
    const bench = new Bench(1, calm);
    bench.inject({ kind: "upgrade-503", target: device, at: 1_000, for: 2_000, status: 503, closes: false });
    bench.inject({ kind: "login-refused", target: device, at: 1_000, for: "permanent", code: 405, closes: false });
    bench.serve();
    bench.run(2_000 - bench.world.clock.now());
    bench.open();
    bench.until(() => bench.of("closed").length === 2);
    bench.run(3_100 - bench.world.clock.now());
    bench.open();
    bench.until(() => bench.of("closed").length === 3);
    expect(bench.of("closed").map(({ reason }) => reason)).toEqual(["dropped", "refused", "outdated"]);
    expect(bench.ledger("fault").map(({ what, at }) => `${what} ${at}`)).toEqual(["began 1000", "began 1000", "ended 3000"]);
  });

  it("aims at whoever holds the seat when the fault begins", () => {
    const bench = new Bench(1, calm);
    bench.serve(a);
    bench.serve(b);
    bench.world.holderOf = () => b;
    bench.inject({ kind: "close", target: { seat: "sales/sales-1" as never }, at: 0, for: 0, code: 428 });
    bench.run(1_000);
    expect(bench.of("closed")).toMatchObject([{ device: b }]);
  });

  it("counts no bite for a fault that found nothing to do", () => {
    const bench = new Bench(1, calm);
    bench.inject({ kind: "close", target: device, at: 0, for: 0, code: 428 });
    expect(bench.world.board.bites.size).toBe(0);
  });
});
