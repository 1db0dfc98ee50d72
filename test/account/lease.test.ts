import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FENCE, leaseMachine } from "../../machines/account/lease.ts";
import { accountId, deviceId, type Millis, nodeId } from "../../machines/ports/ids.ts";
import { Host } from "./host.ts";

const device = deviceId(accountId("sales"), "a");
const node = nodeId("n1");
const LEASE = `lease:${device}` as const;
const TTL = 4000;

describe("the lease of a device in a shared store", () => {
  it("is asked for, granted, renewed, and told once", () => {
    const host = held();
    expect(told(host)).toEqual(["lease.granted 5"]);
    for (let count = 0; count < 10; count++) {
      host.advance(500);
      renewed(host);
    }
    expect(host.value(LEASE)).toBe("held");
    expect(asks(host).filter((op) => op === "lease.renew")).toHaveLength(10);
    expect(told(host)).toEqual(["lease.granted 5"]);
  });

  it("is given up in the turn in which the store says that it is another's, and asked for again", () => {
    const host = held();
    host.advance(500);
    host.tell(LEASE, { type: "store.renewed", answer: { op: "lease.renew", lost: [device] } });
    expect(told(host).at(-1)).toBe("lease.lost");
    host.advance(500);
    expect(asks(host).at(-1)).toBe("lease.acquire");
  });

  it("fences itself at three quarters of its life when the store does not answer", () => {
    const host = held();
    const from = host.now;
    host.advance(TTL * FENCE - 1);
    expect(host.value(LEASE)).toBe("renewing");
    host.advance(1);
    expect(told(host).at(-1)).toBe("lease.lost");
    expect(host.now - from).toBe(TTL * FENCE);
  });

  it("asks again when the store fails, and fences itself all the same", () => {
    const host = held();
    for (let at = 0; at < 2900; at += 100) {
      host.advance(100);
      if (host.value(LEASE) === "renewing") host.tell(LEASE, { type: "store.failed", answer: { op: "lease.renew" } });
    }
    expect(asks(host).filter((op) => op === "lease.renew").length).toBeGreaterThan(3);
    expect(told(host)).toEqual(["lease.granted 5"]);
    host.advance(100);
    expect(told(host).at(-1)).toBe("lease.lost");
  });

  it("is no lease when it was granted too late to be of use", () => {
    const host = asked();
    host.advance(TTL * FENCE);
    granted(host);
    expect(told(host)).toEqual([]);
    expect(host.value(LEASE)).toBe("lost");
  });

  it("is asked for again while somebody else has it", () => {
    const host = asked();
    host.tell(LEASE, { type: "store.leases", answer: { op: "lease.acquire", granted: [], held: [{ device, by: "n2" }] } });
    host.advance(500);
    expect(asks(host)).toEqual(["lease.acquire", "lease.acquire"]);
    expect(told(host)).toEqual([]);
  });

  it("is verified when the connection asks for it again", () => {
    const host = held();
    host.tell(LEASE, { type: "start" });
    expect(asks(host).at(-1)).toBe("lease.renew");
    renewed(host);
    expect(told(host)).toEqual(["lease.granted 5", "lease.granted 5"]);
  });

  it("is given back when the device stops, also one that is granted afterwards", () => {
    const host = held();
    host.tell(LEASE, { type: "stop" });
    expect(asks(host).at(-1)).toBe("lease.release");
    const late = asked();
    late.tell(LEASE, { type: "stop" });
    granted(late);
    expect(asks(late)).toEqual(["lease.acquire", "lease.release"]);
    expect(told(late)).toEqual([]);
  });

  it("is asked for once, even if the device stops and starts meanwhile", () => {
    const host = asked();
    host.tell(LEASE, { type: "stop" });
    host.tell(LEASE, { type: "start" });
    granted(host);
    expect(asks(host)).toEqual(["lease.acquire"]);
    expect(told(host)).toEqual(["lease.granted 5"]);
  });

  it("is renewed and given back under the term that was granted last", () => {
    const step = fc.constantFrom("yes", "yes", "no", "fail", "start", "stop", "wait");
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (script) => {
        let term = 0;
        const open: string[] = [];
        const wanted: object[] = [];
        const host = asked(500, ({ op }) => {
          open.push(op);
          wanted.push({ op, node, ...(op === "lease.acquire" ? { devices: [device] } : { leases: [{ device, term }] }) });
        });
        for (const what of script) {
          if (what === "start" || what === "stop") host.tell(LEASE, { type: what });
          else if (what === "wait") host.advance(500);
          else {
            const op = open.shift();
            if (op === undefined) continue;
            if (what === "fail") host.tell(LEASE, { type: "store.failed", answer: { op } });
            else if (op === "lease.renew") renewed(host, what === "yes" ? [] : [device]);
            else if (op === "lease.acquire") granted(host, what === "yes" ? ++term : null);
            else host.tell(LEASE, { type: "store.released", answer: { op } });
          }
        }
        expect(host.of("store").map(({ ask }) => ask)).toMatchObject(wanted);
      }),
    );
  });

  it("is never believed in for longer than three quarters of its life after the store was last asked with success", () => {
    const step = fc.record({
      after: fc.integer({ min: 0, max: 1500 }),
      what: fc.constantFrom("answer", "answer", "fail", "nothing", "start"),
      which: fc.nat({ max: 2 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (script) => {
        const host = new Host();
        host.chart(LEASE, leaseMachine, { device, node, at: host.now, ttl: TTL, renewEvery: 500 });
        const open: { op: string; at: Millis }[] = [];
        let confirmedAt = Number.NEGATIVE_INFINITY;
        let longestTrust = 0;
        host.onEffect = (effect) => {
          if (effect.op === "store") open.push({ op: effect.ask.op, at: host.now });
        };
        host.tell(LEASE, { type: "start" });
        for (const { after, what, which } of script) {
          for (let passed = 0; passed < after; passed += 50) {
            host.advance(50);
            if (told(host).at(-1)?.startsWith("lease.granted")) longestTrust = Math.max(longestTrust, host.now - confirmedAt);
          }
          if (what === "start") host.tell(LEASE, { type: "start" });
          if (what === "nothing" || what === "start") continue;
          const [ask] = open.splice(Math.min(which, open.length - 1), 1);
          if (!ask) continue;
          if (what === "answer") confirmedAt = Math.max(confirmedAt, ask.at);
          if (what === "fail") host.tell(LEASE, { type: "store.failed", answer: { op: ask.op } });
          else if (ask.op === "lease.renew") renewed(host);
          else if (ask.op === "lease.acquire") granted(host);
        }
        expect(longestTrust).toBeLessThanOrEqual(TTL * FENCE);
      }),
    );
  });
});

