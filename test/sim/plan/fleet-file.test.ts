/** A fleet file as the simulator gets it: what a node in service would be told, and what comes of it. */
import { describe, expect, it } from "vitest";
import type { LineBalance } from "../../../machines/delivery/balance/strategy.ts";
import { lineId } from "../../../machines/ports/ids.ts";
import { eventsOf } from "../../../sim/checkers/life.ts";
import { faultKinds } from "../../../sim/faults/catalogue.ts";
import { configOf } from "../../../sim/plan/config.ts";
import { drawSwarmPlan } from "../../../sim/plan/draw.ts";
import { lifeOf } from "../../../sim/plan/life.ts";
import { checkPlan } from "../../../sim/plan/parse.ts";
import type { Plan } from "../../../sim/plan/plan.ts";
import { runPlan } from "../../../sim/plan/run.ts";
import { plannedOf } from "../../../src/cli/planned-fleet.ts";
import { parseFleet } from "../../../src/config/load.ts";
import { nodeConfigOf } from "../../../src/runtime/node-config.ts";

const load = (text: string) => {
  const loaded = parseFleet("fleet.yaml", text, {});
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.fleet;
};

const EVERYTHING = `
fleet: acme
accounts:
  sales-1: { role: master, devices: [a, b], pacing: { perSecond: 3, burst: 7 } }
  sales-2: { role: master, devices: [a], pacing: { newContacts: { perHour: 5 }, warmUp: [{ days: 7, messagesPerDay: 40 }] } }
  bulk-1: { role: servant, devices: [a] }
lines:
  sales:
    { masters: [sales-1, sales-2], servants: [bulk-1], work: [bulk], strategy: least-loaded, failback: automatic, rebalance: auto,
      whenNumberChanges: resend, whenRefused: fail, outboxLimit: 12 }
  other: { masters: [sales-2] }
  abroad:
    masters: [sales-1, sales-2]
    strategy: geo
    balance:
      weights: { sales-1: 3 }
      adaptive: false
      geo: { regions: { home: { masters: [sales-1], countries: [DE], distances: { away: 2 } }, away: { masters: [sales-2] } }, otherwise: away }
  first:
    masters: [sales-1, sales-2]
    strategy: priority
    balance: { priority: { tiers: [gold, silver], reserved: 1 } }
brake: { seats: 4, share: 0.3, within: 20s }
reconnect: { perSecond: 9 }
timers: { cooldown: 40s }
`;

describe("a fleet file in the simulator", () => {
  it("says of every line what it says to a node in service", () => {
    const fleet = load(EVERYTHING);
    const planned = plannedOf(fleet, null);
    const [simulated, real] = [configOf(planned), nodeConfigOf(fleet)];
    for (const line of ["sales", "other", "abroad", "first"].map(lineId)) {
      const told = (config: typeof real) => ({
        queue: config.queue(line),
        failback: config.failback(line),
        rebalance: config.rebalance?.(line),
        work: config.work?.(line),
        outboxLimit: config.outboxLimit(line),
        balance: plain(config.balance?.(line)),
      });
      expect(told(simulated)).toEqual(told(real));
    }
    const whole = ({ timings, brake, reconnectPerSecond, caps, declaration }: typeof real) => ({
      timings,
      brake,
      reconnectPerSecond,
      caps,
      declaration,
    });
    expect(whole(simulated)).toEqual(whole(real));
  });

  it("is a plan that can be written down and read again", () => {
    const plan = drawSwarmPlan(1, { fleet: plannedOf(load(EVERYTHING), null), for: 300_000, kinds: faultKinds });
    expect(checkPlan(JSON.parse(JSON.stringify(plan)))).toEqual(JSON.parse(JSON.stringify(plan)));
    const sales = lineId("sales");
    const odd = { ...plan.fleet.settings.lines?.[sales], whenRefused: "perhaps" };
    const bad = { ...plan, fleet: { ...plan.fleet, settings: { ...plan.fleet.settings, lines: { [sales]: odd } } } };
    expect(() => checkPlan(bad)).toThrow('fleet.settings.lines.sales.whenRefused must be "reroute" or "fail"');
  });

  it("has what WhatsApp refuses one number tried by another one, or by nobody, as it says", { timeout: 60_000 }, () => {
    const triedBy = (whenRefused: string): ReadonlySet<number> => {
      const accounts = "sales-1: { role: master, devices: [a] }, sales-2: { role: master, devices: [a] }";
      const fleet = load(
        `{ fleet: acme, accounts: { ${accounts} }, lines: { sales: { masters: [sales-1, sales-2], whenRefused: ${whenRefused} } } }`,
      );
      const life = lifeOf(refusedTo("sales-1", plannedOf(fleet, null)), runPlan(refusedTo("sales-1", plannedOf(fleet, null))));
      const refused = new Set(eventsOf(life, "refused").map(({ message }) => message));
      expect(refused.size).toBeGreaterThan(0);
      const said = eventsOf(life, "said").flatMap(({ type, data }) => (type === "message.failed" ? [data["message"]] : []));
      const failed = life.tables.outbox.filter(({ state }) => state === "failed");
      expect(new Set(said)).toEqual(new Set(failed.map(({ id }) => id)));
      return new Set(
        life.tables.outbox
          .filter(({ id }) => refused.has(id))
          .map(({ attempts }) => new Set(attempts.map(({ device }) => device)).size),
      );
    };
    expect(triedBy("fail")).toEqual(new Set([1]));
    expect([...triedBy("reroute")]).toContain(2);
  });
});

/** Of whom a tier consists is left to the run: a plan names nobody. */
const plain = (balance?: LineBalance) =>
  balance && {
    strategy: balance.strategy,
    weights: balance.weights,
    adaptive: balance.adaptive,
    priority: balance.priority,
    geo: balance.geo,
  };

/** Without a word the account may open no new chats, and everybody is new. */
const refusedTo = (account: string, fleet: Plan["fleet"]): Plan => {
  const drawn = drawSwarmPlan(1, { fleet, for: 300_000, kinds: faultKinds });
  return {
    ...drawn,
    workload: { ...drawn.workload, sends: 1, writes: 0, warm: 0, from: 60_000, until: 120_000 },
    faults: [{ kind: "restricted", target: { account: account as never }, at: 50_000, for: "permanent", announced: false }],
    liveness: null,
    for: 150_000,
  };
};
