/** From a planned fleet to what a node is started with. */
import { DEFAULT_TIMERS, type Timers } from "../../machines/account/timers.ts";
import { timingsOf } from "../../machines/account/timings.ts";
import { balanceOf } from "../../machines/delivery/balance/settings.ts";
import type { LineBalance } from "../../machines/delivery/balance/strategy.ts";
import type { NodeConfig } from "../../machines/driver/boot.ts";
import { referenceConfig } from "../world/reference.ts";
import { vipsOf, type Workload } from "../world/workload.ts";
import type { FleetSettings, PlannedFleet } from "./plan.ts";
import { ownStrategies } from "./strategies.ts";

export const timersOf = ({ timers }: FleetSettings): Timers => ({ ...DEFAULT_TIMERS, ...timers });

export const configOf = ({ settings, accounts, lines }: PlannedFleet, workload: Pick<Workload, "vips"> = {}): NodeConfig => {
  const base = referenceConfig({ accounts, lines });
  const balances = new Map(
    lines.flatMap(({ id, masters }) => {
      const balance = settings.lines?.[id]?.balance;
      if (!balance) return [];
      const [first = null] = balance.priority.tiers;
      const vips = vipsOf(id, workload);
      const tierOf: LineBalance["tierOf"] = ({ lid }) => (lid !== null && vips.has(lid) ? first : null);
      return [[id, balanceOf(id, masters, { ...balance, tierOf })]];
    }),
  );
  return {
    ...base,
    timings: timingsOf(timersOf(settings)),
    reconnectPerSecond: settings.reconnectPerSecond ?? base.reconnectPerSecond,
    lease: settings.lease ?? base.lease,
    brake: settings.brake ?? base.brake,
    queue: (line) => ({
      pacing: settings.pacing ?? {},
      whenNumberChanges: settings.lines?.[line]?.whenNumberChanges ?? "hold",
      whenRefused: settings.lines?.[line]?.whenRefused ?? "reroute",
    }),
    rebalance: (line) => settings.lines?.[line]?.rebalance ?? "manual",
    work: (line) => settings.lines?.[line]?.work ?? [],
    failback: (line) => settings.lines?.[line]?.failback ?? "manual",
    balance: (line) => balances.get(line),
    strategies: ownStrategies(settings),
    ...(settings.caps ? { caps: settings.caps } : {}),
    outboxLimit: (line) => settings.lines?.[line]?.outboxLimit ?? base.outboxLimit(line),
  };
};