describe("the lease of a device in a store of our own", () => {
  it("is taken once and never renewed, so that a slow store fences nobody", () => {
    const host = asked(null);
    host.advance(60_000);
    granted(host);
    host.advance(10 * 86_400_000);
    expect(asks(host)).toEqual(["lease.acquire"]);
    expect(host.value(LEASE)).toBe("held");
    host.tell(LEASE, { type: "start" });
    expect(told(host)).toEqual(["lease.granted 5", "lease.granted 5"]);
  });
});

// ---- helpers ----

function asked(renewEvery: Millis | null = 500, onAsk: (ask: { readonly op: string }) => void = () => undefined): Host {
  const host = new Host();
  host.onEffect = (effect) => {
    if (effect.op === "store") onAsk(effect.ask);
  };
  host.chart(LEASE, leaseMachine, { device, node, at: host.now, ttl: TTL, renewEvery });
  host.tell(LEASE, { type: "start" });
  return host;
}
function held(): Host {
  const host = asked();
  granted(host);
  return host;
}
function granted(host: Host, term: number | null = 5): void {
  const grants = term === null ? [] : [{ device, term }];
  host.tell(LEASE, { type: "store.leases", answer: { op: "lease.acquire", granted: grants, held: [] } });
}
function renewed(host: Host, lost: readonly string[] = []): void {
  host.tell(LEASE, { type: "store.renewed", answer: { op: "lease.renew", lost } });
}
function told(host: Host): readonly string[] {
  return host.told(`connection:${device}`).map(({ type, term }) => [type, term].filter(Boolean).join(" "));
}
function asks(host: Host): readonly string[] {
  return host.of("store").map(({ ask }) => ask.op);
}
