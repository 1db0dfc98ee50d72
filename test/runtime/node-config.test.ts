import { describe, expect, it } from "vitest";
import { DEFAULT_TIMERS } from "../../machines/account/timers.ts";
import { timingsOf } from "../../machines/account/timings.ts";
import { lineId } from "../../machines/ports/ids.ts";
import { toDeclaration } from "../../src/config/index.ts";
import { parseFleet } from "../../src/config/load.ts";
import { fleetSchema } from "../../src/config/schema.ts";
import { nodeConfigOf } from "../../src/runtime/node-config.ts";

const TIMERS = {
  ...DEFAULT_TIMERS,
  probe: 900,
  suspect: 2100,
  repair: 3600,
  failed: 4400,
  cooldown: 30_000,
  deepCheck: 20_000,
};

const load = (text: string) => {
  const loaded = parseFleet("fleet.yaml", text, {});
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.fleet;
};

const EVERYTHING = `
fleet: acme
accounts:
  sales-1: { role: master, devices: [a, b], pacing: { perSecond: 3, burst: 7 } }
  sales-2: { role: master, devices: [a] }
  bulk-1: { role: servant, devices: [a] }
lines:
  sales: { masters: [sales-1, sales-2], servants: [bulk-1], work: [bulk], failback: automatic, whenNumberChanges: resend, whenRefused: fail, outboxLimit: 12 }
  other: { masters: [sales-2] }
pacing: { perSecond: 0.5 }
brake: { seats: 4, share: 0.3, within: 20s }
reconnect: { perSecond: 9 }
timers: { ${Object.entries(TIMERS)
  .map(([name, ms]) => `${name}: ${ms}ms`)
  .join(", ")} }
whatsapp: { endpoint: "ws://127.0.0.1:1/ws" }
`;

describe("what a node is started with", () => {
  it("is what the fleet file says, key by key", () => {
    const fleet = load(EVERYTHING);
    const config = nodeConfigOf(fleet);
    const [sales, other] = [lineId("sales"), lineId("other")];
    expect(config.declaration).toEqual(toDeclaration(fleet));
    expect(config.timings).toEqual(timingsOf(TIMERS));
    expect(config.brake).toEqual({ seats: 4, share: 0.3, within: 20_000 });
    expect(config.reconnectPerSecond).toBe(9);
    expect([config.failback(sales), config.failback(other)]).toEqual(["automatic", "manual"]);
    expect([config.outboxLimit(sales), config.outboxLimit(other)]).toEqual([12, 100_000]);
    expect(config.queue(sales)).toEqual({
      whenNumberChanges: "resend",
      whenRefused: "fail",
      pacing: {
        "sales-1": { perSecond: 3, burst: 7 },
        "sales-2": { perSecond: 0.5, burst: 1 },
        "bulk-1": { perSecond: 0.5, burst: 1 },
      },
    });
    expect([config.work?.(sales), config.work?.(other)]).toEqual([["bulk"], []]);
    expect(config.queue(other)).toMatchObject({ whenNumberChanges: "hold", whenRefused: "reroute" });
  });

  it("changes with every timer that a fleet file may set", () => {
    const normal = JSON.stringify(timingsOf(DEFAULT_TIMERS));
    const idle = Object.keys(DEFAULT_TIMERS).filter(
      (name) => JSON.stringify(timingsOf({ ...DEFAULT_TIMERS, [name]: 12_345 })) === normal,
    );
    expect(idle).toEqual([]);
  });

  it("leaves no section of the fleet file unread", () => {
    // A new section has to be added to the file above, and to what is expected of it.
    expect(Object.keys(fleetSchema.def.shape)).toEqual([
      "fleet",
      "store",
      "accounts",
      "lines",
      // Nothing that runs depends on it.
      "about",
      "timers",
      "brake",
      "reconnect",
      "pacing",
      // What stands beside a node has tests of its own: test/http, test/alerts, test/webhooks, test/plugins.
      "api",
      "alerts",
      "webhooks",
      "retention",
      "plugins",
      "whatsapp",
    ]);
  });
});
